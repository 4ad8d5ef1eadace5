import type { RetainedAccount } from "../../core/records/broker-account.ts";
import { payloadText } from "../../log/payload.ts";
import { size } from "../../log/size.ts";
import { around } from "./moment.ts";
import { cellName, drawn, nothing, table, type ViewStyle } from "./table.ts";

/** Messages on topics that begin with `$`, which the filter `#` does not match. */
export interface Unlisted {
  readonly belowSys: number;
  /** On others; messages that have expired and are not removed yet count too. */
  readonly others: number;
}

/** Retained messages with the start of their payloads. */
export function retainedLines(
  now: number,
  retained: readonly RetainedAccount[],
  style: ViewStyle,
  unlisted: Unlisted | null = null,
): string[] {
  const { belowSys = 0, others = 0 } = unlisted ?? {};
  const notes = [
    ...(belowSys === 0 ? [] : [`${belowSys} below $SYS: mqttd inspect retained '$SYS/#'`]),
    ...(others === 0
      ? []
      : [`Up to ${others} on other topics that begin with $, which # does not match`]),
  ];
  return [
    ...listOf(now, retained, style),
    ...notes.flatMap((note) => drawn(note, style.columns, 2)),
  ];
}

function listOf(now: number, retained: readonly RetainedAccount[], style: ViewStyle): string[] {
  if (retained.length === 0) return ["no retained messages"];
  const rows = retained.map((message) => [
    cellName(message.topic),
    `q${message.qos}`,
    message.expiresAt === null ? nothing : around(now, message.expiresAt),
    size(message.payloadBytes),
    payloadText(message.payload, message.payloadBytes),
  ]);
  return table(["TOPIC", "QOS", "EXPIRES", "SIZE", "PAYLOAD"], rows, style);
}
