import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { contextOf, type Certificate, type TlsMaterial } from "../transport/tls-contexts.ts";
import { fileMax, type FileRead, othersMay, type ReadFile } from "./file.ts";
import type { Loaded } from "./load.ts";
import {
  certificatesOf,
  pemBlocks,
  PemError,
  type RevocationList,
  revocationListsOf,
  subjectName,
} from "./pem.ts";
import { placeOf, type Problem, problemLines, quoted } from "./problem.ts";
import type { TlsSettings } from "./settings.ts";

/** The files of TLS that a configuration names, as read. */
export interface CertificateFiles {
  /** By the listener's index. */
  readonly materials: ReadonlyMap<number, TlsMaterial>;
  /** Of the administration interface; null: it speaks HTTP, or there are problems. */
  readonly admin: TlsMaterial | null;
  /** One line each; with any, the files can't be used. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the files of all listeners with TLS. `hasCrl`: the runtime checks lists of revocations. */
export function readCertificateFiles(
  { settings, origins }: Pick<Loaded, "settings" | "origins">,
  readFile: ReadFile,
  hasCrl: boolean,
  now = Date.now(),
): CertificateFiles {
  const materials = new Map<number, TlsMaterial>();
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const read = (tls: TlsSettings | null, base: string): TlsMaterial | null => {
    if (tls === null) return null;
    const place = (key: string): string => placeOf(`${base}.tls.${key}`, origins);
    if (tls.crl !== null && !hasCrl) {
      const text = "this runtime accepts revoked certificates; run mqttd on Bun, or remove it";
      problems.push({ at: place("crl"), text });
    }
    const files = readTlsFiles(tls, place, readFile, now);
    problems.push(...files.problems);
    warnings.push(...files.warnings);
    return files.material;
  };
  for (const [index, { tls }] of settings.listeners.entries()) {
    const material = read(tls, `listeners.${index}`);
    if (material !== null) materials.set(index, material);
  }
  const admin = read(settings.admin.port === null ? null : settings.admin.tls, "admin");
  return { materials, admin, problems: problemLines(problems), warnings };
}

/** The files of one listener's TLS; `material` is null if there are problems. */
interface TlsFiles {
  readonly material: TlsMaterial | null;
  readonly problems: readonly Problem[];
  /** Valid, but probably not what was meant: an expired certificate. One line each. */
  readonly warnings: readonly string[];
}

interface NamedFiles {
  readonly cert: string | null;
  readonly key: string | null;
  readonly passphraseFile: string | null;
}

/** RSA keys below are refused by today's clients; below the least, by TLS libraries altogether. */
const rsaBits = 2048;
const rsaBitsLeast = 768;

/** A certificate that ends so soon gets a warning. */
const soonMs = 7 * 24 * 3600 * 1000;

/**
 * Reads and checks the files that a listener's TLS names. `place`: how an error names a key of it, by
 * the key: `mqttd.json:7:15 listeners.0.tls.cert`.
 */
function readTlsFiles(
  tls: TlsSettings,
  place: (key: string) => string,
  readFile: ReadFile,
  now: number,
): TlsFiles {
  const reading = new Reading(place, readFile, now);
  const { requestCert, identityAsUsername, minVersion } = tls;
  const { ca, crl } = reading.trust(tls);
  const rules = { ca, crl, requestCert, identityAsUsername, minVersion };
  const first = reading.certificate("", tls, rules);
  const others = tls.certificates.map((files, index) =>
    reading.certificate(`certificates.${index}.`, files, rules),
  );
  const { problems, warnings } = reading;
  if (first === null || problems.length > 0) return { material: null, problems, warnings };
  const further = others.filter((one) => one !== null);
  return { material: { certificates: [first, ...further], ...rules }, problems, warnings };
}

class Reading {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #place: (key: string) => string;
  readonly #readFile: ReadFile;
  readonly #now: number;

  constructor(place: (key: string) => string, readFile: ReadFile, now: number) {
    this.#place = place;
    this.#readFile = readFile;
    this.#now = now;
  }

  /** The PEM texts of `ca` and `crl`; null: none is named, or a problem. */
  trust({ ca, crl, requestCert }: TlsSettings): Pick<TlsMaterial, "ca" | "crl"> {
    const authorities = this.#pem("ca", ca, "CERTIFICATE", certificatesOf);
    const lists = this.#pem("crl", crl, "X509 CRL", revocationListsOf);
    if (requestCert && ca === null) {
      const text = "accepts only certificates of CAs that this system trusts; name yours in tls.ca";
      this.#warn("requestCert", text);
    }
    if (authorities !== null) {
      this.#checkUse("ca", ca, { ca: authorities.text });
      for (const one of authorities.values) this.#checkAuthority(ca ?? "", one);
    }
    if (lists !== null) {
      this.#checkUse("crl", crl, { crl: lists.text });
      this.#checkLists(crl ?? "", lists.values, authorities?.values ?? null);
    }
    return { ca: authorities?.text ?? null, crl: lists?.text ?? null };
  }

  /** What our reader takes and the TLS library does not is this file's problem, not another's. */
  #checkUse(at: string, name: string | null, options: { ca?: string; crl?: string }): void {
    try {
      createSecureContext(options);
    } catch (error) {
      this.#problem(at, `${name} can't be used: ${messageOf(error)}`);
    }
  }

  #checkAuthority(name: string, certificate: X509Certificate): void {
    const [from, to] = validity(certificate);
    const whose = `${name}: the CA ${shortName(certificate)}`;
    if (this.#now > to)
      this.#warn("ca", `${whose} expired on ${day(to)} UTC: its clients are refused`);
    else if (this.#now < from)
      this.#warn("ca", `${whose} is valid from ${day(from)} UTC: its clients are refused`);
  }

  /** With any list, the TLS library refuses certificates of every CA that has no valid one. */
  #checkLists(
    name: string,
    lists: readonly RevocationList[],
    authorities: readonly X509Certificate[] | null,
  ): void {
    const every = new Set(authorities?.map(subjectName));
    const fitting = lists.filter(({ issuer }) => authorities === null || every.has(issuer));
    const last = fitting.reduce((best, { to }) => Math.max(best, to), -Infinity);
    if (fitting.length === 0)
      this.#warn("crl", `${name} is not by a CA in tls.ca: it refuses every client`);
    else if (this.#now > last)
      this.#warn("crl", `${name} expired on ${day(last)} UTC: it refuses every client`);
    else if (fitting.every(({ from }) => this.#now < from))
      this.#warn("crl", `${name} is not valid yet: it refuses every client`);
  }

  /** A certificate and its key; null: a problem. */
  certificate(
    prefix: string,
    files: NamedFiles,
    rules: Pick<TlsMaterial, "ca" | "crl" | "minVersion">,
  ): Certificate | null {
    const cert = this.#pem(`${prefix}cert`, files.cert, "CERTIFICATE", certificatesOf);
    const key = this.#pem(`${prefix}key`, files.key, "PRIVATE KEY", nothingMore, "secret");
    const passphrase = this.#passphrase(`${prefix}passphraseFile`, files.passphraseFile);
    if (cert === null || key === null || this.problems.length > 0) return null;
    const secret = this.#opened(`${prefix}key`, files, key.text, passphrase);
    if (secret === null || !this.#fits(prefix, files, cert.values, secret)) return null;
    if (!this.#isStrong(`${prefix}key`, files.key ?? "", secret)) return null;
    const certificate = { cert: cert.text, key: key.text, passphrase };
    try {
      contextOf(certificate, rules);
    } catch (error) {
      this.#problem(`${prefix}cert`, `${files.cert} can't be used: ${messageOf(error)}`);
      return null;
    }
    const [own] = cert.values;
    if (own !== undefined) this.#checkValidity(`${prefix}cert`, files.cert ?? "", own);
    return certificate;
  }

  /** Whether any client can shake hands with this key. */
  #isStrong(
    at: string,
    name: string,
    { asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
  ): boolean {
    const { modulusLength: bits = Infinity } = asymmetricKeyDetails ?? {};
    if (asymmetricKeyType !== "rsa" || bits >= rsaBits) return true;
    const text = `${name} is an RSA key of ${bits} bits`;
    if (bits < rsaBitsLeast) {
      this.#problem(at, `${text}, with which no handshake succeeds; use one of ${rsaBits}`);
      return false;
    }
    this.#warn(at, `${text}: most clients refuse it; use one of ${rsaBits}`);
    return true;
  }

  /** Whether the first certificate is that of the key. */
  #fits(
    prefix: string,
    files: NamedFiles,
    certificates: readonly X509Certificate[],
    secret: KeyObject,
  ): boolean {
    const place = certificates.findIndex((one) => one.checkPrivateKey(secret));
    if (place === 0) return true;
    if (place < 0) this.#problem(`${prefix}key`, `${files.key} is not the key of ${files.cert}`);
    else {
      const text = `${files.cert} begins with another certificate: put that of ${files.key} first, its CAs behind it`;
      this.#problem(`${prefix}cert`, text);
    }
    return false;
  }

  /** The key, read with its passphrase; null: a problem. */
  #opened(at: string, files: NamedFiles, key: string, passphrase: string | null): KeyObject | null {
    const isEncrypted = /ENCRYPTED/.test(key);
    if (isEncrypted && passphrase === null) {
      this.#problem(at, `${files.key} is encrypted: name its passphraseFile`);
      return null;
    }
    try {
      return createPrivateKey({ key, ...(isEncrypted && { passphrase: passphrase ?? "" }) });
    } catch (error) {
      const text = isEncrypted
        ? `${files.key} can't be read with the passphrase in ${files.passphraseFile}`
        : `${files.key} is damaged, or no private key: ${messageOf(error)}`;
      this.#problem(at, text);
      return null;
    }
  }

  #checkValidity(at: string, name: string, certificate: X509Certificate): void {
    const [from, to] = validity(certificate);
    if (this.#now > to) this.#warn(at, `${name} expired on ${day(to)} UTC: clients will refuse it`);
    else if (this.#now < from)
      this.#warn(at, `${name} is valid from ${day(from)} UTC: clients will refuse it`);
    else if (to - this.#now < soonMs) this.#warn(at, `${name} expires on ${day(to)} UTC`);
  }

  #passphrase(at: string, name: string | null): string | null {
    if (name === null) return null;
    return this.#text(at, name, "secret")?.split(/\r?\n/, 1)[0] ?? null;
  }

  /** A PEM file's text and what `parse` finds in it; null: no file is named, or a problem. */
  #pem<T>(
    at: string,
    name: string | null,
    label: string,
    parse: (blocks: ReturnType<typeof pemBlocks>) => readonly T[],
    kind: FileKind = "public",
  ): { readonly text: string; readonly values: readonly T[] } | null {
    if (name === null) return null;
    const text = this.#text(at, name, kind);
    if (text === null) return null;
    try {
      const blocks = pemBlocks(text);
      if (blocks.some((block) => block.label.endsWith(label)))
        return { text, values: parse(blocks) };
      const [first] = blocks;
      const what = first === undefined ? "no PEM file" : `a PEM file with a ${first.label}`;
      this.#problem(at, `${name} is ${what}, allowed: one with a ${label}`);
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      this.#problem(at, `${name}: ${error.message}`);
    }
    return null;
  }

  #text(at: string, name: string, kind: FileKind): string | null {
    const read = this.#readFile(name, 0);
    if (read.type !== "read") {
      this.#problem(at, `${name}: ${unreadable(read)}`);
      return null;
    }
    const may = kind === "secret" ? othersMay(read.mode ?? 0) : null;
    if (may !== null)
      this.#warn(at, `${name} is ${may} by every user of this machine: chmod o= ${name}`);
    return new TextDecoder().decode(read.bytes);
  }

  #warn(at: string, text: string): void {
    this.warnings.push(`${this.#place(at)}: ${text}`);
  }

  #problem(at: string, text: string): void {
    this.problems.push({ at: this.#place(at), text });
  }
}

type FileKind = "public" | "secret";

function nothingMore(): readonly never[] {
  return [];
}

/** When it begins and ends, in milliseconds of Unix time. */
function validity({ validFrom, validTo }: X509Certificate): [from: number, to: number] {
  return [Date.parse(validFrom), Date.parse(validTo)];
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** Its common name, else its whole subject. */
function shortName({ subject }: X509Certificate): string {
  return quoted(/^CN=(.*)$/m.exec(subject)?.[1] ?? subject);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unreadable(read: Exclude<FileRead, { readonly type: "read" }>): string {
  switch (read.type) {
    case "missing":
      return "no such file";
    case "folder":
      return "is a folder, allowed: a file";
    case "too large":
      return `is larger than ${fileMax / 1024 / 1024} MiB`;
    case "unreadable":
      return `can't be read: ${read.why}`;
  }
}
