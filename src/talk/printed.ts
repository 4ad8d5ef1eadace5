import type { IPublishPacket } from "mqtt-packet";
import { strftime } from "./strftime.ts";

/** A message as it is printed. */
export interface Printed {
  readonly packet: IPublishPacket;
  /** When it arrived: microseconds since 1970. */
  readonly atMicros: number;
}

export function payloadOf({ payload }: IPublishPacket): Buffer {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

/** Keys and values; those of one key follow each other, whatever stood between them. */
export function userProperties({ properties }: IPublishPacket): (readonly [string, string])[] {
  return Object.entries(properties?.userProperties ?? {}).flatMap(([key, values]) =>
    [values].flat().map((value) => [key, value] as const),
  );
}

/** Conversions of strftime, joined. */
export function timeOf(conversions: readonly string[], between: string, atMicros: number): string {
  const time = new Date(atMicros / 1000);
  return conversions.map((conversion) => strftime(conversion, time)).join(between);
}
