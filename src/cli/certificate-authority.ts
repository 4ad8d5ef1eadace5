import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { ServerName } from "./machine-names.ts";

// Import this file after reflect-metadata: the dependency injection of x509 looks for it at once.

/** A certificate and its private key, PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly until: Date;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 3600 * 1000;
const authorityDays = 3650;
/** Clocks of a lab differ: a certificate is valid from this long before it was made. */
const headStartMs = 3600 * 1000;

/** A CA for development: ECDSA P-256, for certificates that it signs itself and no further CAs. */
export class CertificateAuthority {
  readonly certificate: X509Certificate;
  readonly #key: CryptoKey;

  private constructor(certificate: X509Certificate, key: CryptoKey) {
    this.certificate = certificate;
    this.#key = key;
  }

  /** A new one. `name`: of its subject, by which people tell it from others. */
  static async create(
    name: string,
    now: Date,
  ): Promise<{ ca: CertificateAuthority; files: Issued }> {
    const keys = await generateKeys();
    const until = new Date(now.getTime() + authorityDays * dayMs);
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        ...{ name: commonName(name), keys, signingAlgorithm: algorithm },
        ...{ notBefore: new Date(now.getTime() - headStartMs), notAfter: until },
        extensions: [
          new BasicConstraintsExtension(true, 0, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      },
      crypto,
    );
    const ca = new CertificateAuthority(certificate, keys.privateKey);
    return { ca, files: { cert: pemOf(certificate), key: await keyPem(keys.privateKey), until } };
  }

  /** From its files. Throws Error, with a clause to follow their names. */
  static async read(cert: string, key: string): Promise<CertificateAuthority> {
    let certificate: X509Certificate;
    let privateKey: CryptoKey;
    try {
      certificate = new X509Certificate(cert);
    } catch {
      throw new Error("the certificate is not PEM");
    }
    try {
      const [der = new ArrayBuffer()] = PemConverter.decode(key);
      privateKey = await crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
    } catch {
      throw new Error("the key is no unencrypted P-256 key (PKCS #8)");
    }
    if (certificate.getExtension(BasicConstraintsExtension)?.ca !== true) {
      throw new Error("the certificate is not that of a CA");
    }
    const probe = new Uint8Array([1]);
    const signature = await crypto.subtle.sign(algorithm, privateKey, probe);
    const publicKey = await certificate.publicKey
      .export(algorithm, ["verify"], crypto)
      .catch(() => null);
    const isPair =
      publicKey !== null && (await crypto.subtle.verify(algorithm, publicKey, signature, probe));
    if (!isPair) throw new Error("the key does not belong to the certificate");
    return new CertificateAuthority(certificate, privateKey);
  }

  /** For a server that clients reach by these names; the first becomes its common name. */
  async server(names: readonly ServerName[], days: number, now: Date): Promise<Issued> {
    const subject = names.find(({ type }) => type === "dns") ?? names[0];
    return this.#issue(subject?.value ?? "localhost", days, now, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(({ type, value }) => ({ type, value }))),
    ]);
  }

  /** For a client whose common name a broker may take for its user name. */
  async client(name: string, days: number, now: Date): Promise<Issued> {
    return this.#issue(name, days, now, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ]);
  }

  async #issue(
    name: string,
    days: number,
    now: Date,
    extensions: readonly Extension[],
  ): Promise<Issued> {
    const keys = await generateKeys();
    // It is worth nothing after its CA.
    const until = new Date(
      Math.min(now.getTime() + days * dayMs, this.certificate.notAfter.getTime()),
    );
    const certificate = await X509CertificateGenerator.create(
      {
        ...{ subject: commonName(name), issuer: this.certificate.subject },
        ...{ notBefore: new Date(now.getTime() - headStartMs), notAfter: until },
        ...{ publicKey: keys.publicKey, signingKey: this.#key, signingAlgorithm: algorithm },
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          ...extensions,
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
          await AuthorityKeyIdentifierExtension.create(this.certificate),
        ],
      },
      crypto,
    );
    return { cert: pemOf(certificate), key: await keyPem(keys.privateKey), until };
  }
}

/** When a certificate ends; null: it is not PEM. */
export function validUntil(cert: string): Date | null {
  try {
    return new X509Certificate(cert).notAfter;
  } catch {
    return null;
  }
}

async function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function keyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", key);
  return `${PemConverter.encode(der, "PRIVATE KEY")}\n`;
}

function commonName(name: string) {
  return [{ CN: [name] }];
}
