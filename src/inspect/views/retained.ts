import type { RetainedAccount } from "../../core/records/shapes.ts";
import { singleQuoted } from "../../log/foreign.ts";
import { size } from "../../log/size.ts";
import { ahead } from "./moment.ts";
import { cellName, drawn, nothing, table, type ViewStyle } from "./table.ts";

/** Bytes shown of a payload that is not text. */
const bytesShown = 16;

/**
 * Retained messages with the start of their payloads. `belowSys`: how many more are below `$SYS`,
 * where the filter does not look.
 */
export function retainedLines(
  now: number,
  retained: readonly RetainedAccount[],
  style: ViewStyle,
  belowSys = 0,
): string[] {
  const more = `${belowSys} below $SYS: mqttd inspect retained '$SYS/#'`;
  return [
    ...listOf(now, retained, style),
    ...(belowSys === 0 ? [] : drawn(more, style.columns, 2)),
  ];
}

function listOf(now: number, retained: readonly RetainedAccount[], style: ViewStyle): string[] {
  if (retained.length === 0) return ["no retained messages"];
  const rows = retained.map((message) => [
    cellName(message.topic),
    `q${message.qos}`,
    message.expiresAt === null ? nothing : ahead(now, message.expiresAt),
    size(message.payloadBytes),
    payloadText(message),
  ]);
  return table(["TOPIC", "QOS", "EXPIRES", "SIZE", "PAYLOAD"], rows, style);
}

/** In quotes if it is UTF-8, else in hexadecimal; three dots if cut. */
function payloadText({ payload, payloadBytes }: RetainedAccount): string {
  const bytes = Buffer.from(payload, "base64");
  const isWhole = bytes.length === payloadBytes;
  const text = textOf(bytes, isWhole);
  if (text !== null) return singleQuoted(text) + (isWhole ? "" : " ...");
  const hex = bytes
    .subarray(0, bytesShown)
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");
  return bytes.length <= bytesShown && isWhole ? hex : `${hex} ...`;
}

/** Null: not UTF-8. A cut payload may end within a character. */
function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: !isWhole,
    });
  } catch {
    return null;
  }
}
