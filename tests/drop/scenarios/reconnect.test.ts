import { expect, test } from "bun:test";
import { parser } from "mqtt-packet";
import { Client } from "../../../src/client/client.ts";
import type { Target } from "../../../src/client/target.ts";
import { deliveryScenarios } from "../../../src/drop/scenarios/delivery.ts";
import { networkScenarios } from "../../../src/drop/scenarios/network.ts";
import { reconnectScenarios } from "../../../src/drop/scenarios/reconnect.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import { named, passes, played, playedOnMosquitto, verdicts } from "../../support/played.ts";

const boundMs = 20_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker lets a client that said goodbye come back",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(reconnectScenarios, broker.target);
    expect(verdicts(results)).toEqual(passes(reconnectScenarios));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 does too${why}`,
  async () => {
    const results = await playedOnMosquitto(reconnectScenarios);
    expect(verdicts(results)).toEqual(passes(reconnectScenarios));
  },
  boundMs,
);

/** The broker publishes the will of each client whose CONNECT it is told to, while it is connected. */
function publishes(
  isHit: (will: string) => boolean,
  target: () => Target,
): NonNullable<EmbeddedOptions["between"]> {
  return (events) => ({
    ...events,
    data: (link, chunk) => {
      events.data(link, chunk);
      const will = chunk[0] === 0x10 ? willIn(chunk) : null;
      if (will !== null && isHit(will.payload)) void publish(target(), will);
    },
  });
}

test.concurrent(
  "a will that is published while its client lives is found, with its rate",
  async () => {
    using broker: EmbeddedBroker = await EmbeddedBroker.start({
      between: publishes(
        (will) => /connection (?:3|7)\)$/.test(will),
        () => broker.target,
      ),
    });
    const [result] = await played(reconnectScenarios, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "fail", failure: "alive", rule: "v4-3.1.2-8" });
    expect(result?.detail).toEndWith("while its client was connected; in 2 of 20 reconnections");
    expect(result?.means).toStartWith("A client that reconnects directly after");
  },
  boundMs,
);

test.concurrent(
  "another scenario does not take such a will for that of its drop",
  async () => {
    using broker: EmbeddedBroker = await EmbeddedBroker.start({
      between: publishes(
        () => true,
        () => broker.target,
      ),
    });
    // The client of this one lives for a while before it dies.
    const asked = [named(networkScenarios, "rst"), named(deliveryScenarios, "retain")].map(
      (scenario) => ({
        ...scenario,
        play: async (stage: Parameters<typeof scenario.play>[0]) => {
          const victim = await stage.victim();
          await stage.until(2000, "the will", () => stage.wills(0).length > 0);
          const since = stage.dropped();
          victim.reset();
          return [await stage.expectWill(since, since)];
        },
      }),
    );
    const results = await played(asked, broker.target, { versions: [4] });
    expect(verdicts(results)).toEqual(["rst v4: fail (alive)", "retain v4: fail (alive)"]);
    expect(results[0]?.means).toContain("`reconnect` plays the usual cause");
  },
  boundMs,
);

function willIn(chunk: Uint8Array): { topic: string; payload: string } | null {
  const found: { topic: string; payload: string }[] = [];
  const reader = parser({ protocolVersion: 4 });
  reader.on("packet", (packet) => {
    if (packet.cmd !== "connect" || packet.will === undefined) return;
    found.push({ topic: packet.will.topic, payload: packet.will.payload.toString() });
  });
  reader.parse(Buffer.from(chunk));
  return found[0] ?? null;
}

async function publish(target: Target, will: { topic: string; payload: string }): Promise<void> {
  const client = await Client.open(target, 4);
  await client.connect({ clientId: `other-${crypto.randomUUID()}`, clean: true, keepalive: 0 });
  await client.publish(will.topic, will.payload);
  client.leave();
}
