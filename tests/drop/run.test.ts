import { expect, test } from "bun:test";
import type { Principal } from "../../src/core/access.ts";
import { reasonText } from "../../src/core/reason.ts";
import type { RunWatch } from "../../src/drop/run.ts";
import { networkScenarios } from "../../src/drop/scenarios/network.ts";
import { silenceScenarios } from "../../src/drop/scenarios/silence.ts";
import type { Observation, Scenario } from "../../src/drop/scenario.ts";
import type { Stage } from "../../src/drop/stage.ts";
import { accessBy } from "../support/access.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../support/embedded.ts";
import { expectVerdicts, named, played, quiet, turn } from "../support/played.ts";

/** The order in which scenarios play, and what becomes of those that can't be judged. */

const boundMs = 180_000;
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
    const results = await played(scenarios, broker.target, {
      versions: [4],
      triesAlone: 2,
      watch,
    });
    expectVerdicts(results, [
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
    const options = { versions: [4], restartCommand: "true", triesAlone: 2 } as const;
    await played([scenario], broker.target, options);
    expect(order).toEqual(["crash"]);
  },
  boundMs,
);

for (const version of [4, 5] as const) {
  test.concurrent(
    `what the access list denies by a code is skipped, in version ${version}`,
    async () => {
      const access = accessBy({ maySubscribe: () => false });
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
    const access = accessBy({ mayPublish: () => false });
    using broker = await EmbeddedBroker.start({ access });
    const [v4, v5] = await played([rst], broker.target);
    expect(v5?.verdict).toBe("skipped");
    expect(v5?.detail).toMatch(
      /^the broker denies a PUBLISH on .*: PUBACK not authorized \(0x87\)$/,
    );
    expect(v4).toMatchObject({ verdict: "inconclusive", noVerdict: "may not publish" });
    expect(v4?.detail).toContain("the broker gave no reason");
  },
  boundMs,
);

/** The client ids of all CONNECTs, in their order. */
function recorded(ids: string[]): NonNullable<EmbeddedOptions["between"]> {
  return (events) => ({
    ...events,
    data: (link, chunk) => {
      // MQTT 3.1.1: ten bytes before the payload, whose first field is the id; one byte of length.
      if (chunk[0] === 0x10) {
        const length = (chunk[12] ?? 0) * 256 + (chunk[13] ?? 0);
        ids.push(Buffer.from(chunk.subarray(14, 14 + length)).toString());
      }
      events.data(link, chunk);
    },
  });
}

test.concurrent(
  "the control has an id of its own, and takes the user's only where the access list wants that",
  async () => {
    const ids: string[] = [];
    using broker = await EmbeddedBroker.start({ between: recorded(ids) });
    const topic = "devices/dev-42/status";
    const options = { versions: [4], clientId: "dev-42", will: { topic } } as const;
    expectVerdicts(await played([rst], broker.target, options), ["rst v4: pass"]);
    expect(ids.filter((id) => id === "dev-42")).toHaveLength(1);
    expect(ids.filter((id) => id.endsWith("-control"))).toHaveLength(1);

    const again: string[] = [];
    const access = accessBy({
      mayPublish: (who: Principal) => who.clientId === "dev-42",
    });
    using strict = await EmbeddedBroker.start({ between: recorded(again), access });
    expectVerdicts(await played([rst], strict.target, options), ["rst v4: pass"]);
    expect(again.filter((id) => id === "dev-42")).toHaveLength(2);
  },
  boundMs,
);

test.concurrent(
  "a reference that nobody asked for plays only where it has something to tell",
  async () => {
    const order: string[] = [];
    const seen =
      (id: string, lateMs: number): Scenario["play"] =>
      async (stage) => {
        order.push(id);
        const since = stage.dropped();
        const blank = stage.observation(since, since);
        return [{ ...blank, got: [since + lateMs], until: since + lateMs }];
      };
    const reference: Scenario = { ...rst, id: "plain", play: seen("plain", 5000) };
    const scenarios = [
      { ...rst, id: "late", play: seen("late", 5100), reference },
      { ...rst, id: "later", play: seen("later", 9000), reference },
      { ...rst, id: "right", play: seen("right", 0), reference },
    ];
    using broker = await EmbeddedBroker.start();
    const options = { versions: [4], serial: true } as const;
    const results = await played(scenarios, broker.target, options);
    expect(order).toEqual(["late", "plain", "later", "right"]);
    expect(results.map(({ detail }) => detail.replace(/\d\.\d\d s/g, "N s"))).toEqual([
      "the will came N s late, and that of plain N s",
      "the will came after N s, due at N s",
      "the will after N s",
    ]);
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
      keepAliveSeconds: 1,
      waitMs: 500,
      toleranceMs: 300,
      goesOn: true,
      watch: { ...quiet, said: (text) => void said.push(text) },
    });
    expectVerdicts(results, ["half-open v5: late (late)", "mid-packet v5: late (late)"]);
    expect(results[0]?.arms.map(({ keepAliveSeconds }) => keepAliveSeconds)).toEqual([1, 2]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^no will after [2-9]\.\d\d s of silence: /);
  },
  boundMs,
);
