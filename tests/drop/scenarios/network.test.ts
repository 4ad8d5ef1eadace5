import { expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { keepaliveScenarios } from "../../../src/drop/scenarios/keepalive.ts";
import { networkScenarios } from "../../../src/drop/scenarios/network.ts";
import type { Result, Scenario } from "../../../src/drop/scenario.ts";
import { silenceScenarios } from "../../../src/drop/scenarios/silence.ts";
import { judge } from "../../../src/drop/verdict.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { HeldUp } from "../../support/held-up.ts";
import { now } from "../../support/inbox.ts";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.ts";
import { expectVerdicts, named, passes, played, turn } from "../../support/played.ts";

const scenarios = [...networkScenarios, ...silenceScenarios, ...keepaliveScenarios];
const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker finds who is gone, and leaves alone who lives",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(scenarios, broker.target);
    expectVerdicts(results, passes(scenarios), "any");
    for (const { id, latenessMs } of results) expectPrompt(id, latenessMs, 250);
  },
  boundMs,
);

test.concurrent(
  "MQTT 3.1 does it in the same way",
  async () => {
    const versions = [3] as const;
    using broker = await EmbeddedBroker.start();
    const results = await played(silenceScenarios, broker.target, {
      versions,
      keepAliveSeconds: 1,
    });
    expectVerdicts(results, passes(silenceScenarios, versions));
  },
  boundMs,
);

const recentMs = 60_000;

/** Of a will, at some time within the last minute. */
function expectPrompt(id: string, latenessMs: number | null, limitMs: number): void {
  if (latenessMs === null || latenessMs < limitMs) return;
  throw new HeldUp(`the will of ${id}`, latenessMs - limitMs, now() - recentMs);
}

/** mosquitto counts in seconds, and looks every five of them. */
const mosquittoWait = { waitMs: 6500 } as const;

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 is up to 6 s late with who is silent, and right otherwise${why}`,
  async () => {
    const asked = scenarios.filter(({ id }) => id !== "drip");
    await using mosquitto = await Mosquitto.start();
    const results = await played(asked, mosquitto.target, mosquittoWait);
    const isSilent = ({ id }: Result): boolean => silenceScenarios.some((one) => one.id === id);
    const silent = results.filter(isSilent);
    expect(silent).toHaveLength(6);
    for (const { id, verdict, failure, latenessMs } of silent) {
      expect(["pass", "late"]).toContain(verdict);
      expect([null, "late"]).toContain(failure);
      expectPrompt(id, latenessMs, 6200);
    }
    const others = asked.filter((scenario) => !silenceScenarios.includes(scenario));
    const expected = passes(others).map((text) =>
      // It tells clients that want no keepalive to have one of 65535 s.
      text === "keepalive-0 v5: pass" ? "keepalive-0 v5: skipped" : text,
    );
    const told = results.filter((result) => !isSilent(result));
    expectVerdicts(told, expected, "any");
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 never finds who drips the bytes of a large packet${why}`,
  async () => {
    const asked = [named(scenarios, "drip")];
    const options = { ...mosquittoWait, keepAliveSeconds: 1, versions: [4] } as const;
    await using mosquitto = await Mosquitto.start();
    const results = await played(asked, mosquitto.target, options);
    expectVerdicts(results, ["drip v4: finding (never)"]);
    expect(results[0]?.arm).toBe("a packet of 4 KiB");
  },
  boundMs,
);

const deadlineIs = (verdict: string): string[] =>
  silenceScenarios.map(({ id }) => `${id} v5: ${verdict}`);

const quirks: readonly (readonly [PlantedQuirk, wrong: readonly string[]])[] = [
  [
    "B1-reset-publishes-nothing",
    ["rst v5: fail (never)", "ping-alive v5: fail (never)", "publish-alive v5: fail (never)"],
  ],
  ["B1-fin-publishes-nothing", ["fin v5: fail (never)"]],
  ["A1-no-deadline", deadlineIs("fail (never)")],
  ["A2-sent-packets-reset-deadline", ["listening v5: fail (never)"]],
  ["A2-partial-packets-reset-deadline", ["drip v5: fail (never)"]],
  [
    "A4-deadline-at-0.75",
    [
      ...deadlineIs("fail (early)"),
      "ping-alive v5: fail (spurious)",
      "publish-alive v5: fail (spurious)",
      "late-ping v5: finding (spurious)",
    ],
  ],
  // After K, and so forbidden by no statement.
  ["A4-deadline-at-1.25", [...deadlineIs("finding (early)"), "late-ping v5: finding (spurious)"]],
  ["A4-only-pingreq-counts", ["publish-alive v5: fail (spurious)"]],
  [
    "A4-pingreq-does-not-count",
    ["ping-alive v5: fail (spurious)", "late-ping v5: finding (spurious)"],
  ],
  ["A4-keepalive-0-has-deadline", ["keepalive-0 v5: finding (spurious)"]],
];

for (const [quirk, wrong] of quirks) {
  test.concurrent(
    `${quirk} is found, and what is right beside it stays right`,
    async () => {
      const results = await playedOnOne(scenarios, { rules: plantedQuirks[quirk] });
      const others = results.filter(({ verdict }) => verdict !== "pass");
      expectVerdicts(others, [...wrong]);
      for (const { id, means } of others) expect({ id, means }).not.toEqual({ id, means: null });
    },
    boundMs,
  );
}

test.concurrent(
  "deadlines that are found by a sweep are late, not missing",
  async () => {
    await turn();
    using broker = await EmbeddedBroker.start({ rules: { keepAliveSweepMs: 2500 } });
    const options = { versions: [5], toleranceMs: 100, waitMs: 4000 } as const;
    const [result] = await played([named(scenarios, "half-open")], broker.target, options);
    // 3 s are allowed, so that the second look finds it, 5 s after the broker's start. It is less
    // late the later the scenario began.
    expect(result?.verdict).toBe("late");
    expect(result?.latenessMs).toBeGreaterThan(100);
  },
  boundMs,
);

test.concurrent(
  "the broker's keepalive counts where it gives one",
  async () => {
    const asked = [named(scenarios, "half-open"), named(scenarios, "keepalive-0")];
    const results = await playedOnOne(asked, { limits: { keepAliveMaxSeconds: 1 } });
    expectVerdicts(results, ["half-open v5: pass", "keepalive-0 v5: skipped"]);
    expect(results.map(({ dueMs }) => dueMs)).toEqual([1500, null]);
    expect(results[1]?.detail).toBe("the broker imposes a keepalive of 1 s");
  },
  boundMs,
);

test.concurrent(
  "a broker that takes no keepalive of 0 is told so, and not that nothing is known",
  async () => {
    await turn();
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => events.data(link, isForever(chunk) ? Uint8Array.of(0) : chunk),
      }),
    });
    const asked = [named(scenarios, "keepalive-0")];
    const [result] = await played(asked, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "finding", failure: "broken" });
    expect(result?.detail).toStartWith("a CONNECT with keepalive 0 was refused: ");
  },
  boundMs,
);

test("what can't be relied on is no failure, however it looks", () => {
  const options = { toleranceMs: 1000, version: 5, target: { transport: "tcp", host: "h" } };
  const scenario = named(scenarios, "ping-alive");
  const observation = {
    arm: "",
    due: null,
    got: [1000],
    until: 2000,
    altered: null,
    broken: "cut",
    inconclusive: "this machine was late",
  };
  // Only these three options decide about an observation.
  const on = options as Parameters<typeof judge>[1];
  const { verdict, detail } = judge(scenario, on, 0, [observation], () => 0);
  expect({ verdict, detail }).toEqual({ verdict: "inconclusive", detail: "this machine was late" });
});

/** A CONNECT of MQTT 3.1.1 with a keepalive of 0: behind name, level and flags. */
function isForever(chunk: Uint8Array): boolean {
  const at = Buffer.from(chunk).indexOf("MQTT\u0004") + 6;
  return chunk[0] === 0x10 && chunk[at] === 0 && chunk[at + 1] === 0;
}

/** Plays them together against one broker of ours, in MQTT 5. */
async function playedOnOne(
  asked: readonly Scenario[],
  options: EmbeddedOptions,
): Promise<Result[]> {
  await turn();
  using broker = await EmbeddedBroker.start(options);
  // Awaited here: the broker ends when this function does.
  const results = await played(asked, broker.target, { versions: [5] });
  return results;
}
