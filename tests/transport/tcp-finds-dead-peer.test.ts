import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { bunTcp } from "../../src/transport/tcp-bun.ts";
import type { ListeningSocket, TcpWatch } from "../../src/transport/transport.ts";
import { expectInTime } from "../support/held-up.ts";
import { libc, vanish } from "../support/vanish.ts";
import { Peer, Recorder, say } from "./transports.ts";

function descriptor(of: object): number {
  if ("fd" in of && typeof of.fd === "number") return of.fd;
  throw new Error("no descriptor");
}

function option(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  const size = new Uint32Array([4]);
  expect(libc().getsockopt(fd, level, name, value, size)).toBe(0);
  return value[0] ?? -1;
}

async function watched(
  tcp: TcpWatch,
  body: (port: number, recorder: Recorder, socket: ListeningSocket) => Promise<void>,
): Promise<void> {
  const recorder = new Recorder();
  const socket = await bunTcp().listen({ host: "127.0.0.1", port: 0, tcp, events: recorder });
  try {
    await body(socket.port, recorder, socket);
  } finally {
    for (const link of recorder.links) link.reset();
    socket.close();
  }
}

/** `act` begins what is waited for: the clock starts before it. */
async function seconds(act: () => void, until: () => Promise<void>): Promise<number> {
  const start = performance.now();
  act();
  await until();
  return (performance.now() - start) / 1000;
}

describe.if(process.platform === "linux")("TCP's own detectors", () => {
  test.concurrent(
    "an idle link whose peer vanished ends with timeout, after the allowed time",
    () =>
      watched({ keepAliveMs: 60_000, userTimeoutMs: 1000 }, async (port, recorder) => {
        const peer = await Peer.dial(port);
        const link = await recorder.link();
        const act = (): void => {
          link.watch(1500);
          vanish(descriptor(peer.socket));
        };
        const took = await seconds(act, async () => recorder.told("timeout"));
        expect(took).toBeGreaterThan(1.5);
        expectInTime("the end", 1000 * took, 5000);
        expect(recorder.log).toEqual(["opened", "timeout"]);
        peer.rst();
      }),
  );

  test.concurrent("without keepalive the configured idle time detects it", () =>
    watched({ keepAliveMs: 1000, userTimeoutMs: 0 }, async (port, recorder) => {
      const peer = await Peer.dial(port);
      const link = await recorder.link();
      const act = (): void => {
        link.watch(null);
        vanish(descriptor(peer.socket));
      };
      const took = await seconds(act, async () => recorder.told("timeout"));
      expect(took).toBeGreaterThan(1);
      expectInTime("the end", 1000 * took, 6000);
      peer.rst();
    }),
  );

  test.concurrent("unacknowledged data ends it with timeout", () =>
    watched({ keepAliveMs: 0, userTimeoutMs: 1000 }, async (port, recorder) => {
      const peer = await Peer.dial(port);
      const link = await recorder.link();
      link.watch(null);
      vanish(descriptor(peer.socket));
      const act = (): unknown => say(link, "is anybody there");
      const took = await seconds(act, async () => recorder.told("timeout"));
      expect(took).toBeGreaterThan(1);
      expectInTime("the end", 1000 * took, 5000);
      peer.rst();
    }),
  );

  test("the kernel has the requested values", async () => {
    const before = new Set(descriptors());
    await watched({ keepAliveMs: 60_000, userTimeoutMs: 30_000 }, async (port, recorder) => {
      const peer = await Peer.dial(port);
      const link = await recorder.link();
      const fd = accepted(before, peer);
      const settings = () => [
        option(fd, 1, 9),
        ...[4, 5, 6, 18].map((name) => option(fd, 6, name)),
      ];
      expect(option(fd, 6, 1)).toBe(1);
      link.watch(45_000);
      expect(settings()).toEqual([1, 45, 5, 3, 45_000]);
      link.watch(null);
      expect(settings()).toEqual([1, 60, 6, 3, 30_000]);
      peer.rst();
    });
  });

  test("zero switches them off", async () => {
    const before = new Set(descriptors());
    await watched({ keepAliveMs: 0, userTimeoutMs: 0 }, async (port, recorder) => {
      const peer = await Peer.dial(port);
      const link = await recorder.link();
      const fd = accepted(before, peer);
      link.watch(null);
      expect([option(fd, 1, 9), option(fd, 6, 18)]).toEqual([0, 0]);
      peer.rst();
    });
  });

  test("more connections may wait than Bun asks for", async () => {
    const transport = bunTcp();
    expect(transport.capabilities.backlog).toBeNull();
    const before = new Set(descriptors());
    const socket = await transport.listen({
      host: "127.0.0.1",
      port: 0,
      tcp: { keepAliveMs: 0, userTimeoutMs: 0 },
      events: new Recorder(),
    });
    expect(transport.capabilities).toEqual({
      keepAlive: "idle, interval, probes",
      userTimeout: true,
      backlog: 4096,
    });
    const [fd, ...others] = descriptors().filter((one) => !before.has(one));
    expect(others).toEqual([]);
    const systemMost = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    expect(backlog(fd ?? -1)).toBe(Math.min(4096, systemMost));
    socket.close();
  });
});

/**
 * For a listener, tcp_info reports the maximum queue length in the place of a connection's
 * `sacked`.
 */
function backlog(fd: number): number {
  const info = new Uint32Array(32);
  const size = new Uint32Array([info.byteLength]);
  const tcpInfo = 11;
  expect(libc().getsockopt(fd, 6, tcpInfo, info, size)).toBe(0);
  return info[7] ?? -1;
}

function descriptors(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
      } catch {
        return false;
      }
    });
}

/** The new socket that is neither the listener nor the peer's own. */
function accepted(before: ReadonlySet<number>, peer: Peer): number {
  const acceptConnections = 30;
  const found = descriptors().filter(
    (fd) =>
      !before.has(fd) && fd !== descriptor(peer.socket) && option(fd, 1, acceptConnections) === 0,
  );
  expect(found.length).toBe(1);
  return found[0] ?? -1;
}
