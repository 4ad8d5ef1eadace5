import { assert } from "../../core/assert.ts";
import type { ConnectionId } from "../../core/io.ts";
import type { Port } from "./port.ts";

/** The open ports by the numbers that the core knows them by; numbers are used again. */
export class Ports {
  readonly #ports: (Port | undefined)[] = [];
  readonly #free: ConnectionId[] = [];

  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Makes a port under a number that nobody has. */
  open(make: (id: ConnectionId) => Port): Port {
    const id = this.#free.pop() ?? this.#ports.length;
    const port = make(id);
    this.#ports[id] = port;
    this.#count += 1;
    return port;
  }

  /** Asserts that it is open: the core's effects name no other. */
  get(id: ConnectionId): Port {
    const port = this.#ports[id];
    assert(port !== undefined, `an effect names connection ${id}, which is not open`);
    return port;
  }

  has(id: ConnectionId): boolean {
    return this.#ports[id] !== undefined;
  }

  /** The core is done with it: nothing is handed in for it any more. */
  release(port: Port): void {
    port.open = false;
    this.#count -= 1;
    port.reader.discard();
    this.#ports[port.id] = undefined;
    this.#free.push(port.id);
  }

  filter(holds: (port: Port) => boolean): Port[] {
    return this.#ports.filter((port) => port !== undefined && holds(port)) as Port[];
  }

  every(holds: (port: Port) => boolean): boolean {
    return this.#ports.every((port) => port === undefined || holds(port));
  }
}
