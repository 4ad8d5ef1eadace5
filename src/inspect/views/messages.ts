import type { MessagesAnswer } from "../../api/api.ts";
import { payloadText } from "../../log/payload.ts";
import { timeOfDay } from "../../log/render.ts";
import { size } from "../../log/size.ts";
import { cellName, drawn, table, type ViewStyle } from "./table.ts";

/** As many bytes of a payload as of a retained one. */
const payloadShown = 64;

/** The last messages, oldest first, with the start of their payloads. */
export function messagesLines({ messages, missed }: MessagesAnswer, style: ViewStyle): string[] {
  const rows = messages.map(({ at, topic, qos, retain, payload, payloadBase64 }) => {
    const bytes =
      payload === undefined ? Buffer.from(payloadBase64 ?? "", "base64") : Buffer.from(payload);
    return [
      timeOfDay(at, style.zone),
      cellName(topic),
      retain ? `q${qos}, retain` : `q${qos}`,
      size(bytes.length),
      payloadText(bytes.subarray(0, payloadShown).toString("base64"), bytes.length),
    ];
  });
  const note = `${missed} were not remembered: too many in a second, or too large (admin.messages)`;
  return [
    ...(rows.length === 0
      ? ["no messages"]
      : table(["TIME", "TOPIC", "OPTIONS", "SIZE", "PAYLOAD"], rows, style)),
    ...(missed === 0 ? [] : drawn(note, style.columns, 2)),
  ];
}
