import { expect, test } from "bun:test";
import { startBroker } from "../../src/load/brokers.ts";
import { localTarget } from "../support/embedded.ts";

/** The process of a broker at this address, as a bench finds it by the port. */
async function pidFound(host: string, port: number): Promise<number | null> {
  const source = {
    kind: "running",
    name: "x",
    target: { ...localTarget(port), host },
  } as const;
  const { signal } = new AbortController();
  const start = {
    ...{ folder: "", pinned: null, openFiles: 100, signal },
    transport: "tcp",
    certificate: null,
  } as const;
  return (await startBroker({ ...source, pid: null }, start)).pid;
}

test.skipIf(process.platform !== "linux")(
  "who listens on the port here is the broker of a loopback address, not that of another machine",
  async () => {
    const hostname = "0.0.0.0";
    using listener = Bun.listen({ hostname, port: 0, socket: { data() {} } });
    expect(await pidFound("127.0.0.1", listener.port)).toBe(process.pid);
    expect(await pidFound("192.0.2.1", listener.port)).toBeNull();
  },
);
