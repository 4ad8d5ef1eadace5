import { afterAll, describe, test } from "bun:test";
import { machineHas } from "../../../src/drop/lab/machine.ts";
import { catalogue } from "../../../src/drop/scenarios/catalogue.ts";
import { goodbyeScenarios } from "../../../src/drop/scenarios/goodbye.ts";
import { linkScenarios } from "../../../src/drop/scenarios/link.ts";
import { networkScenarios } from "../../../src/drop/scenarios/network.ts";
import { oneFlightScenarios } from "../../../src/drop/scenarios/one-flight.ts";
import { processScenarios } from "../../../src/drop/scenarios/process.ts";
import { silenceScenarios } from "../../../src/drop/scenarios/silence.ts";
import { tlsScenarios, webSocketScenarios } from "../../../src/drop/scenarios/transports.ts";
import type { Result, Scenario } from "../../../src/drop/scenario.ts";
import type { Link, LinkEvents } from "../../../src/transport/transport.ts";
import { opensslMissing } from "../../support/certificates.ts";
import { Entrances } from "../../support/entrances.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { all } from "../../support/inbox.ts";
import { expectVerdicts, named, played, turn, unhurried } from "../../support/played.ts";

/**
 * Every scenario over wss, the whole stack of transports; over the others those in which a transport
 * can make a difference. `npm run doors` plays all over each.
 */

const entrances = opensslMissing === null ? new Entrances() : null;
afterAll(() => entrances?.[Symbol.dispose]());
const isMissing = entrances === null;
const why = isMissing ? ` (skipped: ${opensslMissing})` : "";
/** What was held up plays again, alone. */
const boundMs = 180_000;
type Kind = "unix" | "tls" | "ws" | "wss";

/** What needs more than a broker and its transport has tests of its own. */
const everywhere = catalogue.filter(({ needs }) =>
  needs.every((need) => ["v5", "loopback", "websocket", "tls"].includes(need)),
);

/** Many connections, or more bytes than buffers hold. */
const heavy = everywhere.filter(({ needs }) => needs.includes("loopback"));
const light = everywhere.filter((scenario) => !heavy.includes(scenario));
const ends = [
  ...networkScenarios,
  ...oneFlightScenarios,
  ...silenceScenarios,
  ...goodbyeScenarios,
  ...webSocketScenarios,
  ...tlsScenarios,
  named(catalogue, "last-words"),
];

/** Each against a broker of its own, all at the same time. */
async function playedOver(
  kind: Kind,
  scenarios: readonly Scenario[],
  broker: Omit<EmbeddedOptions, "entrance"> = {},
  options: Parameters<typeof played>[2] = {},
): Promise<Result[]> {
  const entrance = entrances?.of(kind);
  if (entrance === undefined) throw new Error("no certificates");
  const results = await all(
    scenarios.map(async (scenario) => {
      await turn();
      const own = entrances?.of(kind) ?? entrance;
      using embedded = await EmbeddedBroker.start({ ...broker, entrance: own });
      return await played([scenario], embedded.target, {
        keepAliveSeconds: unhurried(scenario, 1),
        triesAlone: 2,
        ...options,
      });
    }),
  );
  return results.flat();
}

/** Whether the transport has what the scenario is about. */
function isSkipped({ id, needs }: Scenario, kind: Kind, version: 4 | 5): boolean {
  if (needs.includes("v5") && version !== 5) return true;
  if (needs.includes("websocket")) return kind !== "ws" && kind !== "wss";
  if (needs.includes("tls")) return kind !== "tls" && kind !== "wss";
  // What TCP resets a unix socket closes; a bridge has no level of its own in MQTT 5.
  return (
    (["rst", "link-down"].includes(id) && kind === "unix") || (id === "bridge" && version === 5)
  );
}

function expected(
  scenarios: readonly Scenario[],
  kind: Kind,
  versions: readonly (4 | 5)[] = [4, 5],
): string[] {
  return scenarios.flatMap((scenario) =>
    versions.map((version) => {
      const verdict = isSkipped(scenario, kind, version) ? "skipped" : "pass";
      return `${scenario.id} v${version}: ${verdict}`;
    }),
  );
}

test.skipIf(isMissing)(
  `over wss our broker does right by every client${why}`,
  async () => {
    expectVerdicts(await playedOver("wss", light), expected(light, "wss"));
  },
  boundMs,
);

for (const kind of ["unix", "tls", "ws"] as const) {
  test.skipIf(isMissing)(
    `over ${kind} our broker hears of every end, and finds who is silent${why}`,
    async () => {
      expectVerdicts(await playedOver(kind, ends), expected(ends, kind));
    },
    boundMs,
  );
}

for (const kind of ["unix", "wss"] as const) {
  const versions = [5] as const;

  test.skipIf(isMissing)(
    `crowds, storms and full buffers, over ${kind}${why}`,
    async () => {
      const results = await playedOver(kind, heavy, {}, { versions });
      expectVerdicts(results, expected(heavy, kind, versions));
    },
    boundMs,
  );

  test.skipIf(isMissing)(
    `processes that die and links that go down, over ${kind}${why}`,
    async () => {
      const has = await machineHas(linkScenarios);
      const lab = [...processScenarios, ...(has.has("network namespace") ? linkScenarios : [])];
      const results = await playedOver(kind, lab, {}, { versions, has });
      expectVerdicts(results, expected(lab, kind, versions));
    },
    boundMs,
  );
}

/** A broker that hears of no end of a connection. */
const deaf = (events: LinkEvents): LinkEvents => ({ ...events, closed: () => {} });

/** A broker for which whatever stands below MQTT is a sign of life, until the connection ends. */
const credulous = (events: LinkEvents): LinkEvents => {
  const beats = new Map<Link, ReturnType<typeof setInterval>>();
  const alive = (link: Link): void => {
    // The broker has ended it.
    if (link.descriptor === null) dead(link);
    else events.data(link, Uint8Array.of(0xc0, 0));
  };
  const dead = (link: Link): void => {
    clearInterval(beats.get(link));
    beats.delete(link);
  };
  return {
    ...events,
    data: (link, chunk) => {
      events.data(link, chunk);
      // Not before its CONNECT.
      if (!beats.has(link))
        beats.set(
          link,
          setInterval(() => alive(link), 200),
        );
    },
    closed: (link, ...how) => {
      dead(link);
      events.closed(link, ...how);
    },
  };
};

describe.skipIf(isMissing)(`a broker that gets it wrong fails${why}`, () => {
  const options = { waitMs: 300, versions: [5], triesAlone: 0 } as const;
  const cuts = ["ws-close", "ws-cut", "tls-cut"];
  for (const kind of ["ws", "wss", "tls"] as const) {
    const own = [...webSocketScenarios, ...tlsScenarios].filter(
      (scenario) => !isSkipped(scenario, kind, 5),
    );
    test(
      `over ${kind}`,
      async () => {
        const isEnd = ({ id }: Scenario): boolean => cuts.includes(id);
        const [gone, silent] = [own.filter(isEnd), own.filter((scenario) => !isEnd(scenario))];
        const never = (of: readonly Scenario[]) => of.map(({ id }) => `${id} v5: fail (never)`);
        expectVerdicts(await playedOver(kind, gone, { between: deaf }, options), never(gone));
        const believed = await playedOver(kind, silent, { between: credulous }, options);
        expectVerdicts(believed, never(silent));
      },
      boundMs,
    );
  }
});
