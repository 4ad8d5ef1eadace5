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
