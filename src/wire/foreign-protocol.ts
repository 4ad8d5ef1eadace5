import { beginsWith } from "./beginning.ts";

/** Beginnings of other protocols that clients speak to a listener for plain MQTT by mistake. */
const beginnings: readonly { readonly bytes: readonly number[]; readonly what: string }[] = [
  // A TLS record of the type handshake, SSL 3.0 to TLS 1.3.
  { bytes: [0x16, 0x03], what: "a TLS handshake" },
  ...["GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT ", "PRI * HTTP"].map((text) => ({
    bytes: codesOf(text),
    what: text === "GET " ? "an HTTP request, as a WebSocket begins with" : "an HTTP request",
  })),
  { bytes: codesOf("PROXY "), what: "a header of the PROXY protocol" },
  { bytes: codesOf("\r\n\r\n\0\r\nQUIT\n"), what: "a header of the PROXY protocol" },
  { bytes: codesOf("SSH-"), what: "an SSH greeting" },
];

function codesOf(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

/**
 * What begins at bytes[start..available), if it is no MQTT: `: a TLS handshake, and this listener
 * takes plain MQTT only`; empty: unknown.
 */
export function foreignProtocol(bytes: Uint8Array, start: number, available: number): string {
  const found = beginnings.find((one) => beginsWith(bytes, start, available, one.bytes));
  return found === undefined ? "" : `: ${found.what}, and this listener takes plain MQTT only`;
}
