import { createPrivateKey, X509Certificate } from "node:crypto";
import { contextOf, type Certificate, type TlsMaterial } from "../transport/tls-contexts.ts";
import { fileMax, type FileRead, type ReadFile } from "./file.ts";
import type { Loaded } from "./load.ts";
import { placeOf, type Problem, problemLines } from "./problem.ts";
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
    const files = readTlsFiles(tls, place, readFile);
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
  now = Date.now(),
): TlsFiles {
  const reading = new Reading(place, readFile, now);
  const { requestCert, identityAsUsername, minVersion } = tls;
  const ca = reading.pem("ca", tls.ca, "CERTIFICATE");
  const crl = reading.pem("crl", tls.crl, "X509 CRL");
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

  /** A certificate and its key; null: a problem. */
  certificate(
    prefix: string,
    files: NamedFiles,
    rules: Pick<TlsMaterial, "ca" | "crl" | "minVersion">,
  ): Certificate | null {
    const cert = this.pem(`${prefix}cert`, files.cert, "CERTIFICATE");
    const key = this.pem(`${prefix}key`, files.key, "PRIVATE KEY");
    const passphrase = this.#passphrase(`${prefix}passphraseFile`, files.passphraseFile);
    if (cert === null || key === null || this.problems.length > 0) return null;
    if (!this.#opens(`${prefix}key`, files, key, passphrase)) return null;
    const certificate = { cert, key, passphrase };
    try {
      contextOf(certificate, rules);
      this.#checkValidity(`${prefix}cert`, files.cert ?? "", cert);
      return certificate;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (/KEY_VALUES_MISMATCH|KEY_TYPE_MISMATCH|key values mismatch/i.test(text))
        this.#problem(`${prefix}key`, `${files.key} is not the key of ${files.cert}`);
      else this.#problem(`${prefix}cert`, `${files.cert} can't be used: ${text}`);
      return null;
    }
  }

  /** Whether the key can be read with its passphrase. */
  #opens(at: string, files: NamedFiles, key: string, passphrase: string | null): boolean {
    const isEncrypted = /ENCRYPTED/.test(key);
    if (isEncrypted && passphrase === null) {
      this.#problem(at, `${files.key} is encrypted: name its passphraseFile`);
      return false;
    }
    try {
      createPrivateKey({ key, ...(isEncrypted && { passphrase: passphrase ?? "" }) });
      return true;
    } catch (error) {
      const text = isEncrypted
        ? `${files.key} can't be read with the passphrase in ${files.passphraseFile}`
        : `${files.key} is no private key: ${error instanceof Error ? error.message : String(error)}`;
      this.#problem(at, text);
      return false;
    }
  }

  #checkValidity(at: string, name: string, cert: string): void {
    const { validFrom, validTo } = new X509Certificate(cert);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    const day = (time: number): string =>
      new Date(time).toISOString().slice(0, 16).replace("T", " ");
    const warn = (text: string): void => {
      this.warnings.push(`${this.#place(at)}: ${name} ${text}`);
    };
    if (this.#now > to) warn(`expired on ${day(to)} UTC: clients will refuse it`);
    else if (this.#now < from) warn(`is valid from ${day(from)} UTC: clients will refuse it`);
    else if (to - this.#now < soonMs) warn(`expires on ${day(to)} UTC`);
  }

  #passphrase(at: string, name: string | null): string | null {
    if (name === null) return null;
    return this.#text(at, name)?.split(/\r?\n/, 1)[0] ?? null;
  }

  /** The text of a PEM file; null: there is none, or a problem. */
  pem(at: string, name: string | null, label: string): string | null {
    if (name === null) return null;
    const text = this.#text(at, name);
    if (text === null || new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) return text;
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text);
    const what = found === null ? "no PEM file" : `a PEM file with a ${found[1]}`;
    this.#problem(at, `${name} is ${what}, allowed: one with a ${label}`);
    return null;
  }

  #text(at: string, name: string): string | null {
    const read = this.#readFile(name, 0);
    if (read.type === "read") return new TextDecoder().decode(read.bytes);
    this.#problem(at, `${name}: ${unreadable(read)}`);
    return null;
  }

  #problem(at: string, text: string): void {
    this.problems.push({ at: this.#place(at), text });
  }
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
