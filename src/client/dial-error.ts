/** The broker can't be reached: exit code 3. */
export class DialError extends Error {
  override name = "DialError";
  /** A system error (`ECONNREFUSED`, `ENOTFOUND`, ...), or why a handshake failed. */
  readonly code: string;

  constructor(code: HandshakeFailure | (string & {}), message: string) {
    super(message);
    this.code = code;
  }
}

/** Why the handshake of TLS or WebSocket failed; the message says more. */
export type HandshakeFailure =
  /** The peer does not speak TLS. */
  | "TLS_NONE"
  /** Nobody who is trusted has issued the certificate. */
  | "TLS_ISSUER"
  /** The certificate has other names. */
  | "TLS_NAME"
  /** The certificate is not valid now. */
  | "TLS_DATE"
  /** The broker asks for a client certificate, or refuses the one it got. */
  | "TLS_CLIENT"
  /** The client's own certificate, key or CA can't be used. */
  | "TLS_OWN"
  | "TLS_OTHER"
  /** The peer ends the connection where an HTTP answer is due. */
  | "WS_NONE"
  /** It answers, and does not open a WebSocket for MQTT. */
  | "WS_REFUSED";
