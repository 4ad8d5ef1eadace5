import { describe, expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import type { RunOptions } from "../../src/drop/run.ts";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import type { Failure, Result, Scenario } from "../../src/drop/scenario.ts";
import { EmbeddedBroker } from "../support/embedded.ts";
import { played, turn } from "../support/played.ts";

/** A scenario that has to see a quirk, and as what. */
interface Sight {
  readonly id: string;
  readonly failure: Failure;
  readonly options?: Partial<RunOptions>;
}

const deniedTopic = "denied/will";

const sights: Record<PlantedQuirk, readonly Sight[]> = {
  "A1-no-deadline": [
    { id: "half-open", failure: "never" },
    { id: "mid-packet", failure: "never" },
    { id: "freeze", failure: "never", options: { has: new Set(["child process"]) } },
  ],
  "A2-sent-packets-reset-deadline": [{ id: "listening", failure: "never" }],
  "A2-partial-packets-reset-deadline": [{ id: "drip", failure: "never" }],
  "A2-parts-of-large-packets-reset-deadline": [{ id: "drip", failure: "never" }],
  "A3-deadlines-found-by-sweep": [{ id: "half-open", failure: "late", options: { waitMs: 7000 } }],
  "A4-deadline-at-0.75": [{ id: "ping-alive", failure: "spurious" }],
  // A second before its time, of which a busy machine may take most.
  "A4-deadline-at-1.0": [{ id: "half-open", failure: "early", options: { keepAlive: 2 } }],
  "A4-deadline-at-1.25": [{ id: "late-ping", failure: "spurious" }],
  // It takes a broker that stands still, and no scenario stops one.
  "A4-unread-packets-do-not-count": [],
  "A4-only-pingreq-counts": [{ id: "publish-alive", failure: "spurious" }],
  "A4-pingreq-does-not-count": [{ id: "ping-alive", failure: "spurious" }],
  "A4-keepalive-0-has-deadline": [{ id: "keepalive-0", failure: "spurious" }],
  "B1-fin-publishes-nothing": [
    { id: "fin", failure: "never" },
    { id: "kill", failure: "never", options: { has: new Set(["child process"]) } },
  ],
  "B1-reset-publishes-nothing": [
    { id: "rst", failure: "never" },
    { id: "crowd", failure: "never" },
  ],
  "B2-will-waits-for-session-end": [{ id: "persistent", failure: "never" }],
  "B3-will-not-queued": [{ id: "offline-sub", failure: "never" }],
  "B3-will-overtakes-publish": [{ id: "last-words", failure: "broken" }],
  "C1-disconnect-with-will-eats-will": [{ id: "disconnect-will", failure: "never" }],
  "C2-disconnect-with-error-eats-will": [{ id: "disconnect-error", failure: "never" }],
  "C2-protocol-error-eats-will": [{ id: "protocol-error", failure: "never" }],
  "C3-clean-disconnect-publishes": [{ id: "disconnect", failure: "spurious" }],
  "D1-takeover-loses-will": [{ id: "takeover", failure: "never" }],
  "D1-clean-takeover-loses-will": [{ id: "takeover-clean", failure: "never" }],
  "D1-takeover-publishes-delayed-will": [{ id: "takeover-delay", failure: "spurious" }],
  "D2-clean-takeover-loses-delayed-will": [{ id: "takeover-delay-clean", failure: "never" }],
  "D4-old-deadline-ends-new-connection": [{ id: "ghost", failure: "broken" }],
  "E1-delay-ignored": [{ id: "delay", failure: "early" }],
  "E2-return-does-not-cancel": [{ id: "delay-cancel", failure: "spurious" }],
  "E3-session-end-does-not-cut-delay": [{ id: "delay-session-end", failure: "broken" }],
  "E3-session-end-cuts-delay-on-expiry-only": [{ id: "delay-session-end", failure: "broken" }],
  "E5-newer-wills-hold-up-older": [{ id: "delay-churn", failure: "broken" }],
  "F-qos-lowered": [{ id: "offline-sub", failure: "altered" }],
  "F-retain-dropped": [{ id: "retain", failure: "altered" }],
  "F-properties-dropped": [{ id: "properties", failure: "altered" }],
  "F-published-twice": [{ id: "offline-sub", failure: "twice" }],
  "F-empty-will-refused": [{ id: "retain-clear", failure: "broken" }],
  "F-empty-will-ignored": [{ id: "retain-clear", failure: "never" }],
  "G-denied-will-taken": [{ id: "acl", failure: "broken", options: { deniedTopic } }],
  "G-invalid-will-taken": [{ id: "invalid-will", failure: "broken" }],
};

/** Scenarios whose quirk is not one that a broker's rules can have. */
const unplanted: Readonly<Record<string, string>> = {
  reconnect: "its quirk is a race of two connections: reconnect.test.ts plays it",
  "link-down": "needs a network namespace and root; its quirk is A1, which half-open sees",
  "broker-crash": "H: without a store every will is lost with its broker, so there is no rule",
  "ws-close": "the broker has no WebSocket listener yet; the fates of wills are those of TCP",
  "ws-cut": "the broker has no WebSocket listener yet; the fates of wills are those of TCP",
  "ws-silent": "the broker has no WebSocket listener yet; the fates of wills are those of TCP",
  "ws-ping": "the broker has no WebSocket listener yet; the fates of wills are those of TCP",
  "tls-cut": "the broker has no TLS listener yet; the fates of wills are those of TCP",
  "tls-silent": "the broker has no TLS listener yet; the fates of wills are those of TCP",
};

/** The shortest keepalive there is; half of the deadline is left for a machine that is busy. */
const settings = { versions: [5], keepAlive: 1, waitMs: 2500, toleranceMs: 1000 } as const;

interface Run extends Sight {
  readonly quirk: PlantedQuirk;
  readonly scenario: Scenario;
}

const runs: readonly Run[] = entriesOf(sights).flatMap(([quirk, expected]) =>
  expected.map((sight) => {
    const scenario = catalogue.find(({ id }) => id === sight.id);
    if (scenario === undefined) throw new Error(`there is no scenario ${sight.id}`);
    return { ...sight, quirk, scenario };
  }),
);

/** Each quirk in a broker of its own. */
async function play({ quirk, options, scenario }: Run): Promise<Result[]> {
  await turn();
  using embedded = await EmbeddedBroker.start({
    rules: plantedQuirks[quirk],
    access: { mayPublish: (_, topic) => topic !== deniedTopic, maySubscribe: () => true },
  });
  return await played([scenario], embedded.target, { ...settings, ...options });
}

describe("a planted quirk is seen by the scenario that is there for it", () => {
  for (const run of runs) {
    const { quirk, id, failure } = run;
    // All at the same time: most of a run is waiting.
    test.concurrent(
      `${quirk} by ${id}: ${failure}`,
      async () => {
        const [result] = await play(run);
        expect(result).toMatchObject({ id, failure, means: expect.any(String) });
        expect(["fail", "finding", "late"]).toContain(result?.verdict ?? "");
      },
      30_000,
    );
  }
});

test("each scenario of the catalogue has a quirk that it has to see, or a reason to have none", () => {
  const planted = new Set(Object.values(sights).flatMap((of) => of.map(({ id }) => id)));
  const without = catalogue.filter(({ id }) => !planted.has(id)).map(({ id }) => id);
  expect(without.filter((id) => unplanted[id] === undefined)).toEqual([]);
  const excused = Object.keys(unplanted);
  expect(excused.filter((id) => planted.has(id))).toEqual([]);
  expect(excused.filter((excuse) => !catalogue.some(({ id }) => id === excuse))).toEqual([]);
});

function entriesOf<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  // The keys of a record that is spelled out are those of its type.
  return Object.entries(record) as [Key, Value][];
}
