import type { RetainedAccount } from "../../core/records/shapes.ts";
import { singleQuoted } from "../../log/foreign.ts";
import { size } from "../../log/size.ts";
import { ahead } from "./moment.ts";
import { cellName, nothing, table, type ViewStyle } from "./table.ts";

/** Bytes of a payload that is no text which a line shows. */
const bytesShown = 16;

/** Retained messages with the beginning of their payloads. */
export function retainedLines(
  now: number,
  retained: readonly RetainedAccount[],
  style: ViewStyle,
): string[] {
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

/** In quotes where it is UTF-8, else in hexadecimal; three dots where there is more. */
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

/** Null: no UTF-8. A beginning may end within a character. */
function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: !isWhole,
    });
  } catch {
    return null;
  }
}
