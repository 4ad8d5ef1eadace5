import type { MessageJson } from "../api/api.ts";
import { jsonLine, prettyJson } from "../log/foreign.ts";
import { payloadOf, type Printed, timeOf } from "./printed.ts";

/** A message as one line of `--json`, NDJSON, or over several with `pretty`. */
export function jsonMessage({ packet, atMicros }: Printed, pretty: boolean): string {
  const payload = payloadOf(packet);
  const text = textOf(payload);
  const { userProperties: _, correlationData, ...others } = packet.properties ?? {};
  const properties = {
    ...others,
    ...(correlationData !== undefined && { correlationData: correlationData.toString("base64") }),
    ...(packet.userProperties.length > 0 && { userProperties: packet.userProperties }),
  };
  const message: MessageJson & { readonly dup: boolean; readonly packetId?: number } = {
    at: atMicros / 1000,
    topic: packet.topic,
    qos: packet.qos,
    retain: packet.retain,
    dup: packet.dup,
    ...(packet.qos > 0 && { packetId: packet.messageId ?? 0 }),
    ...(text === null ? { payloadBase64: payload.toString("base64") } : { payload: text }),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
  return pretty ? prettyJson(message) : jsonLine(message);
}

/** What `mosquittoJson` returns for a payload that is no JSON. */
export const cannotBeJson = Symbol("no JSON");

/** The object of mosquitto_sub's `%j`, or `%J`: there the payload itself is JSON. */
export function mosquittoJson(
  { packet, atMicros }: Printed,
  isJson: boolean,
  pretty: boolean,
): string | typeof cannotBeJson {
  const payload = payloadOf(packet);
  const value = isJson ? valueOf(payload) : payload.toString();
  if (value === cannotBeJson) return cannotBeJson;
  const micros = String(Math.floor(atMicros) % 1_000_000).padStart(6, "0");
  const properties = mosquittoProperties(packet);
  const message = {
    tst: `${timeOf(["F", "T"], "T", atMicros)}.${micros}${timeOf(["z"], "", atMicros)}`,
    topic: packet.topic,
    qos: packet.qos,
    retain: packet.retain ? 1 : 0,
    payloadlen: payload.length,
    ...(packet.qos > 0 && { mid: packet.messageId }),
    ...(properties !== null && { properties }),
    payload: value,
  };
  if (!pretty) return JSON.stringify(message);
  // A tab after each key, as cJSON writes it.
  return JSON.stringify(message, null, "\t").replace(/^(\t*"(?:[^"\\]|\\.)*"): /gm, "$1:\t");
}

function mosquittoProperties(packet: Printed["packet"]): object | null {
  const entries = Object.entries(packet.properties ?? {}).map(([key, value]): [string, unknown] => {
    switch (key) {
      case "userProperties":
        return ["user-properties", Object.fromEntries(packet.userProperties)];
      case "payloadFormatIndicator":
        return ["payload-format-indicator", value === true ? 1 : 0];
      case "correlationData":
        return ["correlation-data", Buffer.isBuffer(value) ? value.toString() : value];
      default:
        return [key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`), value];
    }
  });
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function valueOf(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return cannotBeJson;
  }
}

/** Null: it is no UTF-8. */
function textOf(payload: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return null;
  }
}
