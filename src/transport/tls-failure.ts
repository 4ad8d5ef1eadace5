import { errorCode } from "../log/system-error.ts";
import type { TlsVersion } from "./tls-contexts.ts";

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
    /UNKNOWN_CA|UnknownCA|UnknownIssuer|BAD_CERTIFICATE|bad certificate/i,
    "it does not trust this broker's certificate (unknown CA)",
  ],
  [
    /UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|SELF_SIGNED|DEPTH_ZERO|CERTIFICATE_VERIFY_FAILED/,
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
  return meanings.find(([words]) => words.test(code) || words.test(message))?.[1] ?? null;
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
