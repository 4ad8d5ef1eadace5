import { expect, test } from "bun:test";
import { LoadContext, type LoadReport } from "../../src/load/load.ts";
import { type Throughput, throughput } from "../../src/load/loads/throughput.ts";
import { localTarget } from "../support/embedded.ts";
import { type Quirk, QuirkyBroker } from "./quirky-broker.ts";

const pairs: Throughput = {
  publishers: 2,
  subscribersEach: 2,
  qos: 0,
  window: 20,
  payloadBytes: 64,
};

/** A run against a broker with one planted quirk. */
async function played(
  quirk: Quirk | null,
  shape: Partial<Throughput>,
  version: 4 | 5 = 4,
): Promise<LoadReport> {
  using broker = new QuirkyBroker(quirk);
  const target = { ...localTarget(broker.port), version, pid: null, prefix: "b" };
  // Long enough that a fault is what ends it.
  const context = new LoadContext({ target, seconds: quirk === null ? 0.5 : 20 });
  // Where no stall is planted, one of this machine is none of the broker's.
  const stallMs = quirk === "fall silent" ? 400 : 20_000;
  const load = throughput({ ...pairs, ...shape }, { stallMs, drainMs: 20_000 });
  return await context.play(load, async () => {});
}

for (const version of [4, 5] as const) {
  for (const qos of [0, 1, 2] as const) {
    test(`a sound broker gives no error, version ${version}, QoS ${qos}`, async () => {
      const { errors, figures } = await played(null, { qos }, version);
      expect(errors).toEqual([]);
      expect(figures[0]?.value).toBeGreaterThan(0);
    });
  }
}

test.each([
  ["fan-in", { publishers: 5, subscribersEach: "one", qos: 0 }],
  ["fan-in, QoS 1", { publishers: 5, subscribersEach: "one", qos: 1 }],
  ["payloads longer than what is kept of a cut packet", { payloadBytes: 16_384 }],
  ["the least payload, window 1", { payloadBytes: 6, window: 1 }],
] as const)("a sound broker gives no error: %s", async (_, shape) => {
  const { errors, figures } = await played(null, shape);
  expect(errors).toEqual([]);
  expect(figures[0]?.value).toBeGreaterThan(0);
});

test.each([
  ["lose", 0, /message \d+ arrived instead of \d+/],
  ["lose", 1, /message \d+ arrived instead of \d+/],
  ["repeat", 0, /message \d+ arrived instead of \d+/],
  ["repeat", 1, /message \d+ arrived instead of \d+/],
  ["swap", 0, /message \d+ arrived instead of \d+/],
  ["swap", 2, /message \d+ arrived instead of \d+/],
  ["spoil", 0, /a message differs from the published one/],
  ["spoil", 1, /a message differs from the published one/],
  ["hang up", 0, /the broker ended the connection/],
  ["fall silent", 0, /no progress for 400 ms/],
  ["forget acknowledgement", 1, /expected the acknowledgement of message \d+/],
  ["forget acknowledgement", 2, /expected the acknowledgement of message \d+/],
] as const)("a broker that begins to %s, QoS %i, fails the run", async (quirk, qos, words) => {
  const { errors } = await played(quirk, { qos });
  expect(errors[0] ?? "no error").toMatch(words);
});
