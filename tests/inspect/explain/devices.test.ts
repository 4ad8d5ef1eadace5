import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "bun:test";
import { knownClientIds } from "../../../src/core/queries/queries.ts";
import { habitsOf } from "../../../src/inspect/explain/lint.ts";
import type { TestClient } from "../../support/client.ts";
import { watcherOf } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf } from "./explained.ts";

/** How a known kind of device uses its will: the packets that matter here, with invented names. */
interface Device {
  readonly id: string;
  /** Seconds. */
  readonly keepalive: number;
  readonly version?: 4 | 5;
  readonly clean?: boolean;
  readonly will: Message;
  /** What it publishes after each CONNACK. */
  readonly birth: readonly Message[];
  /** Absent: the same when it is back. */
  readonly birthOnReturn?: readonly Message[];
  /** What it publishes before DISCONNECT. Null: an app that is put to sleep sends neither. */
  readonly farewell: readonly Message[] | null;
}

interface Message {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly retain: boolean;
  readonly qos?: 0 | 1;
}

function said(topic: string, payload: Message["payload"], retain = true, qos: 0 | 1 = 0): Message {
  return { topic, payload, retain, qos };
}

/** A Sparkplug payload: a timestamp, then each metric with its name and a number. */
function metrics(values: Readonly<Record<string, number>>): Buffer {
  const payload = new BinaryWriter().tag(1, WireType.Varint).uint64(1_800_000_000_000n);
  for (const [name, value] of Object.entries(values)) {
    const metric = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
    metric.tag(4, WireType.Varint).uint32(8).tag(11, WireType.Varint).uint64(BigInt(value));
    payload.tag(2, WireType.LengthDelimited).bytes(metric.finish());
  }
  return Buffer.from(payload.finish());
}

/** An edge node's birth, whose first metric is not bdSeq. */
function nodeBirth(values: Readonly<Record<string, number>>): Message {
  const all = metrics({ "Node Control/Rebirth": 0, ...values });
  return said("spBv1.0/plant/NBIRTH/edge-7", all, false);
}

function nodeDeath(values: Readonly<Record<string, number>>, retain = false): Message {
  return said("spBv1.0/plant/NDEATH/edge-7", metrics(values), retain, 1);
}

const devices: Readonly<Record<string, Device>> = {
  "Home Assistant": {
    ...{ id: "5kQ2vXw8ZsA1LrT9bN3cYd", keepalive: 60 },
    will: said("homeassistant/status", "offline", false),
    birth: [said("homeassistant/status", "online", false)],
    farewell: [said("homeassistant/status", "offline", false)],
  },
  zigbee2mqtt: {
    ...{ id: "mqttjs_3b9f21c7", keepalive: 60 },
    will: said("zigbee2mqtt/bridge/state", '{"state":"offline"}', true, 1),
    birth: [
      said("zigbee2mqtt/bridge/state", '{"state":"online"}', true, 1),
      said("zigbee2mqtt/bridge/info", "{}"),
      said("zigbee2mqtt/bridge/devices", "[]"),
    ],
    farewell: [said("zigbee2mqtt/bridge/state", '{"state":"offline"}', true, 1)],
  },
  Tasmota: {
    ...{ id: "DVES_A1B2C3", keepalive: 30 },
    will: said("tele/tasmota_A1B2C3/LWT", "Offline", true, 1),
    birth: [
      said("tele/tasmota_A1B2C3/LWT", "Online"),
      said("cmnd/tasmota_A1B2C3/POWER", "", false),
      said("tele/tasmota_A1B2C3/STATE", "{}", false),
    ],
    farewell: [said("tele/tasmota_A1B2C3/LWT", "Offline", true, 1)],
  },
  ESPHome: {
    ...{ id: "porch-a1b2c3d4e5f6", keepalive: 15 },
    will: said("porch/status", "offline"),
    birth: [said("porch/status", "online"), said("porch/sensor/temperature/state", "21.5")],
    farewell: [said("porch/status", "offline")],
  },
  Homie: {
    ...{ id: "homie-lamp", keepalive: 60 },
    will: said("homie/lamp/$state", "lost", true, 1),
    birth: [
      said("homie/lamp/$state", "init", true, 1),
      said("homie/lamp/$homie", "4.0.0", true, 1),
      said("homie/lamp/$nodes", "light", true, 1),
      said("homie/lamp/$state", "ready", true, 1),
    ],
    farewell: [said("homie/lamp/$state", "disconnected", true, 1)],
  },
  "Sparkplug B": {
    ...{ id: "edge-7", keepalive: 30, version: 5 as const },
    will: nodeDeath({ bdSeq: 0 }),
    birth: [
      nodeBirth({ bdSeq: 0 }),
      said("spBv1.0/plant/DBIRTH/edge-7/pump", "x", false),
      said("spBv1.0/plant/DDATA/edge-7/pump", "y", false),
    ],
    farewell: [nodeDeath({ bdSeq: 0 })],
  },
  Shelly: {
    ...{ id: "shellyplus1-a8032ab12345", keepalive: 60 },
    will: said("shellyplus1-a8032ab12345/online", "false"),
    birth: [
      said("shellyplus1-a8032ab12345/online", "true"),
      said("shellyplus1-a8032ab12345/status/switch:0", "{}", false),
    ],
    farewell: [said("shellyplus1-a8032ab12345/online", "false")],
  },
  "Node-RED": {
    ...{ id: "nodered_9f31c2aa07be", keepalive: 60 },
    will: said("flows/status", "closed unexpectedly"),
    birth: [said("flows/status", "open")],
    farewell: [said("flows/status", "closed")],
  },
  OwnTracks: {
    ...{ id: "annaphone", keepalive: 900, clean: false },
    // The position is retained on the topic of the will, which is not: on purpose.
    will: said("owntracks/anna/phone", '{"_type":"lwt"}', false, 1),
    birth: [said("owntracks/anna/phone", '{"_type":"location"}', true, 1)],
    farewell: null,
  },
};

/**
 * A life that ends as planned, one that ends by a reset, and a return; each with pings on time.
 * Returns the findings: `proved retainedWillWithoutBirth`.
 */
function live(device: Device): string[] {
  const world = new World();
  watcherOf(world, "#", "dashboard");
  const first = connected(world, device);
  for (const message of device.farewell ?? []) publish(first, message);
  if (device.farewell === null) first.drop();
  else first.send({ cmd: "disconnect" });
  world.advance(5000);
  const { birthOnReturn: birth = device.birth } = device;
  connected(world, { ...device, birth }).drop();
  world.advance(5000);
  connected(world, { ...device, birth });
  return [...knownClientIds(world.broker)].flatMap((id) =>
    habitsOf(answerOf(world, id)).map(({ mark, topic }) => `${mark} ${topic}`),
  );
}

function connected(world: World, device: Device): TestClient {
  const { id, keepalive, version = 4, clean = true, will, birth } = device;
  const client = world.open();
  const { topic, payload, retain, qos = 0 } = will;
  client.connect({
    ...{ clientId: id, keepalive, protocolVersion: version, clean },
    will: { topic, payload, retain, qos },
  });
  for (const message of birth) publish(client, message);
  for (let beat = 0; beat < 3; beat++) {
    world.advance(keepalive * 900);
    client.ping();
  }
  return client;
}

function publish(client: TestClient, { topic, payload, retain, qos = 0 }: Message): void {
  client.publish(topic, payload, { retain, qos });
}

/** What is true of a device as it is, beside its will: an id that its library drew, for example. */
const known: Readonly<Record<string, readonly string[]>> = {
  zigbee2mqtt: ["likely randomClientId"],
  OwnTracks: ["likely longKeepAlive"],
};

test.each(Object.entries(devices))("%s as it is has no other habit", (kind, device) => {
  expect(live(device)).toEqual([...(known[kind] ?? [])]);
});

/** One device of each kind with one mistake, and the name of that mistake. */
const broken: readonly (readonly [kind: string, mistake: Partial<Device>, topic: string])[] = [
  ["Home Assistant", { farewell: [], birth: [] }, "likely cleanDisconnect"],
  ["zigbee2mqtt", { birthOnReturn: [] }, "proved retainedWillWithoutBirth"],
  [
    "zigbee2mqtt",
    { birth: [said("zigbee2mqtt/bridge/info", "{}")], farewell: [] },
    "proved birthElsewhere",
  ],
  ["Tasmota", { birth: [], farewell: [] }, "proved retainedWillWithoutBirth"],
  [
    "ESPHome",
    { birth: [said("porch/status", "online", false)] },
    "proved retainedWillWithoutBirth",
  ],
  ["Homie", { birth: [said("homie/lamp/$nodes", "light", true, 1)] }, "proved birthElsewhere"],
  ["Sparkplug B", { farewell: [] }, "likely cleanDisconnect"],
  ["Sparkplug B", { will: nodeDeath({ bdSeq: 0 }, true) }, "proved retainedWillWithoutBirth"],
  ["Sparkplug B", { birth: [nodeBirth({ bdSeq: 1 })] }, "proved sparkplugBdSeq"],
  ["Sparkplug B", { birth: [nodeBirth({})] }, "proved sparkplugBdSeq"],
  ["Sparkplug B", { will: nodeDeath({}) }, "proved sparkplugBdSeq"],
  ["Shelly", { keepalive: 0 }, "proved noKeepAlive"],
  ["Node-RED", { will: said("flows/status", "", true) }, "likely emptyRetainedWill"],
  ["OwnTracks", { keepalive: 0 }, "proved noKeepAlive"],
];

test.each(broken)("%s with a mistake is named", (kind, mistake, topic) => {
  const device = devices[kind];
  if (device === undefined) throw new Error(`no device ${kind}`);
  expect(live({ ...device, ...mistake })).toContain(topic);
});

test("Sparkplug B: what the payloads do not tell is no mistake", () => {
  const device = devices["Sparkplug B"];
  if (device === undefined) throw new Error("no such device");
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`metric ${at}`, at]));
  for (const mistake of [
    // Rebirth on a host application's order, with the same number.
    { birth: [nodeBirth({ bdSeq: 0 }), nodeBirth({ bdSeq: 0 })] },
    { birth: [] },
    // Behind the bytes that the broker keeps.
    { birth: [nodeBirth({ ...many, bdSeq: 1 })] },
    { birth: [said("spBv1.0/plant/NBIRTH/edge-7", '{"bdSeq":1}', false)] },
    { birth: [said("spBv1.0/plant/NBIRTH/edge-8", metrics({ bdSeq: 1 }), false)] },
    { will: said("spBv1.0/plant/NDEATH/edge-7", "gone", false, 1) },
  ]) {
    expect(live({ ...device, ...mistake })).not.toContain("proved sparkplugBdSeq");
  }
});

test("Sparkplug B: the evidence is both numbers", () => {
  const world = new World();
  const device = devices["Sparkplug B"];
  if (device === undefined) throw new Error("no such device");
  connected(world, { ...device, birth: [nodeBirth({ bdSeq: 255 })] });
  const [finding] = habitsOf(answerOf(world, device.id));
  expect(finding?.text).toStartWith(
    "Its NDEATH has bdSeq 0, and the NBIRTH on the same connection bdSeq 255: a host application",
  );
});
