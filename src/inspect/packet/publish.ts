import { topicNameFlaw } from "../../wire/topics.ts";
import { isText } from "./connect.ts";
import { bytesText, type Draft } from "./node.ts";
import { walkProperties } from "./properties.ts";
import type { Field, Walk } from "./walk.ts";

const dupMask = 0x08;
const qosMask = 0x06;
const retainMask = 0x01;

/** The flags in the first byte of a PUBLISH. Returns its QoS, which can be 3. */
export function publishFlags(walk: Walk, header: Draft, first: number): number {
  const qos = (first & qosMask) >> 1;
  const dup = walk.flag(header, "DUP", first, dupMask);
  const level = walk.flag(header, "QoS", first, qosMask);
  walk.flag(header, "RETAIN", first, retainMask);
  if (qos === 3) walk.violate(level, "3.3.1-4", "3.3.1-4", "QoS of a PUBLISH is 3");
  if (qos === 0 && (first & dupMask) !== 0) {
    walk.violate(dup, "3.3.1-2", "3.3.1-2", "DUP with QoS 0");
  }
  return qos;
}

/** The body of a PUBLISH. */
export function walkPublish(walk: Walk, qos: number): void {
  let isUtf8 = false;
  walk.group("Variable header", () => {
    const topic = walk.text("Topic Name");
    if (topic !== null) judgeWildcards(walk, topic);
    if (qos !== 0) walk.packetIdentifier("2.3.1-1", "2.2.1-3");
    const properties = walk.protocol === 5 ? walkProperties(walk, "publish") : null;
    isUtf8 = (properties?.get(0x01) ?? 0) !== 0;
    if (topic?.value === "") judgeEmpty(walk, topic.node, properties?.get(0x23));
  });
  if (walk.stopped) return;
  walk.group("Payload", () => {
    const payload = walk.rest("Application Message");
    payload.node.meaning = bytesText(payload.node.length);
    if (walk.incomplete || !isUtf8 || isText(walk, payload)) return;
    const detail = "payload is not the UTF-8 that its Payload Format Indicator says";
    walk.violateV5(payload.node, "3.3.2.3.2", detail);
  });
}

function judgeWildcards(walk: Walk, { node }: Field<string | null>): void {
  if (topicNameFlaw(walk.bytes, node.offset + 2, node.offset + node.length) !== "wildcard") return;
  walk.violate(node, "3.3.2-2", "3.3.2-2", "Topic Name holds a wildcard");
}

/** In v5 a Topic Alias can replace the name. */
function judgeEmpty(walk: Walk, node: Draft, alias: number | string | null | undefined): void {
  if (walk.protocol !== 5) return walk.violate(node, "4.7.3-1", "", "Topic Name is empty");
  if (typeof alias === "number" && alias !== 0) node.meaning = "replaced by the Topic Alias";
  else walk.violate(node, "", "3.3.2.1", "neither Topic Name nor Topic Alias");
}
