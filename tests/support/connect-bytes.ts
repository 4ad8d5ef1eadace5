/**
 * A CONNECT built field by field, so that each field can be wrong: no client's encoder would write
 * these.
 */
export interface ConnectFields {
  readonly version: 4 | 5;
  readonly clientId?: string;
  /** Default: Clean Start and the Will Flag. */
  readonly flags?: number;
  readonly keepAlive?: number;
  /** The encoded properties, without their length; v5. */
  readonly properties?: readonly number[];
  readonly willProperties?: readonly number[];
  /** Null: no will fields, as without a Will Flag. */
  readonly willTopic?: string | readonly number[] | null;
  readonly willPayload?: string | readonly number[];
}

export const connectFlag = { clean: 0x02, will: 0x04, willRetain: 0x20 } as const;

export function willQosFlag(qos: 0 | 1 | 2 | 3): number {
  return qos << 3;
}

export function connectBytes(fields: ConnectFields): Uint8Array {
  const { version, clientId = "mortal", keepAlive = 0, properties = [] } = fields;
  const { willTopic = "will", willPayload = "gone", willProperties = [] } = fields;
  const body = [
    ...counted("MQTT"),
    version,
    fields.flags ?? connectFlag.clean | connectFlag.will,
    keepAlive >> 8,
    keepAlive & 0xff,
    ...(version === 5 ? block(properties) : []),
    ...counted(clientId),
    ...(willTopic === null
      ? []
      : [
          ...(version === 5 ? block(willProperties) : []),
          ...counted(willTopic),
          ...counted(willPayload),
        ]),
  ];
  return Uint8Array.from([0x10, ...block(body)]);
}

/** One User Property. */
export function userProperty(name: string, value: string): number[] {
  return [0x26, ...counted(name), ...counted(value)];
}

/** A string or binary field: a two-byte length, then the bytes. */
export function counted(field: string | readonly number[]): number[] {
  const bytes = typeof field === "string" ? [...Buffer.from(field)] : field;
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

/** Bytes after their length as a Variable Byte Integer. */
function block(bytes: readonly number[]): number[] {
  const length: number[] = [];
  let rest = bytes.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return [...length, ...bytes];
}
