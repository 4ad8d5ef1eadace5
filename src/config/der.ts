/**
 * One value of DER (X.690): certificates and lists of revoked ones consist of them. Not read by the
 * library of `mqttd certs`: it refuses lists of some ten thousand entries, each of which it decodes,
 * while these functions read only the few values beside them.
 */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

export const derTags = {
  ...{ integer: 0x02, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, context0: 0xa0 },
};

/** Whether a tag's content is values again. */
const constructed = 0x20;

/** The values that follow each other in `bytes`. Throws RangeError if one is cut. */
export function derValues(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = byteAt(bytes, at);
    let length = byteAt(bytes, at + 1);
    at += 2;
    if (length >= 0x80) {
      const width = length - 0x80;
      if (width > 4) throw new RangeError("a length of more than 4 bytes");
      length = 0;
      for (let n = 0; n < width; n++) length = length * 256 + byteAt(bytes, at + n);
      at += width;
    }
    if (at + length > bytes.length) throw new RangeError("a value is cut");
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError("a value is cut");
  return byte;
}

/** UTCTime or GeneralizedTime, in Z, as milliseconds of Unix time; NaN: of another form. */
export function derTime({ tag, content }: DerValue): number {
  const text = new TextDecoder().decode(content);
  const isShort = tag === derTags.utcTime;
  // RFC 5280, section 4.1.2.5.1: two digits below 50 are of this century.
  const full = isShort ? `${text < "50" ? "20" : "19"}${text}` : text;
  const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
  return Date.parse(full.replace(form, "$1-$2-$3T$4:$5:$6Z"));
}

/** A name's parts, so that equal names are equal texts, whatever kinds of strings they consist of. */
export function derName({ content }: DerValue): string {
  const parts: string[] = [];
  const collect = (bytes: Uint8Array): void => {
    for (const value of derValues(bytes)) {
      if ((value.tag & constructed) !== 0) collect(value.content);
      else parts.push(new TextDecoder("latin1").decode(value.content).trim().toLowerCase());
    }
  };
  collect(content);
  return JSON.stringify(parts);
}
