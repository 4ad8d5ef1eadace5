import { expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { goodbyeScenarios } from "../../../src/drop/scenarios/goodbye.ts";
import { Client } from "../../../src/client/client.ts";
import type { Target } from "../../../src/client/target.ts";
import type { Link } from "../../../src/transport/transport.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.ts";
import { expectVerdicts, named, passes, played } from "../../support/played.ts";

const boundMs = 180_000;
const keepAliveSeconds = 1;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker knows a goodbye from a death",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(goodbyeScenarios, broker.target, { keepAliveSeconds });
    expectVerdicts(results, passes(goodbyeScenarios), "any");
    const clean = results.find(({ id }) => id === "disconnect");
    expect(clean?.means).toStartWith("By design:");
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 takes an error for a goodbye, and a protocol error too${why}`,
  async () => {
    await using mosquitto = await Mosquitto.start();
    const results = await played(goodbyeScenarios, mosquitto.target, { keepAliveSeconds });
    expectVerdicts(results, [
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
      const options = { keepAliveSeconds, versions: [5] } as const;
      const results = await played(goodbyeScenarios, broker.target, options);
      const others = results.filter(({ verdict }) => verdict !== "pass");
      expectVerdicts(others, [wrong]);
      expect(others[0]?.means).not.toBeNull();
    },
    boundMs,
  );
}

/** DISCONNECT of which a broker reads the reason code in one form only, and takes the other for 0x00. */
const misreadForms: readonly (readonly [string, bytes: number[], arm: string])[] = [
  ["short", [0xe0, 1, 0x04], "short form E0 01 04"],
  ["long", [0xe0, 2, 0x04, 0], "long form E0 02 04 00"],
];

for (const [name, misread, arm] of misreadForms) {
  test.concurrent(
    `a broker that loses the will on the ${name} form of DISCONNECT is found, and the form named`,
    async () => {
      using broker = await EmbeddedBroker.start({
        between: (events) => ({
          ...events,
          data: (link, chunk) =>
            events.data(link, isSame(chunk, misread) ? Uint8Array.of(0xe0, 0) : chunk),
        }),
      });
      const asked = [named(goodbyeScenarios, "disconnect-will")];
      const [result] = await played(asked, broker.target, { keepAliveSeconds, versions: [5] });
      expect(result).toMatchObject({ verdict: "fail", failure: "never", arm });
      expect(result?.arms.filter(({ verdict }) => verdict === "pass")).toHaveLength(1);
    },
    boundMs,
  );
}

/** A client connects with these bytes and dies. */
async function dies(target: Target, connect: Uint8Array): Promise<void> {
  const client = await Client.open(target, 4);
  await client.connectWith(connect);
  client.reset();
}

function isSame(chunk: Uint8Array, bytes: readonly number[]): boolean {
  return Buffer.from(bytes).equals(chunk);
}

test.concurrent(
  "a broker that publishes the will of the second CONNECT is found",
  async () => {
    // What it makes of a second CONNECT: the first will goes, the second one's is published.
    const known = new WeakSet<Link>();
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => {
          const isAgain = chunk[0] === 0x10 && known.has(link);
          known.add(link);
          events.data(link, isAgain ? Uint8Array.of(0xe0, 0) : chunk);
          if (isAgain) void dies(broker.target, chunk);
        },
      }),
    });
    const asked = [named(goodbyeScenarios, "protocol-error")];
    const [result] = await played(asked, broker.target, { keepAliveSeconds, versions: [4] });
    expect(result).toMatchObject({ verdict: "fail", failure: "broken", arm: "another will" });
    expect(result?.detail).toStartWith(
      "the will of the second CONNECT was published, the first one's was not",
    );
  },
  boundMs,
);

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
    const [result] = await played(asked, broker.target, { keepAliveSeconds, versions: [4] });
    expect(swallowed).toBe(3);
    expect(result?.failure).toBe("broken");
    expect(result?.detail).toBe(
      "the broker kept the connection after a second CONNECT; also wrong: no will, another id",
    );
  },
  boundMs,
);
