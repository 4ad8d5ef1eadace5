import { expect, test } from "bun:test";
import { parser } from "mqtt-packet";
import type { PublishPacket } from "../../../src/core/packet.ts";
import { deliveryScenarios } from "../../../src/drop/scenarios/delivery.ts";
import { messageScenarios } from "../../../src/drop/scenarios/message.ts";
import { networkScenarios } from "../../../src/drop/scenarios/network.ts";
import { oneIdScenarios } from "../../../src/drop/scenarios/one-id.ts";
import { reconnectScenarios } from "../../../src/drop/scenarios/reconnect.ts";
import type { Link } from "../../../src/transport/transport.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import {
  expectVerdicts,
  named,
  passes,
  played,
  playedOnMosquitto,
  turn,
} from "../../support/played.ts";

const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker lets a client that said goodbye come back",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(reconnectScenarios, broker.target);
    expectVerdicts(results, passes(reconnectScenarios));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 does too${why}`,
  async () => {
    const results = await playedOnMosquitto(reconnectScenarios);
    expectVerdicts(results, passes(reconnectScenarios));
  },
  boundMs,
);

/** The broker publishes the will of each client whose CONNECT it is told to, as soon as it is connected. */
function publishes(isHit: (will: string) => boolean): NonNullable<EmbeddedOptions["between"]> {
  return (events, driver) => ({
    ...events,
    data: (link, chunk) => {
      events.data(link, chunk);
      const will = chunk[0] === 0x10 ? willIn(chunk) : null;
      if (will !== null && isHit(will.payload))
        driver.order({ type: "ordered", packet: messageOf(will) });
    },
  });
}

function messageOf(will: { readonly topic: string; readonly payload: string }): PublishPacket {
  return {
    ...{ type: "publish", topic: will.topic, payload: Buffer.from(will.payload) },
    ...{ qos: 0, retain: false, dup: false, packetId: 0, topicAlias: 0, frame: null },
    ...{ properties: null, expirySeconds: null },
  };
}

test.concurrent(
  "a will that is published while its client lives is found, with its rate",
  async () => {
    using broker = await EmbeddedBroker.start({
      between: publishes((will) => /connection (?:3|7)\)$/.test(will)),
    });
    const [result] = await played(reconnectScenarios, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "fail", failure: "alive", rule: "v4-3.1.2-8" });
    expect(result?.detail).toContain("while its client was connected; in 2 of 20 reconnections");
    // Against the standard in either arm.
    expect(result?.arms.map(({ grade, failure }) => `${grade} ${failure}`)).toEqual([
      "must alive",
      "must alive",
    ]);
    expect(result?.means).toStartWith("A client that reconnects directly after");
  },
  boundMs,
);

test.concurrent(
  "another scenario does not take such a will for that of its drop",
  async () => {
    using broker = await EmbeddedBroker.start({ between: publishes(() => true) });
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
    expectVerdicts(results, ["rst v4: fail (alive)", "retain v4: fail (alive)"]);
    expect(results[0]?.means).toContain("`reconnect` plays the usual cause");
  },
  boundMs,
);

/** The broker reads a DISCONNECT, and what follows on that connection, some time after it came. */
const readsDisconnectLate: NonNullable<EmbeddedOptions["between"]> = (events) => {
  const late = new Map<Link, Promise<void>>();
  const after = (link: Link, then: () => void): void => {
    const waiting = late.get(link);
    if (waiting === undefined) then();
    else void waiting.then(then);
  };
  return {
    ...events,
    data: (link, chunk) => {
      if (chunk[0] === 0xe0) {
        // Planted. A time, not the next CONNECT: in one arm that comes only after this is read.
        late.set(link, new Promise((resolve) => setTimeout(resolve, 40)));
      }
      after(link, () => events.data(link, chunk));
    },
    closed: (link, how) => after(link, () => events.closed(link, how)),
  };
};

test.concurrent(
  "a DISCONNECT that the next CONNECT overtakes is a finding, and only where the client did not wait",
  async () => {
    using broker = await EmbeddedBroker.start({ between: readsDisconnectLate });
    const [result] = await played(reconnectScenarios, broker.target, { versions: [4] });
    expect(result).toMatchObject({
      verdict: "finding",
      grade: "ours",
      failure: "spurious",
      arm: "at once",
    });
    expect(result?.means).toContain("read the new CONNECT before the DISCONNECT");
    expect(result?.arms.map(({ arm, verdict }) => `${arm}: ${verdict}`)).toEqual([
      "after the broker's FIN: pass",
      "at once: finding",
    ]);
  },
  boundMs,
);

test.concurrent(
  "return-without-will does not blame the broker for that race",
  async () => {
    using broker = await EmbeddedBroker.start({ between: readsDisconnectLate });
    const asked = [named(oneIdScenarios, "return-without-will")];
    const results = await played(asked, broker.target, { versions: [4] });
    expectVerdicts(results, ["return-without-will v4: pass"]);
  },
  boundMs,
);

test.concurrent(
  "a broker that does not close after DISCONNECT gets a FIN, and the next CONNECT takes nothing over",
  async () => {
    // It keeps the connection after a DISCONNECT, and reads that packet at the client's FIN.
    const left = new Map<Link, Uint8Array>();
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => {
          if (chunk[0] === 0xe0) left.set(link, chunk.slice());
          else events.data(link, chunk);
        },
        closed: (link, how) => {
          const disconnect = left.get(link);
          if (disconnect !== undefined) events.data(link, disconnect);
          events.closed(link, how);
        },
      }),
    });
    const asked = [named(oneIdScenarios, "return-without-will")];
    const results = await played(asked, broker.target, { versions: [4] });
    expectVerdicts(results, ["return-without-will v4: pass"]);
    expect(left.size).toBeGreaterThan(0);
  },
  boundMs,
);

/** The broker closes the first connection with such a will, after these bytes. */
function refusesOnce(
  isHit: (payload: string) => boolean,
  answer: readonly number[],
): NonNullable<EmbeddedOptions["between"]> {
  const refused = new Set<string>();
  return (events) => ({
    ...events,
    data: (link, chunk) => {
      const will = chunk[0] === 0x10 ? willIn(chunk) : null;
      if (will === null || !isHit(will.payload) || refused.has(will.payload)) {
        events.data(link, chunk);
        return;
      }
      refused.add(will.payload);
      events.closed(link, "eof");
      link.write(Uint8Array.from(answer), 0, answer.length);
      link.end();
    },
  });
}

const refusals = [
  {
    how: "without a CONNACK",
    versions: [4],
    answer: [],
    said: "the broker closed the connection after a CONNECT without a CONNACK",
  },
  {
    how: "as unavailable",
    versions: [4],
    answer: [0x20, 2, 0, 0x03],
    said: "the broker refused a CONNECT: server unavailable (0x03)",
  },
  {
    how: "as busy",
    versions: [5],
    answer: [0x20, 3, 0, 0x89, 0],
    said: "the broker refused a CONNECT: server busy (0x89)",
  },
] as const;

for (const [scenario, hit] of [
  [named(reconnectScenarios, "reconnect"), /connection 5\)$/],
  [named(oneIdScenarios, "reconnect-loop"), /cycle 5\)$/],
] as const) {
  for (const { how, versions, answer, said } of refusals) {
    test.concurrent(
      `${scenario.id}: a client that is refused once ${how} tries again, and that is a finding`,
      async () => {
        await turn();
        using broker = await EmbeddedBroker.start({
          between: refusesOnce((payload) => hit.test(payload), answer),
        });
        const [result] = await played([scenario], broker.target, { versions });
        expect(result).toMatchObject({ verdict: "finding", grade: "ours", failure: "broken" });
        expect(result?.detail).toStartWith(said);
      },
      boundMs,
    );
  }
}

test.concurrent(
  "a client that is always refused without a CONNACK leaves the scenario undecided",
  async () => {
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => {
          const will = chunk[0] === 0x10 ? willIn(chunk) : null;
          if (will?.payload.endsWith("cycle 5)") !== true) return events.data(link, chunk);
          events.closed(link, "eof");
          link.end();
        },
      }),
    });
    const asked = [named(oneIdScenarios, "reconnect-loop")];
    const [result] = await played(asked, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "inconclusive" });
    expect(result?.detail).toContain("closed the connection before its CONNACK");
  },
  boundMs,
);

test.concurrent(
  "a broker that closes at a SUBSCRIBE to a topic with $ is skipped, and why",
  async () => {
    using broker = await EmbeddedBroker.start({
      between: (events) => ({
        ...events,
        data: (link, chunk) => {
          const isHit = chunk[0] === 0x82 && Buffer.from(chunk).includes("$mqttd-drop");
          if (!isHit) return events.data(link, chunk);
          events.closed(link, "eof");
          link.end();
        },
      }),
    });
    const asked = [named(messageScenarios, "dollar-will")];
    const [result] = await played(asked, broker.target, { versions: [4] });
    expect(result).toMatchObject({
      verdict: "skipped",
      detail:
        "the broker closes the connection of a client that subscribes to a topic that begins with $",
    });
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
