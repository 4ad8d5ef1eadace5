import type { ClientVersion } from "../../client/machine.ts";

/** A CONNECT as its fields, also such as no encoder would write. */
export interface RawConnect {
  readonly version: ClientVersion;
  /** The byte of the protocol level; by default the version. */
  readonly level?: number;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: string | null;
  /** Bits 2 to 5 of the Connect Flags: Will Flag, Will QoS, Will Retain. */
  readonly willBits: number;
  /** Null: the payload has no will. */
  readonly will: { readonly topic: Buffer; readonly payload: Buffer } | null;
}

const cleanSession = 0x02;
const passwordFlag = 0x40;
const usernameFlag = 0x80;

/** The packet, with a keepalive of 60 s and no properties. */
export function rawConnect(connect: RawConnect): Uint8Array {
  const { version, level = version, clientId, username, password, willBits, will } = connect;
  const noProperties = version === 5 ? [Buffer.of(0)] : [];
  const credentials = [username, password].flatMap((text) =>
    text === null ? [] : [field(Buffer.from(text))],
  );
  const flags =
    cleanSession |
    willBits |
    (username === null ? 0 : usernameFlag) |
    (password === null ? 0 : passwordFlag);
  const rest = Buffer.concat([
    field(Buffer.from(version === 3 ? "MQIsdp" : "MQTT")),
    Buffer.of(level, flags, 0, 60),
    ...noProperties,
    field(Buffer.from(clientId)),
    ...(will === null ? [] : [...noProperties, field(will.topic), field(will.payload)]),
    ...credentials,
  ]);
  return Buffer.concat([Buffer.of(0x10), remainingLength(rest.length), rest]);
}

function field(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  for (let left = length; bytes.length === 0 || left > 0; left >>= 7) {
    bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.from(bytes);
}
