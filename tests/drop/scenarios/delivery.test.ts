import { expect, test } from "bun:test";
import { generate, type IPublishPacket } from "mqtt-packet";
import { Client } from "../../../src/client/client.ts";
import { ClientMachine } from "../../../src/client/machine.ts";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { deliveryScenarios } from "../../../src/drop/scenarios/delivery.ts";
import { alterations, willProperties } from "../../../src/drop/scenarios/will-properties.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import {
  expectVerdicts,
  named,
  passes,
  played,
  playedOnMosquitto,
  playedOnOurs,
} from "../../support/played.ts";
import { all } from "../../support/inbox.ts";

const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker delivers wills as they were given",
  async () => {
    expectVerdicts(await playedOnOurs(deliveryScenarios), passes(deliveryScenarios));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `so does mosquitto 2.0.11${why}`,
  async () => {
    expectVerdicts(await playedOnMosquitto(deliveryScenarios), passes(deliveryScenarios));
  },
  boundMs,
);

const quirks: readonly (readonly [PlantedQuirk, id: string, verdict: string, detail: RegExp])[] = [
  ["B2-will-waits-for-session-end", "persistent", "fail (never)", /^no will within/],
  ["F-retain-dropped", "retain", "fail (altered)", /not retained/],
  ["F-retain-dropped", "retain-clear", "fail (broken)", /still there/],
  ["F-empty-will-refused", "retain-clear", "fail (broken)", /empty will was refused: .*\(0x83\)/],
  ["F-empty-will-ignored", "retain-clear", "fail (never)", /^no will within/],
  ["B3-will-not-queued", "offline-sub", "fail (never)", /^no will within/],
  ["F-qos-lowered", "offline-sub", "fail (altered)", /^QoS 0 instead of 1\b/],
  ["F-properties-dropped", "properties", "fail (altered)", /Content Type is missing; .*zone=3/],
  ["B1-fin-publishes-nothing", "last-words", "fail (never)", /^no will within/],
  ["B3-will-overtakes-publish", "last-words", "finding (broken)", /before the last PUBLISH/],
];

for (const [quirk, id, verdict, detail] of quirks) {
  test.concurrent(
    `${id} finds ${quirk}`,
    async () => {
      const scenario = named(deliveryScenarios, id);
      const [result] = await playedOnOurs(
        [scenario],
        { rules: plantedQuirks[quirk] },
        { versions: [5] },
      );
      expectVerdicts(result === undefined ? [] : [result], [`${id} v5: ${verdict}`]);
      expect(result?.detail).toMatch(detail);
      expect(result?.means).not.toBeNull();
    },
    boundMs,
  );
}

test.concurrent(
  "a queue that loses the will has altered no property of it",
  async () => {
    const scenario = named(deliveryScenarios, "properties");
    const rules = plantedQuirks["B3-will-not-queued"];
    const [result] = await playedOnOurs([scenario], { rules }, { versions: [5] });
    expect(result?.verdict).toBe("pass");
    expect(result?.detail).toEndWith("an offline subscriber did not come (see offline-sub)");
  },
  boundMs,
);

test.concurrent(
  "what CONNACK says no to is skipped, with the reason",
  async () => {
    const retain = [named(deliveryScenarios, "retain"), named(deliveryScenarios, "retain-clear")];
    const persistent = [named(deliveryScenarios, "persistent")];
    const on = { versions: [5] as const };
    const skipped = await all([
      playedOnOurs(retain, { limits: { retain: false } }, on),
      playedOnOurs(persistent, { limits: { sessionExpiryMaxSeconds: 0 } }, on),
      playedOnOurs(persistent, { limits: { qos: 0 } }, on),
    ]);
    expect(skipped.flat().map(({ verdict, detail }) => `${verdict}: ${detail}`)).toEqual([
      "skipped: Retain Available is 0",
      "skipped: Retain Available is 0",
      "skipped: the broker cuts the session expiry to 0 s, below 1 s",
      "skipped: Maximum QoS is 0",
    ]);
  },
  boundMs,
);

test.concurrent(
  "the user's retained message is there again at the end, and nothing else is left",
  async () => {
    using broker = await EmbeddedBroker.start();
    const user = await Client.open(broker.target, 5);
    await user.connect({ clientId: "user", clean: true, keepalive: 0 });
    await user.publish("home/dev/status", "online", { qos: 1, retain: true });
    const scenarios = ["retain", "retain-clear"].map((id) => named(deliveryScenarios, id));
    const will = { topic: "home/dev/status", payload: Buffer.from("offline"), retain: true };
    const results = await played(scenarios, broker.target, { versions: [5], will });
    expectVerdicts(results, passes(scenarios, [5]));
    await user.subscribe("#", { qos: 1 });
    const again = await user.subscribe("round/trip");
    expect(again.granted).toEqual([0]);
    const found = user.arrivals.map(({ packet }) => `${packet.topic} ${packet.payload.toString()}`);
    expect(found).toEqual(["home/dev/status online"]);
    user.leave();
  },
  boundMs,
);

test("properties are compared with what came on the wire, and the expiry with the time waited", () => {
  const given = willProperties("response", true);
  const packet = (pairs: readonly (readonly [string, string])[], more: object = {}) => {
    const userProperties = pairs.map(([name, value]) => ({ [name]: value }));
    const properties = { ...given.properties, ...more, userProperties };
    // mqtt-packet writes a list of pairs in order, which its types do not know.
    const publish = { cmd: "publish", topic: "t", payload: "x", qos: 0, properties };
    const bytes = generate(publish as unknown as IPublishPacket, { protocolVersion: 5 });
    const { events } = new ClientMachine(5).receive(bytes);
    const message = events.find((event) => event.event === "message");
    if (message === undefined) throw new Error("no message came of it");
    return [message.packet, bytes] as const;
  };
  const [zone3, area1, zone2] = [
    ["zone", "3"],
    ["area", "1"],
    ["zone", "2"],
  ] as const;
  const right = packet([zone3, area1, zone2]);
  expect(alterations(given, ...right, 0)).toBeNull();
  expect(alterations(given, ...right, 2500)).toBe(
    "Message Expiry Interval is 600 s after 2.5 s of 600 s",
  );
  const waited = packet([zone3, area1, zone2], { messageExpiryInterval: 597 });
  expect(alterations(given, ...waited, 2500)).toBeNull();
  expect(alterations(given, ...packet([zone3, zone2, area1]), 0)).toBe(
    "the User Properties came in another order: zone=3, zone=2, area=1",
  );
  expect(alterations(given, ...packet([zone3, area1]), 0)).toBe("User Property zone=2 is missing");
  const plain = packet([zone3, area1, zone2], { payloadFormatIndicator: false });
  expect(alterations(given, ...plain, 0)).toBe("Payload Format Indicator is 0");
});
