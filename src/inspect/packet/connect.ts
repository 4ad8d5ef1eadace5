import { allowedSilenceMs, standardRules } from "../../core/quirks/rules.ts";
import { setting } from "../../log/duration.ts";
import { connectProtocol, disregardedIn31 } from "../../wire/connect.ts";
import { topicNameFlaw } from "../../wire/topics.ts";
import { textFlaw } from "../../wire/utf8.ts";
import type { Draft } from "./node.ts";
import { walkProperties } from "./properties.ts";
import type { Field, Range, Walk } from "./walk.ts";

const flagMask = {
  username: 0x80,
  password: 0x40,
  willRetain: 0x20,
  willQos: 0x18,
  will: 0x04,
  cleanStart: 0x02,
  reserved: 0x01,
} as const;

/** The body of a CONNECT. */
export function walkConnect(walk: Walk): void {
  let flags = 0;
  walk.group("Variable header", () => {
    walkProtocol(walk);
    flags = walkFlags(walk);
    const keepAlive = walk.integer(2, "Keep Alive");
    if (keepAlive !== null) keepAlive.node.meaning = keepAliveText(keepAlive.value);
    if (walk.protocol === 5) walkProperties(walk, "connect");
  });
  walk.group("Payload", () => {
    const clientId = walk.text("Client Identifier");
    if (clientId !== null) judgeClientId(walk, clientId);
    if ((flags & flagMask.will) !== 0) walk.group("Will", () => walkWill(walk));
    // In MQTT 3.1 the length of the packet takes precedence over these flags.
    const isThere = (flag: number): boolean =>
      (flags & flag) !== 0 && (walk.protocol !== 3 || walk.more);
    if (isThere(flagMask.username)) walk.text("User Name");
    const password = isThere(flagMask.password) ? walk.binary("Password") : null;
    if (password !== null) walk.hide(password.node);
    walk.finish();
  });
}

/** MQTT 3.1 (section 3.1) requires 1 to 23 characters; mqttd, like mosquitto, accepts longer ids. */
function judgeClientId(walk: Walk, { node, value }: Field<string | null>): void {
  if (walk.protocol !== 3) {
    if (value === "") node.meaning = "the broker assigns one";
    return;
  }
  if (value === null) return;
  const characters = Array.from(value).length;
  if (characters === 0) walk.violateV3(node, "3.1", "Client Identifier is empty");
  if (characters > clientIdMaxIn31) {
    const detail = `Client Identifier has ${characters} characters, allowed: ${clientIdMaxIn31}`;
    walk.violateV3(node, "3.1", detail);
  }
}

const clientIdMaxIn31 = 23;

function walkProtocol(walk: Walk): void {
  const available = Math.min(walk.end, walk.bytes.length);
  const protocol = connectProtocol(walk.bytes, walk.position, available);
  const protocolName = walk.text("Protocol Name");
  // An unknown name, unless the packet ends before the level.
  if (protocol === null && protocolName !== null && walk.more) {
    walk.violate(protocolName.node, "3.1.2-1", "3.1.2-1", "unknown protocol name");
  }
  const level = walk.integer(1, "Protocol Level");
  if (level === null) return;
  const version = level.value & ~bridgeBit;
  if (level.value < bridgeBit) level.node.meaning = levels[version] ?? null;
  else {
    walk.flag(level.node, "Bridge", level.value, bridgeBit, "mosquitto's bit, in no standard");
    walk.flag(level.node, "Level", level.value, 0x7f, levels[version] ?? null);
  }
  if (protocol !== null && !protocol.supported) {
    walk.violate(level.node, "3.1.2-2", "3.1.2-2", "this protocol level is not supported");
  }
}

const levels: { readonly [level: number]: string } = {
  3: "MQTT 3.1",
  4: "MQTT 3.1.1",
  5: "MQTT 5.0",
};

const bridgeBit = 0x80;

function walkFlags(walk: Walk): number {
  const found = walk.integer(1, "Connect Flags");
  if (found === null) return 0;
  const { node, value: flags } = found;
  const flag = (name: string, mask: number): Draft => walk.flag(node, name, flags, mask);
  flag("User Name Flag", flagMask.username);
  const password = flag("Password Flag", flagMask.password);
  const willRetain = flag("Will Retain", flagMask.willRetain);
  const willQos = flag("Will QoS", flagMask.willQos);
  flag("Will Flag", flagMask.will);
  flag(walk.protocol === 5 ? "Clean Start" : "Clean Session", flagMask.cleanStart);
  const reserved = flag("Reserved", flagMask.reserved);
  const judged = walk.protocol === 3 ? flags & ~disregardedIn31(flags) : flags;
  const isSet = (mask: number): boolean => (judged & mask) !== 0;
  if (isSet(flagMask.reserved)) {
    walk.violate(reserved, "3.1.2-3", "3.1.2-3", "reserved Connect Flag is set");
  }
  if (!isSet(flagMask.will) && isSet(flagMask.willQos)) {
    walk.violate(willQos, "3.1.2-13", "3.1.2-11", "Will QoS without Will Flag");
  }
  if (!isSet(flagMask.will) && isSet(flagMask.willRetain)) {
    walk.violate(willRetain, "3.1.2-15", "3.1.2-13", "Will Retain without Will Flag");
  }
  if (isSet(flagMask.will) && (judged & flagMask.willQos) === flagMask.willQos) {
    walk.violate(willQos, "3.1.2-14", "3.1.2-12", "Will QoS is 3");
  }
  // v5 allows a password alone (v5-3.1.2.9).
  if (walk.protocol !== 5 && isSet(flagMask.password) && !isSet(flagMask.username)) {
    walk.violate(password, "3.1.2-22", "", "Password without User Name");
  }
  return flags;
}

function keepAliveText(seconds: number): string {
  const allowed = allowedSilenceMs(standardRules, seconds);
  if (allowed === null) return "none: silence is never detected";
  return `seconds: ${setting(allowed)} of silence are allowed`;
}

function walkWill(walk: Walk): void {
  const properties = walk.protocol === 5 ? walkProperties(walk, "will") : null;
  const topic = walk.text("Will Topic");
  if (topic !== null) {
    const { offset, length } = topic.node;
    const flaw = topicNameFlaw(walk.bytes, offset + 2, offset + length);
    if (flaw === "wildcard") {
      walk.violate(topic.node, "4.7.1-1", "4.7.0-1", "Will Topic holds a wildcard");
    } else if (flaw === "empty") {
      walk.violate(topic.node, "4.7.3-1", "4.7.3-1", "Will Topic is empty");
    }
  }
  const payload = walk.binary("Will Payload");
  if (payload === null) return;
  if ((properties?.get(0x01) ?? 0) !== 0 && !isText(walk, payload)) {
    const detail = "Will Payload is not the UTF-8 that its Payload Format Indicator says";
    walk.violateV5(payload.node, "3.1.3.2.3", detail);
  }
}

export function isText(walk: Walk, { value }: Field<Range>): boolean {
  return textFlaw(walk.bytes, value.start, value.end, true) === null;
}
