import { describe, expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import type { Need, Result, Scenario } from "../../src/drop/scenario.ts";
import { accessBy } from "../support/access.ts";
import { playedVirtually } from "../support/virtual-drop.ts";

/** Every planted quirk against every scenario, in virtual time: each cell is as expected. */

const deniedTopic = "denied/will";
/** Twice it and half of it are even, so that only `odd-keepalive` has an odd one. */
const options = { keepAliveSeconds: 4, waitMs: 7000, deniedTopic } as const;

/** What takes more than a broker in memory; their own tests play it. */
const outside: readonly Need[] = [
  "child process",
  "network namespace",
  "websocket",
  "tls",
  "--restart-command",
  "--broker-pid",
];
const scenarios = catalogue.filter(({ needs }) => !needs.some((need) => outside.includes(need)));

/** Scenarios that do not pass, with verdict and failure. */
type Row = Readonly<Record<string, string>>;

/** Scenarios in which no will reaches anybody that looks at it closely. */
const withoutDelivery = [
  "late-ping",
  "keepalive-0",
  "disconnect",
  "reconnect",
  "disconnect-long",
  "takeover-delay",
  "dollar-will",
  "delay-cancel",
  "invalid-will",
  "acl",
];

/** By an arm of grade must in a scenario of a lower one: that the will comes at all. */
const withGraverArm = ["last-words", "full-queue"];

/** Every scenario in which a will is due fails in this way. */
function everyWill(failure: string, others: Readonly<Record<string, string>> = {}): Row {
  const due = scenarios.filter(({ id }) => !withoutDelivery.includes(id));
  const isFail = ({ id, grade }: Scenario): boolean =>
    grade === "must" || withGraverArm.includes(id);
  const cell = (scenario: Scenario): string =>
    `${isFail(scenario) ? "fail" : "finding"} ${others[scenario.id] ?? failure}`;
  return Object.fromEntries(due.map((scenario) => [scenario.id, cell(scenario)]));
}

/** Cells that are not here pass. */
const table: Record<PlantedQuirk, Row> = {
  "A1-no-deadline-while-output-waits": {
    "not-reading": "fail never",
  },
  "A1-no-deadline": {
    "half-open": "fail never",
    listening: "fail never",
    drip: "fail never",
    "mid-packet": "fail never",
    "silent-persistent": "fail never",
    "odd-keepalive": "fail never",
    "not-reading": "fail never",
    "crowd-silent": "fail never",
  },
  "A2-sent-packets-reset-deadline": {
    listening: "fail never",
  },
  "A2-partial-packets-reset-deadline": {
    drip: "fail never",
  },
  "A2-parts-of-large-packets-reset-deadline": {
    drip: "finding never",
  },
  "A3-deadlines-found-by-sweep": {
    "half-open": "late",
    listening: "late",
    drip: "late",
    "mid-packet": "late",
    "silent-persistent": "late",
    "odd-keepalive": "late",
    "not-reading": "late",
    "crowd-silent": "late",
  },
  "A3-deadlines-late-in-a-crowd": {
    "crowd-silent": "late",
  },
  "A4-deadline-in-whole-seconds": {
    "odd-keepalive": "finding early",
  },
  "A4-deadline-at-0.75": {
    "half-open": "fail early",
    listening: "fail early",
    drip: "fail early",
    "mid-packet": "fail early",
    "silent-persistent": "fail early",
    "odd-keepalive": "fail early",
    "ping-alive": "fail spurious",
    "publish-alive": "fail spurious",
    "late-ping": "finding spurious",
    ghost: "fail early",
    "crowd-silent": "fail early",
  },
  "A4-deadline-at-1.0": {
    "half-open": "finding early",
    listening: "finding early",
    drip: "finding early",
    "mid-packet": "finding early",
    "silent-persistent": "finding early",
    "odd-keepalive": "finding early",
    "late-ping": "finding spurious",
    "crowd-silent": "finding early",
  },
  "A4-deadline-at-1.25": {
    "half-open": "finding early",
    listening: "finding early",
    drip: "finding early",
    "mid-packet": "finding early",
    "silent-persistent": "finding early",
    "odd-keepalive": "finding early",
    "late-ping": "finding spurious",
    "crowd-silent": "finding early",
  },
  "A4-only-pingreq-counts": {
    "publish-alive": "fail spurious",
  },
  "A4-pingreq-does-not-count": {
    "ping-alive": "fail spurious",
    "late-ping": "finding spurious",
  },
  "A4-unread-packets-do-not-count": {},
  "A4-keepalive-0-has-deadline": {
    "keepalive-0": "finding spurious",
  },
  "B1-fin-publishes-nothing": {
    fin: "fail never",
    "connect-fin": "finding never",
    "last-words": "fail never",
  },
  "B1-reset-publishes-nothing": {
    rst: "fail never",
    "ping-alive": "fail never",
    "publish-alive": "fail never",
    "reconnect-loop": "fail never",
    "return-without-will": "fail never",
    persistent: "fail never",
    retain: "fail never",
    "retain-clear": "fail never",
    "offline-sub": "fail never",
    properties: "fail never",
    "empty-will": "fail never",
    "will-qos": "fail never",
    "dollar-will": "skipped",
    "own-will": "fail never",
    "full-queue": "fail never",
    "too-large": "fail never",
    bridge: "finding never",
    delay: "fail never",
    "delay-session-end": "skipped",
    "delay-churn": "skipped",
    "will-expiry": "fail never",
    crowd: "fail never",
  },
  "B1-fin-behind-connect-publishes-nothing": {
    "connect-fin": "finding never",
  },
  "B1-bridge-publishes-nothing": {
    bridge: "finding never",
  },
  "B2-will-waits-for-session-end": {
    "silent-persistent": "fail never",
    "disconnect-delay": "skipped",
    takeover: "fail never",
    "reconnect-loop": "fail never",
    "return-without-will": "fail never",
    persistent: "fail never",
    "own-will": "fail never",
    delay: "fail never",
    "delay-churn": "skipped",
    "will-expiry": "fail never",
  },
  "B2-silence-with-session-publishes-nothing": {
    "silent-persistent": "fail never",
  },
  "B3-will-not-queued": {
    "offline-sub": "fail never",
    "own-will": "fail never",
  },
  "B3-will-lost-behind-queue": {
    "full-queue": "finding never",
  },
  "B3-will-not-to-own-session": {
    "own-will": "fail never",
  },
  "B3-will-overtakes-publish": {
    "last-words": "finding broken",
  },
  "C1-disconnect-with-will-eats-will": {
    "disconnect-will": "fail never",
    "disconnect-expiry-0": "fail never",
    "disconnect-delay": "fail never",
  },
  "C1-disconnect-cuts-delay": {
    "disconnect-delay": "fail early",
  },
  "C1-disconnect-keeps-session": {
    "disconnect-expiry-0": "fail broken",
  },
  "C2-raised-expiry-eats-will": {
    "raise-expiry": "finding never",
  },
  "C2-disconnect-with-error-eats-will": {
    "disconnect-error": "fail never",
  },
  "C2-protocol-error-eats-will": {
    "protocol-error": "fail never",
    "raise-expiry": "finding never",
  },
  "C3-clean-disconnect-publishes": {
    disconnect: "fail spurious",
    reconnect: "fail spurious",
    "disconnect-long": "fail spurious",
    "return-without-will": "fail alive",
  },
  "C3-goodbye-with-properties-publishes": {
    "disconnect-long": "fail spurious",
  },
  "D1-return-overtakes-will": {
    "reconnect-loop": "fail never",
  },
  "D1-takeover-at-once-loses-will": {
    storm: "fail never",
  },
  "D1-takeover-loses-will": {
    takeover: "fail never",
  },
  "D1-clean-takeover-loses-will": {
    "takeover-clean": "fail never",
    ghost: "fail never",
    storm: "fail never",
  },
  "D1-takeover-publishes-delayed-will": {
    "takeover-delay": "fail spurious",
  },
  "D2-clean-takeover-loses-delayed-will": {
    "takeover-delay-clean": "finding never",
  },
  "D4-old-deadline-ends-new-connection": {
    ghost: "fail broken",
  },
  "E1-delay-ignored": {
    "disconnect-delay": "fail early",
    "takeover-delay": "fail spurious",
    delay: "fail early",
    "delay-cancel": "fail spurious",
    "delay-session-end": "fail early",
    "delay-churn": "fail early",
    "will-expiry": "fail early",
  },
  "E2-return-does-not-cancel": {
    "delay-cancel": "fail spurious",
  },
  "E3-session-end-does-not-cut-delay": {
    "disconnect-expiry-0": "fail broken",
    "delay-session-end": "fail broken",
  },
  "E3-session-end-cuts-delay-on-expiry-only": {
    "disconnect-expiry-0": "fail broken",
    "delay-session-end": "fail broken",
  },
  "E5-newer-wills-hold-up-older": {
    "delay-churn": "fail broken",
  },
  "F-qos-raised": {
    "will-qos": "fail altered",
  },
  "F-retain-dropped": {
    retain: "fail altered",
    "retain-clear": "fail broken",
  },
  "F-properties-dropped": {
    properties: "fail altered",
  },
  "F-expiry-begins-at-connection-end": {
    "will-expiry": "finding altered",
  },
  "F-comes-again-with-session": {
    "return-without-will": "fail spurious",
  },
  "F-too-large-is-sent": {
    "too-large": "fail broken",
  },
  "F-dollar-topic-reaches-wildcards": {
    "dollar-will": "fail spurious",
  },
  "F-empty-will-refused": {
    "retain-clear": "fail broken",
    "empty-will": "fail broken",
  },
  "F-empty-will-ignored": {
    "retain-clear": "fail never",
    "empty-will": "fail never",
  },
  "F-empty-will-only-clears": {
    "empty-will": "fail never",
  },
  "G-denied-will-taken": {
    acl: "finding broken",
  },
  "G-invalid-will-taken": {
    "invalid-will": "fail broken",
  },
  "F-qos-lowered": everyWill("altered"),
  "F-published-twice": everyWill("twice", {
    "connect-fin": "broken",
    "reconnect-loop": "broken",
    storm: "broken",
    "will-qos": "altered",
    crowd: "broken",
    "crowd-silent": "broken",
  }),
};

/** Scenarios that no quirk fails alone, and why. */
const neverAlone: Readonly<Record<string, string>> = {
  rst: "a reset is how most scenarios kill their clients",
  fin: "B1-fin: connect-fin and last-words end by FIN as well",
  "half-open": "what finds no silence finds none of its other forms",
  "mid-packet": "a broker that waits for the rest of a packet has to be one without a deadline",
  "ping-alive": "A4: late-ping sends PINGREQ as well",
  "late-ping": "a deadline that is early for it is early for silence too",
  disconnect: "C3: every other DISCONNECT 0x00 publishes too",
  reconnect: "C3: it ends by DISCONNECT 0x00",
  "disconnect-will": "C1: other scenarios send DISCONNECT 0x04 too",
  "protocol-error": "C2: raise-expiry is a protocol error as well",
  "takeover-clean": "D1: the returns of ghost and storm are clean",
  persistent: "B2: every will of a session that persists waits",
  retain: "F: what retains no will clears none either",
  "retain-clear": "F: an empty will that is refused or ignored is so in empty-will too",
  "offline-sub": "B3: own-will is queued for a session that is offline, too",
  delay: "E1: every other delay is ignored too",
  "delay-session-end": "E3: disconnect-expiry-0 ends the session before the delay as well",
  crowd: "no rule of the broker counts deaths; its own test plants a driver that misses some",
  kill: "its quirk is B1-fin, planted in its own test",
  freeze: "its quirk is A1, planted in its own test",
  "broker-freeze": "its quirk is A4-unread-packets-do-not-count, planted in its own test",
  "link-down": "needs a network namespace and root; its quirk is A1, which half-open sees",
  "broker-crash": "H: without a store every will is lost with its broker, so there is no rule",
  "ws-close":
    "the network in memory has no WebSocket; tests/drop/scenarios/transports.test.ts plays it",
  "ws-cut":
    "the network in memory has no WebSocket; tests/drop/scenarios/transports.test.ts plays it",
  "ws-silent":
    "the network in memory has no WebSocket; tests/drop/scenarios/transports.test.ts plays it",
  "ws-ping":
    "the network in memory has no WebSocket; tests/drop/scenarios/transports.test.ts plays it",
  "tls-cut": "the network in memory has no TLS; tests/drop/scenarios/transports.test.ts plays it",
  "tls-silent":
    "the network in memory has no TLS; tests/drop/scenarios/transports.test.ts plays it",
};

async function played(rules: (typeof plantedQuirks)[PlantedQuirk] | null): Promise<Result[]> {
  const access = accessBy({
    mayPublish: (_: unknown, topic: string) => topic !== deniedTopic,
  });
  const broker = { ...(rules !== null && { rules }), access };
  return playedVirtually(
    scenarios.map((scenario) => ({
      scenario,
      // Bridges have no level of their own in MQTT 5.
      version: scenario.id === "bridge" ? 4 : 5,
      broker,
      options,
    })),
  );
}

function row(results: readonly Result[]): Row {
  const wrong = results.filter(({ verdict }) => verdict !== "pass");
  return Object.fromEntries(
    wrong.map(({ id, verdict, failure }) => {
      const isPlain = failure === null || failure === verdict;
      return [id, isPlain ? verdict : `${verdict} ${failure}`];
    }),
  );
}

describe("a planted quirk is seen by the scenarios that are there for it, and by no other", () => {
  for (const [quirk, rules] of Object.entries(plantedQuirks)) {
    test(
      quirk,
      async () => {
        const results = await played(rules);
        const expected = Object.entries(table).find(([name]) => name === quirk)?.[1];
        expect(row(results)).toEqual(expected ?? {});
        for (const { verdict, means } of results) {
          if (verdict === "fail" || verdict === "finding") expect(means).not.toBeNull();
        }
      },
      180_000,
    );
  }
});

test("without a quirk all pass", async () => {
  expect(row(await played(null))).toEqual({});
}, 180_000);

test("each scenario fails alone under some quirk, or there is a reason why it never does", () => {
  const alone = Object.values(table).flatMap((cells) => {
    const ids = Object.keys(cells);
    return ids.length === 1 ? ids : [];
  });
  const ids = catalogue.map(({ id }) => id);
  const without = ids.filter((id) => !alone.includes(id));
  expect(without.toSorted()).toEqual(Object.keys(neverAlone).toSorted());
});
