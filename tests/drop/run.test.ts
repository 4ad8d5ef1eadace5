import { expect, test } from "bun:test";
import { reasonText } from "../../src/core/reason.ts";
import type { RunWatch } from "../../src/drop/run.ts";
import { networkScenarios } from "../../src/drop/scenarios/network.ts";
import { silenceScenarios } from "../../src/drop/scenarios/silence.ts";
import type { Observation, Scenario } from "../../src/drop/scenario.ts";
import type { Stage } from "../../src/drop/stage.ts";
import { EmbeddedBroker } from "../support/embedded.ts";
import { named, played, quiet, turn, verdicts } from "../support/played.ts";

/** The order in which scenarios play, and what becomes of those that can't be judged. */

const boundMs = 20_000;
const rst = named(networkScenarios, "rst");

/** A scenario of which nothing can be said the first `times`. */
function undecided(
  id: string,
  times: number,
  order: string[],
  more: Partial<Scenario> = {},
): Scenario {
  let left = times;
  const play = async (stage: Stage): Promise<readonly Observation[]> => {
    order.push(id);
    const inconclusive = left-- > 0 ? "not this time" : null;
    return [{ ...stage.observation(stage.now, null), inconclusive }];
  };
  return { ...rst, id, play, ...more };
}

test.concurrent(
  "what is in doubt plays again, alone, at the end, and what may bring the broker down after it",
  async () => {
    const order: string[] = [];
    const told: string[] = [];
    const watch: RunWatch = {
      ...quiet,
      doubted: ({ id }, why) => void told.push(`${id} doubted: ${why}`),
      ended: ({ id }, { verdict, tries }) => void told.push(`${id} ${verdict} after ${tries}`),
    };
    using broker = await EmbeddedBroker.start();
    const scenarios = [
      undecided("risky", 0, order, { last: true }),
      undecided("once", 1, order),
      undecided("alone", 0, order, { serial: true }),
      undecided("never", 9, order),
    ];
    const results = await played(scenarios, broker.target, { versions: [4], watch });
    expect(verdicts(results)).toEqual([
      "risky v4: pass",
      "once v4: pass",
      "alone v4: pass",
      "never v4: inconclusive",
    ]);
    expect(order.slice(2)).toEqual(["alone", "once", "never", "never", "risky"]);
    expect(told.toSorted()).toEqual([
      "alone pass after 1",
      "never doubted: not this time",
      "never inconclusive after 3",
      "once doubted: not this time",
      "once pass after 2",
      "risky pass after 1",
    ]);
  },
  boundMs,
);

test.concurrent(
  "what the user's command did to the broker is not done twice",
  async () => {
    const order: string[] = [];
    using broker = await EmbeddedBroker.start();
    const scenario = undecided("crash", 9, order, { needs: ["--restart-command"] });
    const options = { versions: [4], restartCommand: "true" } as const;
    await played([scenario], broker.target, options);
    expect(order).toEqual(["crash"]);
  },
  boundMs,
);

for (const version of [4, 5] as const) {
  test.concurrent(
    `what the access list denies by a code is skipped, in version ${version}`,
    async () => {
      const access = { mayPublish: () => true, maySubscribe: () => false };
      using broker = await EmbeddedBroker.start({ access });
      const [result] = await played([rst], broker.target, { versions: [version] });
      expect(result).toMatchObject({ verdict: "skipped", tries: 1 });
      const code = version === 5 ? reasonText(0x87) : "failure (0x80)";
      expect(result?.detail).toMatch(/^the broker denies a SUBSCRIBE to mqttd-drop\/.*: SUBACK /);
      expect(result?.detail).toEndWith(code);
    },
    boundMs,
  );
}

test.concurrent(
  "a PUBLISH that is denied by its PUBACK is skipped, one that is lost without a word is undecided",
  async () => {
    const access = { mayPublish: () => false, maySubscribe: () => true };
    using broker = await EmbeddedBroker.start({ access });
    const [v4, v5] = await played([rst], broker.target);
    expect(v5?.verdict).toBe("skipped");
    expect(v5?.detail).toMatch(
      /^the broker denies a PUBLISH on .*: PUBACK not authorized \(0x87\)$/,
    );
    expect(v4?.verdict).toBe("inconclusive");
    expect(v4?.detail).toContain("the broker gave no reason");
  },
  boundMs,
);

test.concurrent(
  "a late deadline is told from none without a longer wait, and so is what hangs on it",
  async () => {
    await turn();
    using broker = await EmbeddedBroker.start({ rules: { keepAliveSweepMs: 6000 } });
    const said: string[] = [];
    const scenarios = ["half-open", "mid-packet"].map((id) => named(silenceScenarios, id));
    const results = await played(scenarios, broker.target, {
      versions: [5],
      keepAlive: 1,
      waitMs: 500,
      toleranceMs: 300,
      goesOn: true,
      watch: { ...quiet, said: (text) => void said.push(text) },
    });
    expect(verdicts(results)).toEqual(["half-open v5: late (late)", "mid-packet v5: late (late)"]);
    expect(results[0]?.arms.map(({ keepAlive }) => keepAlive)).toEqual([1, 2]);
    expect(said).toHaveLength(1);
    expect(said[0]).toStartWith("no will after 2.");
  },
  boundMs,
);
