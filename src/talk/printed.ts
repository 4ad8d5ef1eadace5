import type { IPublishPacket } from "mqtt-packet";
import type { ReceivedPublish } from "../client/machine.ts";
import { strftime } from "./strftime.ts";

/** A message as it is printed. */
export interface Printed {
  readonly packet: ReceivedPublish;
  /** When it arrived: microseconds since 1970. */
  readonly atMicros: number;
}

export function payloadOf({ payload }: IPublishPacket): Buffer {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

/** Conversions of strftime, joined. */
export function timeOf(conversions: readonly string[], between: string, atMicros: number): string {
  const time = new Date(atMicros / 1000);
  return conversions.map((conversion) => strftime(conversion, time)).join(between);
}
