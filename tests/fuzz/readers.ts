import pc from "picocolors";
import { load } from "../../src/config/load.ts";
import { ClientMachine } from "../../src/client/machine.ts";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { packetTree, packetTreeText, type PacketTree } from "../../src/inspect/packet/packet.ts";
import type { PacketNode } from "../../src/inspect/packet/node.ts";
import { sources } from "../config/sources.ts";
import type { Dice } from "../support/dice.ts";
import { AdminUnderFuzz, drawRequest } from "./admin.ts";
import type { Corpus, Sample } from "./corpus.ts";
import { Broken } from "./hostile-link.ts";
import { mutatePacket } from "./mutate-packet.ts";
import type { Reader, ReaderInput } from "./reader-input.ts";
import { hostileText } from "./strings.ts";
import { drawWebSocket, judgeWebSocket } from "./websocket-reader.ts";
import { judgeWire } from "./wire-reader.ts";

/** Passes an input to its reader, and throws if the result is wrong. */
export async function judgeReader(input: ReaderInput): Promise<void> {
  switch (input.reader) {
    case "wire":
      return judgeWire(input.parts);
    case "websocket":
      return judgeWebSocket(input.parts);
    case "inspect":
      return judgeInspect(input);
    case "client":
      return judgeClient(input);
    case "config":
      return judgeConfig(input.parts);
    case "admin":
      return new AdminUnderFuzz().judge(input.parts);
  }
}

export function drawReaderInput(dice: Dice, corpus: Corpus, reader: Reader): ReaderInput {
  const version = dice.pick<ProtocolVersion>([3, 4, 5, 5]);
  const parts = (() => {
    switch (reader) {
      case "wire":
        return cut(dice, clientStream(dice, corpus, version));
      case "websocket":
        return cut(dice, drawWebSocket(dice));
      case "inspect":
        return [dice.chance(90) ? mixedStream(dice, corpus) : dice.bytes(dice.below(40))];
      case "client":
        return cut(dice, serverStream(dice, corpus, version));
      case "config":
        return drawConfiguration(dice);
      case "admin":
        return drawRequest(dice);
    }
  })();
  return { reader, version, parts };
}

// Streams of packets.

function clientStream(dice: Dice, corpus: Corpus, version: ProtocolVersion): Uint8Array {
  const connect = dice.pick(corpus.connects.filter((sample) => sample.version === version));
  const others = corpus.others.filter((sample) => sample.version === version);
  const first = dice.chance(70) ? connect.bytes : changed(dice, connect);
  const rest = Array.from({ length: dice.between(0, 5) }, () => changed(dice, dice.pick(others)));
  return joined([first, ...rest]);
}

function mixedStream(dice: Dice, corpus: Corpus): Uint8Array {
  const samples = [...corpus.connects, ...corpus.others];
  const count = dice.between(1, 4);
  return joined(Array.from({ length: count }, () => changed(dice, dice.pick(samples))));
}

/**
 * Packets that a broker may send, and some that it may not: PUBLISH and acknowledgements have the
 * same form.
 */
function serverStream(dice: Dice, corpus: Corpus, version: ProtocolVersion): Uint8Array {
  const able = corpus.others.filter((sample) => sample.version === version);
  const count = dice.between(1, 6);
  return joined(Array.from({ length: count }, () => changed(dice, dice.pick(able))));
}

function changed(dice: Dice, { bytes, version }: Sample): Uint8Array {
  let result = bytes;
  const changes = dice.pick([0, 1, 1, 2, 3]);
  for (let done = 0; done < changes; done++) {
    result = mutatePacket(dice, result, version, dice.chance(50) ? "sound" : "hostile");
  }
  return result;
}

function cut(dice: Dice, bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = dice.pick([1, 2, 5, 30, bytes.length]);
    parts.push(bytes.slice(at, at + size));
    at += size;
  }
  return parts;
}

function joined(packets: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(packets.flatMap((packet) => [...packet]));
}

// `inspect packet`.

function judgeInspect({ version, parts }: ReaderInput): void {
  const [bytes = new Uint8Array(0)] = parts;
  for (const from of [undefined, "client", "server"] as const) {
    for (const protocol of ["auto", version] as const) {
      const trees = packetTree(bytes, { protocol, ...(from !== undefined && { from }) });
      for (const tree of trees) judgeTree(tree, bytes);
      const skipping = packetTree(bytes, {
        protocol,
        skips: true,
        ...(from !== undefined && { from }),
      });
      for (const tree of skipping) judgeTree(tree, bytes);
      const covered = skipping.reduce((sum, tree) => sum + tree.length, 0);
      if (covered !== bytes.length) throw new Broken(`${covered} of ${bytes.length} bytes covered`);
      const text = packetTreeText(trees, { columns: 80, colors: pc.createColors(false) });
      // oxlint-disable-next-line no-control-regex
      if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text)) {
        throw new Broken(`the text holds a control character: ${JSON.stringify(text)}`);
      }
      JSON.stringify(trees);
    }
  }
}

function judgeTree(tree: PacketTree, bytes: Uint8Array): void {
  for (const { statement } of tree.violations) {
    if (!/^v[345]-\d+(\.\d+)*(-\d+)?$/.test(statement)) throw new Broken(`statement ${statement}`);
  }
  for (const node of tree.nodes) judgeNode(node, bytes);
}

function judgeNode(node: PacketNode, bytes: Uint8Array): void {
  const { offset, length, hex, hidden, children } = node;
  if (offset < 0 || length < 0 || offset + length > bytes.length) {
    throw new Broken(`${node.name} lies at ${offset}, ${length} bytes, of ${bytes.length}`);
  }
  const all = bytes.subarray(offset, offset + length).toHex();
  const own = hidden === true ? all.slice(0, Math.min(4, hex?.length ?? 0)) : all;
  if (hex !== null && hex.replaceAll(" ", "") !== own)
    throw new Broken(`${node.name} is not ${hex}`);
  for (const child of children) judgeNode(child, bytes);
}

// The client of `simulate-drop`.

function judgeClient({ version, parts }: ReaderInput): void {
  const inPieces = clientEvents(version, parts);
  const atOnce = clientEvents(version, [joined(parts)]);
  if (inPieces !== atOnce) throw new Broken(`in pieces ${inPieces}, at once ${atOnce}`);
}

function clientEvents(version: ProtocolVersion, parts: readonly Uint8Array[]): string {
  const machine = new ClientMachine(version);
  const told: unknown[] = [];
  let isBroken = false;
  for (const part of parts) {
    const { events, answers } = machine.receive(part.slice());
    if (isBroken && events.length + answers.length > 0) {
      throw new Broken("the client goes on after what was no MQTT");
    }
    isBroken = events.some(({ event }) => event === "malformed") || isBroken;
    for (const answer of answers) judgeAnswer(answer, version);
    told.push(...events, ...answers.map((answer) => answer.toHex()));
  }
  // Events and answers of one chunk are two lists, so their relative order is unknown.
  return JSON.stringify(told.map((one) => JSON.stringify(one)).toSorted());
}

function judgeAnswer(answer: Uint8Array, version: ProtocolVersion): void {
  const [tree] = packetTree(answer, { protocol: version, from: "client" });
  const [wrong] = tree?.violations ?? [];
  if (wrong !== undefined) throw new Broken(`the client answers against ${wrong.statement}`);
}

// The configuration.

const configurationTexts = [
  '{\n  // a comment\n  "listeners": [{ "port": 1884, "host": "127.0.0.1" }, { "port": 0 }],\n}',
  '{ "limits": { "packetSize": "1MiB", "keepAliveMax": "90s", "qos": 1, "retain": true } }',
  '{ "$schema": "x", "log": { "level": "debug", "format": "json" }, "admin": { "port": 0 } }',
  '{ "limits": { "queuedMessages": 5, "sessionExpiryMax": null }, "limits": {} }',
];
const configurationWords = [
  ...['"', "{", "}", "[", "]", ",", ":", "//", "/*", "*/", "null", "true", "-1", "1e999", "0x10"],
  ...['"1MiB"', '"90s"', '"999999999999999999999h"', '"-1s"', "{}", "[]", '"\\u0000"', '"\\ud800"'],
  ...['"__proto__": 1', '"constructor": {}', '"listeners"', '"limits"', "\u0000", "\ufeff", "\r\n"],
  ...["[".repeat(40), '{"a":'.repeat(40), '"x": 1,'.repeat(50)],
];
const configurationPaths = [
  ...["limits.packetSize", "listeners.0.port", "listeners.1.port", "listeners.99999999.port"],
  ...["limits", "", ".", "__proto__.x", "limits.__proto__", "log.level", "admin.port", "$schema"],
  ...[
    "listeners.-1.port",
    "listeners.0",
    "limits.keepAliveMax",
    "a.b.c.d.e.f",
    "listeners.1e3.port",
  ],
];
const configurationValues = [
  "1",
  "0",
  "-1",
  "1MiB",
  "90s",
  "null",
  "true",
  "",
  " ",
  "x",
  "1e9",
  "{}",
];

function drawConfiguration(dice: Dice): Uint8Array[] {
  let text = dice.pick(configurationTexts);
  const changes = dice.below(6);
  for (let done = 0; done < changes; done++) {
    const at = dice.below(text.length + 1);
    const taken = dice.pick([0, 0, 1, 5]);
    text = text.slice(0, at) + dice.pick(configurationWords) + text.slice(at + taken);
  }
  const encoder = new TextEncoder();
  const file = encoder.encode(text);
  const settings = Array.from({ length: dice.below(4) }, () => {
    const path = dice.pick(configurationPaths);
    const name = dice.chance(50)
      ? `flag ${path}`
      : `env MQTTD_${path.replaceAll(".", "__").toUpperCase()}`;
    return encoder.encode(`${name}=${dice.pick(configurationValues)}`);
  });
  return [dice.chance(5) ? Uint8Array.from([...file, ...hostileText(dice)]) : file, ...settings];
}

function judgeConfig(parts: readonly Uint8Array[]): void {
  const [file = new Uint8Array(0), ...rest] = parts;
  const settings = rest.map((part) => new TextDecoder().decode(part));
  const env: Record<string, string> = {};
  for (const setting of settings) {
    const [, name, value] = /^env ([^=]*)=(.*)$/s.exec(setting) ?? [];
    if (name !== undefined && value !== undefined) env[name] = value;
  }
  const set = settings.flatMap((setting) => /^flag (.*)$/s.exec(setting)?.[1] ?? []);
  const result = load(sources({ files: { "mqttd.json": file }, env, set }));
  if (result.ok) return;
  if (result.problems.length === 0) throw new Broken("not loaded, and no problem is told");
  for (const problem of result.problems) {
    // oxlint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f-\u009f]/.test(problem) || problem.length > 1000) {
      throw new Broken(`a problem is not one line of text: ${JSON.stringify(problem)}`);
    }
  }
}
