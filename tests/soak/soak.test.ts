import { expect, test } from "bun:test";
import { StallMeter } from "../../src/drop/lab/stall.ts";
import { HeldUp } from "../support/held-up.ts";
import { now } from "../support/inbox.ts";
import { marginMs } from "./mortal-lives.ts";
import { growth, type Sample } from "./samples.ts";
import { soak } from "./soak.ts";
import { Tally } from "./tally.ts";

const isLinux = process.platform === "linux";

// The short form of scripts/soak.ts: too short to judge memory, long enough for everything else.
test.if(isLinux)(
  "clients connect and end for a while: nothing is lost, duplicated or left behind",
  async () => {
    using stalls = new StallMeter();
    const began = now();
    const report = await soak({ seconds: 6, clients: 15, seed: 1, say: () => {} });
    if (report.faults.length > 0) {
      // A client may be late by as much before its will's fate is another.
      const stalledMs = Math.max(stalls.between(0, Infinity), ...report.blockedMs);
      if (stalledMs > marginMs) throw new HeldUp(report.faults.join("; "), stalledMs, began);
    }
    expect(report.faults).toEqual([]);
    expect(report.lives).toBeGreaterThan(15);
    expect(report.messages.delivered).toBeGreaterThan(report.messages.sent);
  },
  180_000,
);

test.if(isLinux)(
  "a broker that publishes wills twice is detected",
  async () => {
    const brokerArgs = ["--like", "F-published-twice"];
    const report = await soak({ seconds: 3, clients: 15, seed: 1, say: () => {}, brokerArgs });
    expect(report.faults.join("\n")).toMatch(
      /will mortal-\d+ \d+: published was to be, it came 2 times/,
    );
  },
  180_000,
);

test("a lost or duplicated message is reported", () => {
  const tally = new Tally();
  tally.addSubscriber("s");
  const texts = ([0, 1, 2, 0, 1, 2] as const).map((qos) => tally.send("p", qos));
  for (const text of texts.slice(3)) for (const _ of [1, 2]) tally.receive("s", text);
  expect(tally.lost).toEqual(["p 1 to s: 0 x, QoS 1", "p 2 to s: 0 x, QoS 2"]);
  expect(tally.twice).toEqual(["p 3 to s: 2 x, QoS 0", "p 5 to s: 2 x, QoS 2"]);
  expect([tally.qos0Missed, tally.qos1Again]).toEqual([1, 1]);
});

/** Twenty minutes, ten connections a second, a collector's saw tooth of 8 MiB. */
function samples(bytesPerConnection: number): Sample[] {
  return Array.from({ length: 1200 }, (_, second) => ({
    at: second * 1000,
    rssBytes: 80e6 + second * 10 * bytesPerConnection + ((second * 7919) % 61) * 140e3,
    heapBytes: 0,
    descriptors: 0,
    sockets: second * 10,
  }));
}

test("memory that grows with connections is distinguished from a collector's saw tooth", () => {
  const flat = growth(samples(0), 300_000);
  const leaky = growth(samples(1200), 300_000);
  expect(Math.abs(flat?.bytesPerConnection ?? Infinity)).toBeLessThan(300);
  expect((leaky?.bytesPerConnection ?? 0) - (leaky?.uncertainty ?? 0)).toBeGreaterThan(600);
  expect(growth(samples(0).slice(0, 400), 300_000)).toBeNull();
});
