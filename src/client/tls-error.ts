import { checkServerIdentity, type PeerCertificate, type TLSSocket } from "node:tls";
import { errorCode } from "../log/system-error.ts";
import { DialError, type HandshakeFailure } from "./dial-error.ts";
import { serverNameOf, type Target } from "./target.ts";

/** What is wrong with the broker's certificate; null: nothing that `insecure` does not allow. */
export function certificateError(tls: TLSSocket, target: Target): DialError | null {
  const settings = target.tls;
  const isInsecure = settings?.insecure === true;
  const certificate = tls.getPeerCertificate();
  // The runtime's verdict on the chain; it did not check the name for us.
  const code = tls.authorized ? null : String(tls.authorizationError);
  const checksChain = !isInsecure || (settings?.ca ?? null) !== null;
  if (code !== null && checksChain && code !== nameCode) return chainError(code, certificate);
  if (isInsecure) return null;
  const name = serverNameOf(target);
  if (checkServerIdentity(name, certificate) === undefined) return null;
  return new DialError("TLS_NAME", `the certificate is for ${namesOf(certificate)}, not ${name}`);
}

const nameCode = "ERR_TLS_CERT_ALTNAME_INVALID";

function chainError(code: string, certificate: PeerCertificate): DialError {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return new DialError("TLS_DATE", `the certificate expired on ${certificate.valid_to}`);
    case "CERT_NOT_YET_VALID":
      return new DialError(
        "TLS_DATE",
        `the certificate is valid from ${certificate.valid_from} on`,
      );
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return new DialError("TLS_ISSUER", "the certificate is self-signed");
    default:
      return new DialError(
        "TLS_ISSUER",
        `the certificate's issuer ${quotedName(certificate.issuer)} is not trusted (${code})`,
      );
  }
}

function quotedName(subject: PeerCertificate["issuer"] | undefined): string {
  const name = subject?.CN ?? subject?.O;
  return name === undefined ? "without a name" : JSON.stringify(name);
}

/** The names in a certificate, or its common name where it has none. */
function namesOf({ subjectaltname, subject }: PeerCertificate): string {
  const names = (subjectaltname ?? "")
    .split(", ")
    .flatMap((name) => /^(?:DNS|IP Address):(.*)$/.exec(name)?.[1] ?? []);
  return names.length > 0 ? names.join(", ") : `the common name ${JSON.stringify(subject.CN)} only`;
}

/** The runtime's error in a handshake, or before it. */
export function handshakeError(error: unknown): DialError {
  const code = errorCode(error) ?? "";
  const message = error instanceof Error ? error.message : String(error);
  const alert = alertIn(code);
  if (alert !== null) return new DialError(failureOf(alert), `the broker refuses it: ${alert}`);
  if (/WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST/.test(code)) {
    return new DialError("TLS_NONE", "what answers does not speak TLS");
  }
  return new DialError("TLS_OTHER", `the TLS handshake failed: ${message}`);
}

/** The socket ended in the middle of the handshake. */
export function closedError(how: string): DialError {
  const end = how === "eof" ? "closed" : "reset";
  return new DialError("TLS_NONE", `the connection was ${end} during the TLS handshake`);
}

/** The alert behind an error of an open connection, as a clause. */
export function alertText(error: unknown): string | undefined {
  const alert = alertIn(errorCode(error) ?? "");
  return alert === null ? undefined : `TLS alert "${alert}"`;
}

/** `certificate required` from `ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED`; null: it was no alert. */
function alertIn(code: string): string | null {
  return /_ALERT_([A-Z_]+)$/.exec(code)?.[1]?.toLowerCase().replaceAll("_", " ") ?? null;
}

function failureOf(alert: string): HandshakeFailure {
  return isAboutCertificate(alert) ? "TLS_CLIENT" : "TLS_OTHER";
}

/** Whether an alert, by its name, is about the client's certificate. */
export function isAboutCertificate(alert: string): boolean {
  return /certificate|unknown ca|access denied/.test(alert);
}
