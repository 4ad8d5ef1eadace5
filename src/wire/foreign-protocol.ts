import { beginsWith } from "./beginning.ts";

/** What the first bytes of a connection are. */
interface Beginning {
  readonly bytes: readonly number[];
  /** `a TLS handshake`. */
  readonly what: string;
  readonly isHttp: boolean;
  readonly isTls?: true;
}

const http = ["GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT ", "PRI * HTTP"];

/** Beginnings of protocols that clients speak to a listener for another one by mistake. */
const beginnings: readonly Beginning[] = [
  // A TLS record of the type handshake, SSL 3.0 to TLS 1.3.
  { bytes: [0x16, 0x03], what: "a TLS handshake", isHttp: false, isTls: true },
  ...http.map((text) => ({
    bytes: codesOf(text),
    what: text === "GET " ? "an HTTP request, as a WebSocket begins with" : "an HTTP request",
    isHttp: true,
  })),
  ...["PROXY ", "\r\n\r\n\0\r\nQUIT\n"].map((text) => ({
    bytes: codesOf(text),
    what: "a header of the PROXY protocol",
    isHttp: false,
  })),
  { bytes: codesOf("SSH-"), what: "an SSH greeting", isHttp: false },
];

function codesOf(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

/** The protocol that begins at bytes[start..available), if it is known and no MQTT; null: another. */
export function protocolAt(bytes: Uint8Array, start: number, available: number): Beginning | null {
  return beginnings.find((one) => beginsWith(bytes, start, available, one.bytes)) ?? null;
}

/**
 * What begins at bytes[start..available), if it is no MQTT: `: a TLS handshake, and this listener
 * takes plain MQTT only`; empty: unknown.
 */
export function foreignProtocol(bytes: Uint8Array, start: number, available: number): string {
  const found = protocolAt(bytes, start, available);
  if (found === null) return "";
  // A listener with TLS or WebSocket has taken those off before.
  const taken = found.isTls ? "plain MQTT" : "MQTT";
  return `: ${found.what}, and this listener takes ${taken} only`;
}
