import type { IPublishPacket } from "mqtt-packet";
import { clause } from "../../log/foreign.ts";

/** Every property that a will can have (v5-3.1.3.2), less the delay. */
export interface WillProperties {
  /** As mqtt-packet takes them. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly isText: boolean;
  readonly responseTopic: string;
  readonly correlation: Buffer;
}

const contentType = "text/plain; charset=utf-8";
const expirySeconds = 600;
/** Not in the order of their names, and one name twice with another between. */
const userProperties = [
  ["zone", "3"],
  ["area", "1"],
  ["zone", "2"],
] as const;

/** `isText`: the payload is UTF-8, so that the payload format may say so. */
export function willProperties(responseTopic: string, isText: boolean): WillProperties {
  const correlation = Buffer.from([0, 1, 0xfe, 0xff, 0x26]);
  const properties = {
    ...(isText && { payloadFormatIndicator: true }),
    messageExpiryInterval: expirySeconds,
    contentType,
    responseTopic,
    correlationData: correlation,
    // A list of pairs keeps an order that one object cannot have.
    userProperties: userProperties.map(([name, value]) => ({ [name]: value })),
  };
  return { properties, isText, responseTopic, correlation };
}

/**
 * What came otherwise than it was given; null: nothing. `bytes` holds the packet as it came, since
 * the parsed one has lost the order of the user properties. `waitedMs`: from the drop to now.
 */
export function alterations(
  given: WillProperties,
  packet: IPublishPacket,
  bytes: Buffer,
  waitedMs: number,
): string | null {
  const came = packet.properties ?? {};
  const wrong: string[] = [];
  const check = (name: string, value: string | undefined, right: string): void => {
    if (value === right) return;
    wrong.push(value === undefined ? `${name} is missing` : `${name} is ${clause(value)}`);
  };
  if (given.isText) check("Payload Format Indicator", byteText(came.payloadFormatIndicator), "1");
  check("Content Type", came.contentType, contentType);
  check("Response Topic", came.responseTopic, given.responseTopic);
  check(
    "Correlation Data",
    came.correlationData?.toString("hex"),
    given.correlation.toString("hex"),
  );
  const expiry = expiryAlteration(came.messageExpiryInterval, waitedMs / 1000);
  if (expiry !== null) wrong.push(expiry);
  const user = userAlteration(bytes);
  if (user !== null) wrong.push(user);
  return wrong.length === 0 ? null : wrong.join("; ");
}

function byteText(flag: boolean | undefined): string | undefined {
  return flag === undefined ? undefined : String(Number(flag));
}

/** What was given less the time that it waited (v5-3.3.2-6), rounded either way. */
function expiryAlteration(came: number | undefined, waitedSeconds: number): string | null {
  if (came === undefined) return "Message Expiry Interval is missing";
  const least = expirySeconds - Math.ceil(waitedSeconds) - 1;
  const most = expirySeconds - Math.floor(waitedSeconds) + 1;
  if (came >= least && came <= most) return null;
  return `Message Expiry Interval is ${came} s after ${waitedSeconds.toFixed(1)} s of ${expirySeconds} s`;
}

/** In the order in which they were given (v5-3.1.3-10). */
function userAlteration(bytes: Buffer): string | null {
  const places = userProperties.map(([name, value]) => bytes.indexOf(pair(name, value)));
  const missing = userProperties.filter((_, index) => places[index] === -1);
  if (missing.length > 0) {
    return `User Property ${missing.map(([name, value]) => `${name}=${value}`).join(", ")} is missing`;
  }
  const isInOrder = places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
  if (isInOrder) return null;
  const order = userProperties
    .map(([name, value], index) => ({ text: `${name}=${value}`, place: places[index] ?? 0 }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ text }) => text);
  return `the User Properties came in another order: ${order.join(", ")}`;
}

/** One User Property on the wire: its identifier, then two strings with their lengths. */
function pair(name: string, value: string): Buffer {
  const text = (part: string): Buffer => {
    const bytes = Buffer.from(part);
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
  };
  return Buffer.concat([Buffer.from([0x26]), text(name), text(value)]);
}
