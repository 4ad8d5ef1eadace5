/** How many bytes the value of a property of PUBLISH takes; of those not here: two, and as many as these say. */
const fixed: Readonly<Record<number, number>> = { 0x01: 1, 0x02: 4, 0x23: 2 };
const subscriptionIdentifier = 0x0b;
const userProperty = 0x26;

/**
 * The User Properties of a whole PUBLISH of MQTT 5, in their order; null: its properties do not end
 * where they say. mqtt-packet reads past that end, and puts them into an object, which keeps no order
 * between equal keys, nor of keys that are numbers.
 */
export function userPropertiesIn(
  frame: Uint8Array,
): (readonly [key: string, value: string])[] | null {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const qos = ((bytes[0] ?? 0) >> 1) & 3;
  const topic = variable(bytes, 1).next;
  const length = variable(bytes, topic + 2 + bytes.readUInt16BE(topic) + (qos > 0 ? 2 : 0));
  let at = length.next;
  const end = at + length.value;
  if (end > bytes.length) return null;
  /** Where the text or the binary data at `at` ends. */
  const textEnd = (): number => (at + 2 > end ? Infinity : at + 2 + bytes.readUInt16BE(at));
  const text = (): string => {
    const start = at + 2;
    at = textEnd();
    return at > end ? "" : bytes.toString("utf8", start, at);
  };
  const pairs: (readonly [string, string])[] = [];
  while (at < end) {
    const identifier = bytes[at++] ?? 0;
    if (identifier === userProperty) pairs.push([text(), text()]);
    else if (identifier === subscriptionIdentifier) at = variable(bytes, at).next;
    else {
      const bytesOfValue = fixed[identifier];
      at = bytesOfValue === undefined ? textEnd() : at + bytesOfValue;
    }
  }
  return at === end ? pairs : null;
}

/** A Variable Byte Integer, and where it ends. */
function variable(bytes: Buffer, start: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = start; ; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 128 ** (at - start);
    if (byte < 0x80) return { value, next: at + 1 };
  }
}
