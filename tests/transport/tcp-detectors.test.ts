import { expect, test } from "bun:test";
import fc from "fast-check";
import { tcpDetectors } from "../../src/transport/tcp-detectors.ts";

const tcp = { keepAliveMs: 60_000, userTimeoutMs: 30_000 };
/** 1.5 times the longest keepalive. */
const longestMs = 65_535 * 1500;

test("TCP never ends a link before its keepalive would, and not much later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: longestMs }), (allowedMs) => {
      const { keepAlive, userTimeoutMs } = tcpDetectors(tcp, allowedMs);
      if (keepAlive === null) throw new Error("keepalive is off");
      const foundMs = 1000 * (keepAlive.idleSeconds + keepAlive.intervalSeconds * keepAlive.probes);
      expect(foundMs).toBeGreaterThanOrEqual(allowedMs);
      expect(foundMs).toBeLessThanOrEqual(allowedMs + 31_000);
      expect(userTimeoutMs).toBeGreaterThanOrEqual(allowedMs);
    }),
  );
});

test("the system accepts each number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: longestMs }), (allowedMs) => {
      const { keepAlive } = tcpDetectors(tcp, allowedMs);
      for (const value of [keepAlive?.idleSeconds, keepAlive?.intervalSeconds, keepAlive?.probes]) {
        expect(value).toBeGreaterThanOrEqual(1);
        expect(value).toBeLessThanOrEqual(32_767);
        expect(Number.isInteger(value)).toBe(true);
      }
    }),
  );
});

test("a keepalive of 10 s", () => {
  expect(tcpDetectors(tcp, 15_000)).toEqual({
    keepAlive: { idleSeconds: 15, intervalSeconds: 2, probes: 3 },
    userTimeoutMs: 30_000,
  });
});

test("part of a second is rounded up", () => {
  expect(tcpDetectors(tcp, 1500).keepAlive).toEqual({
    idleSeconds: 2,
    intervalSeconds: 1,
    probes: 3,
  });
});

test("a short keepalive does not shorten the user timeout: a slow reader that pings stays connected", () => {
  expect(tcpDetectors(tcp, 1500).userTimeoutMs).toBe(30_000);
  expect(tcpDetectors(tcp, 90_000).userTimeoutMs).toBe(90_000);
});

test("without keepalive the configured times count", () => {
  expect(tcpDetectors(tcp, null)).toEqual({
    keepAlive: { idleSeconds: 60, intervalSeconds: 6, probes: 3 },
    userTimeoutMs: 30_000,
  });
});

test("zero switches each off", () => {
  const off = { keepAliveMs: 0, userTimeoutMs: 0 };
  for (const allowedMs of [null, 15_000]) {
    expect(tcpDetectors(off, allowedMs)).toEqual({ keepAlive: null, userTimeoutMs: 0 });
    expect(tcpDetectors({ ...tcp, keepAliveMs: 0 }, allowedMs)).toEqual({
      keepAlive: null,
      userTimeoutMs: 30_000,
    });
    expect(tcpDetectors({ ...tcp, userTimeoutMs: 0 }, allowedMs).keepAlive).not.toBeNull();
    expect(tcpDetectors({ ...tcp, userTimeoutMs: 0 }, allowedMs).userTimeoutMs).toBe(0);
  }
});
