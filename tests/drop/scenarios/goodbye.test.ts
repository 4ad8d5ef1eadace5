import { expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { goodbyeScenarios } from "../../../src/drop/scenarios/goodbye.ts";
import type { Link } from "../../../src/transport/transport.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.ts";
import { named, passes, played, verdicts } from "../../support/played.ts";

const boundMs = 15_000;
const keepAlive = 1;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker knows a goodbye from a death",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(goodbyeScenarios, broker.target, { keepAlive });
    expect(verdicts(results).sort()).toEqual(passes(goodbyeScenarios).sort());
    const clean = results.find(({ id }) => id === "disconnect");
    expect(clean?.means).toStartWith("By design:");
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 takes an error for a goodbye, and a protocol error too${why}`,
  async () => {
    await using mosquitto = await Mosquitto.start();
    const results = await played(goodbyeScenarios, mosquitto.target, { keepAlive });
    expect(verdicts(results)).toEqual([
      "disconnect v4: pass",
      "disconnect-will v4: skipped",
      "disconnect-error v4: skipped",
      "protocol-error v4: fail (never)",
      "disconnect v5: pass",
      "disconnect-will v5: pass",
      "disconnect-error v5: fail (never)",
      "protocol-error v5: fail (never)",
    ]);
  },
  boundMs,
);

const quirks: readonly (readonly [PlantedQuirk, wrong: string])[] = [
  ["C1-disconnect-with-will-eats-will", "disconnect-will v5: fail (never)"],
  ["C2-disconnect-with-error-eats-will", "disconnect-error v5: fail (never)"],
  ["C2-protocol-error-eats-will", "protocol-error v5: fail (never)"],
  ["C3-clean-disconnect-publishes", "disconnect v5: fail (spurious)"],
];

for (const [quirk, wrong] of quirks) {
  test.concurrent(
    `${quirk} is found, and what is right beside it stays right`,
    async () => {
      using broker = await EmbeddedBroker.start({ rules: plantedQuirks[quirk] });
      const options = { keepAlive, versions: [5] } as const;
      const results = await played(goodbyeScenarios, broker.target, options);
      const others = results.filter(({ verdict }) => verdict !== "pass");
      expect(verdicts(others)).toEqual([wrong]);
      expect(others[0]?.means).not.toBeNull();
    },
    boundMs,
  );
}

test.concurrent(
  "a broker that swallows a second CONNECT is told from one that forgets the will",
  async () => {
    const known = new WeakSet<Link>();
    let swallowed = 0;
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => {
          // CONNECT is 0x10; the scenario's second one comes alone in its chunk.
          const isAgain = chunk[0] === 0x10 && known.has(link);
          if (isAgain) swallowed++;
          else events.data(link, chunk);
          known.add(link);
        },
      }),
    });
    const asked = [named(goodbyeScenarios, "protocol-error")];
    const [result] = await played(asked, broker.target, { keepAlive, versions: [4] });
    expect(swallowed).toBe(1);
    expect(result?.failure).toBe("broken");
    expect(result?.detail).toBe("the broker kept the connection after a second CONNECT");
  },
  boundMs,
);
