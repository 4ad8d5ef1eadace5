import { X509Certificate } from "node:crypto";
import { assert } from "../core/assert.ts";
import { createSecureContext, type SecureContext } from "node:tls";

/** A certificate chain and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Of an encrypted key; null: it is not encrypted. */
  readonly passphrase: string | null;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** What a TLS listener needs, as read from its files. */
export interface TlsMaterial {
  /** The first is for clients that name no server, or an unknown one. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
  /** PEM certificates that may sign clients' certificates; null: those of the system. */
  readonly ca: string | null;
  /** PEM list of revoked certificates. */
  readonly crl: string | null;
  /** Whether clients have to give a certificate. */
  readonly requestCert: boolean;
  /** Whether the common name of a client's certificate is its user name. */
  readonly identityAsUsername: boolean;
  readonly minVersion: TlsVersion;
}

/** One version's number on the wire. */
export const versionNumbers: Readonly<Record<TlsVersion, number>> = {
  "TLSv1.2": 0x0303,
  "TLSv1.3": 0x0304,
};

interface Named {
  /** `broker.lab`, `*.lab`, in lower case. */
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/**
 * The certificates of one listener. `use` replaces them for later connections; open ones keep theirs.
 * Throws the system's error for material that does not fit together.
 */
export class TlsContexts {
  #named: readonly Named[] = [];
  #material: TlsMaterial;

  constructor(material: TlsMaterial) {
    this.#material = material;
    this.use(material);
  }

  /** What later connections get. */
  get material(): TlsMaterial {
    return this.#material;
  }

  get requestCert(): boolean {
    return this.#material.requestCert;
  }

  get identityAsUsername(): boolean {
    return this.#material.identityAsUsername;
  }

  get minVersion(): TlsVersion {
    return this.#material.minVersion;
  }

  use(material: TlsMaterial): void {
    this.#named = material.certificates.map((certificate) => ({
      names: namesOf(certificate.cert),
      context: contextOf(certificate, material),
    }));
    this.#material = material;
  }

  /** The context for the name that a client wants to reach; null: it named none. */
  for(serverName: string | null): SecureContext {
    const fitting = this.#named.find(
      ({ names }) => serverName !== null && names.some((name) => covers(name, serverName)),
    );
    const named = fitting ?? this.#named[0];
    assert(named !== undefined, "there is a first certificate");
    return named.context;
  }
}

/** For a server of node's own. */
export function serverOptions({ certificates, ca, crl, requestCert, minVersion }: TlsMaterial) {
  const [{ cert, key, passphrase }] = certificates;
  return {
    ...{ cert, key, minVersion, requestCert, rejectUnauthorized: requestCert },
    ...(passphrase !== null && { passphrase }),
    ...(ca !== null && { ca }),
    ...(crl !== null && { crl }),
  };
}

/** Throws the system's error: a key of another certificate, a wrong passphrase, no PEM. */
export function contextOf(
  { cert, key, passphrase }: Certificate,
  { ca, crl, minVersion }: Pick<TlsMaterial, "ca" | "crl" | "minVersion">,
): SecureContext {
  return createSecureContext({
    cert,
    key,
    minVersion,
    ...(passphrase !== null && { passphrase }),
    ...(ca !== null && { ca }),
    ...(crl !== null && { crl }),
  });
}

/** DNS names that a certificate is for. */
function namesOf(cert: string): string[] {
  const { subjectAltName } = new X509Certificate(cert);
  const entries = (subjectAltName ?? "").split(/,\s*/);
  return entries.flatMap((entry) =>
    entry.startsWith("DNS:") ? [entry.slice("DNS:".length).toLowerCase()] : [],
  );
}

/** A star stands for one whole label. */
function covers(name: string, serverName: string): boolean {
  if (name === serverName) return true;
  const dot = serverName.indexOf(".");
  return name.startsWith("*.") && dot > 0 && name.slice(1) === serverName.slice(dot);
}
