import type { PeerCertificate } from "node:tls";
import { errorCode } from "../log/system-error.ts";
import type { TlsVersion } from "./tls-contexts.ts";

/** What a client's alert says of the broker, by its number (RFC 8446, section 6.2) and name. */
const alerts: readonly (readonly [number: number, name: string, meaning: string])[] = [
  [40, "handshake failure", "no common cipher"],
  [42, "bad certificate", "it refuses this broker's certificate: is the name right that it dials?"],
  [43, "unsupported certificate", "it can't use this broker's kind of certificate"],
  [44, "certificate revoked", "it says that this broker's certificate is revoked"],
  [45, "certificate expired", "it says that this broker's certificate has expired"],
  [46, "certificate unknown", "it refuses this broker's certificate: an unknown CA or name?"],
  [48, "unknown ca", "it does not trust this broker's certificate (unknown CA)"],
  [51, "decrypt error", "it can't verify this broker's signature"],
  [70, "protocol version", "no common version of TLS"],
  [80, "internal error", "it has an internal error"],
  [90, "user canceled", "it gave up the handshake"],
  [112, "unrecognized name", "it does not know this broker's name"],
];

/** What an alert of the client means, as a clause about it; null: of no known kind. */
export function alertMeaning(alert: number): string | null {
  return alerts.find(([number]) => number === alert)?.[2] ?? null;
}

/** The alert in an error of any runtime: `..._ALERT_UNKNOWN_CA`, `fatal alert: UnknownCA`. */
function alertIn(text: string): string | null {
  const letters = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, "");
  const name = /alert[:_ ]+([a-z_ ]+)/i.exec(text)?.[1] ?? null;
  if (name === null) return null;
  return alerts.find(([, known]) => letters(known) === letters(name))?.[2] ?? null;
}

/** What each runtime's TLS library says, by the words in its code or message. */
const meanings: readonly (readonly [words: RegExp, meaning: string])[] = [
  [/PEER_DID_NOT_RETURN|sent no certificates/, "it gave no certificate"],
  [/CERTIFICATE_REVOKED|CERT_REVOKED|certificate revoked/i, "its certificate is revoked"],
  [/CERT_HAS_EXPIRED|certificate (?:has )?expired/i, "its certificate has expired"],
  [/CERT_NOT_YET_VALID|NotValidYet/, "its certificate is not valid yet"],
  [
    /UNABLE_TO_GET_CRL|CRL_HAS_EXPIRED|CRL_NOT_YET_VALID|CERT_CRL|UNABLE_TO_GET_CRL_ISSUER/,
    "no valid list of revoked certificates (crl) covers its certificate",
  ],
  [
    /UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|SELF_SIGNED|DEPTH_ZERO|CERTIFICATE_VERIFY_FAILED|UnknownIssuer/,
    "its certificate is not signed by a CA of this listener (tls.ca)",
  ],
  [/INVALID_PURPOSE|UNSUPPORTED_CERT/, "its certificate is not for clients"],
  [/NO_SHARED_CIPHER|NO_COMMON|HANDSHAKE_FAILURE/, "no common cipher"],
  [/WRONG_VERSION_NUMBER|corrupt message|InvalidContentType/, "it sent something else than TLS"],
  [/BAD_DECRYPT|BAD_RECORD_MAC|DECRYPTION_FAILED|DecryptError/, "it sent a broken TLS record"],
];

/** Why TLS failed, as a clause about the peer; null: the error is of no known kind. */
export function knownFailure(error: unknown): string | null {
  const code = errorCode(error) ?? "";
  const message = error instanceof Error ? error.message : String(error);
  const known = meanings.find(([words]) => words.test(code) || words.test(message));
  return alertIn(code) ?? alertIn(message) ?? known?.[1] ?? null;
}

/** Characters of a name in a certificate that a text shows. */
const shownMax = 60;

/**
 * Which certificate it is: `"dev-43" of "Lab CA", serial 35B92911`; names are the client's words.
 * Null: there is none.
 */
export function certificateText(certificate: Partial<PeerCertificate> | null): string | null {
  if (certificate?.serialNumber === undefined) return null;
  const { subject, issuer, serialNumber } = certificate;
  return `${named(subject)} of ${named(issuer)}, serial ${serialNumber}`;
}

function named(subject: PeerCertificate["subject"] | undefined): string {
  const text = String(subject?.CN ?? subject?.O ?? "");
  return JSON.stringify(text.length <= shownMax ? text : `${text.slice(0, shownMax)}...`);
}

const versionNames: Readonly<Record<number, string>> = {
  0x0300: "SSL 3",
  0x0301: "TLS 1.0",
  0x0302: "TLS 1.1",
  0x0303: "TLS 1.2",
  0x0304: "TLS 1.3",
};

/** `no common version: it offers TLS 1.0 to TLS 1.1, this listener needs TLS 1.2 (tls.minVersion)`. */
export function versionsText(offered: readonly number[], needed: TlsVersion): string {
  const names = [...offered].sort((a, b) => a - b).map((number) => versionNames[number] ?? "other");
  const [first = "none", last = first] = [names[0], names.at(-1)];
  const range = first === last ? first : `${first} to ${last}`;
  const least = needed === "TLSv1.2" ? "TLS 1.2" : "TLS 1.3";
  return `no common version: it offers ${range}, this listener needs ${least} (tls.minVersion)`;
}
