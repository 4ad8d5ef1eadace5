const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64 by hand, because the core uses no platform encoder. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const group = (a << 16) | (b << 8) | c;
    const lacking = Math.max(0, index + 3 - bytes.length);
    for (let digit = 0; digit < 4 - lacking; digit++) {
      text += digits.charAt((group >> (18 - 6 * digit)) & 63);
    }
    text += "=".repeat(lacking);
  }
  return text;
}

/** The bytes of a text that `base64` made. */
export function bytesOfBase64(text: string): Uint8Array {
  const length = text.indexOf("=") < 0 ? text.length : text.indexOf("=");
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  for (let index = 0, at = 0; index < length; index++) {
    bits = ((bits << 6) | digits.indexOf(text.charAt(index))) & 0xff_ffff;
    if (index % 4 > 0) bytes[at++] = bits >> (6 - 2 * (index % 4));
  }
  return bytes;
}
