import { DialError } from "./dial-error.ts";
import { SocketWire } from "./socket-wire.ts";
import type { Target } from "./target.ts";
import { TlsWire } from "./tls-wire.ts";
import { WebSocketWire } from "./websocket-wire.ts";
import type { OpeningEvents, OpeningWire, Wire, WireEvents } from "./wire.ts";

/** Opens a connection within `timeoutMs`. Rejects with DialError. */
export async function dial(
  target: Target,
  timeoutMs: number,
  events: (wire: Wire) => WireEvents,
): Promise<Wire> {
  return new Promise((resolve, reject) => {
    let told: WireEvents | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const settled = (): void => {
      if (timer !== null) clearTimeout(timer);
    };
    const wire = openingWire(target, {
      opened: () => {
        settled();
        told = events(wire);
        resolve(wire);
      },
      failed: (error) => {
        settled();
        reject(error);
      },
      data: (chunk) => told?.data(chunk),
      closed: (how, why) => told?.closed(how, why),
    });
    timer = setTimeout(() => {
      wire.reset();
      reject(new DialError("ETIMEDOUT", `no ${wire.awaited} within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  });
}

function openingWire(target: Target, above: OpeningEvents): OpeningWire {
  switch (target.transport) {
    case "tcp":
    case "unix":
      return new SocketWire(target, above);
    case "tls":
      return tlsWire(target, above);
    case "ws":
    case "wss":
      return new WebSocketWire(target, above, (over) =>
        target.transport === "ws" ? new SocketWire(target, over) : tlsWire(target, over),
      );
  }
}

function tlsWire(target: Target, above: OpeningEvents): TlsWire {
  return new TlsWire(target, above, (over) => new SocketWire(target, over));
}
