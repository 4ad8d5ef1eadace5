import * as crypto from "node:crypto";
import { promisify } from "node:util";

/**
 * Hashes of passwords as mosquitto stores them. The work runs on the runtime's own threads, never
 * on the event loop.
 */
export interface PasswordHash {
  readonly scheme: Scheme;
  /** The work of one check, to compare hashes with each other; about 1 us each on a laptop. */
  readonly cost: number;
  /** Whether this is the password, compared in constant time. Rejects if memory is short. */
  matches(password: Uint8Array): Promise<boolean>;
}

export type Scheme = "sha512" | "pbkdf2-sha512" | "argon2id";

/** The schemes in which `hashPassword` writes. */
export const schemes = ["pbkdf2-sha512", "argon2id"] as const;

/** As long as one of mosquitto 2.1's argon2id hashes takes. */
export const defaultIterations = 100_000;
/** More of them are a typing error: one check would take many seconds. */
export const iterationsMax = 10_000_000;

/** KiB of memory, passes and lanes of the hashes that mosquitto 2.1 writes. */
const argon2Defaults = { memory: 47_104, passes: 1, parallelism: 1 };
const argon2MemoryMaxKib = 1024 * 1024;
const argon2PassesMax = 100;
const argon2LanesMax = 16;
/** Work of one KiB and pass, in iterations of PBKDF2. */
const argon2CostPerKib = 2;

/** Bytes of every hash that mosquitto writes. */
const hashBytes = 64;
/** As mosquitto 2.0 writes them; it reads others too. */
const saltBytes = 12;
/** As mosquitto 2.1 writes them. */
const argon2SaltBytes = 64;

/** Absent on a runtime that cannot check such hashes. */
const argon2 = "argon2" in crypto ? promisify(crypto.argon2) : null;
const pbkdf2 = promisify(crypto.pbkdf2);

/**
 * Reads a hash: `$6$salt$hash`, `$7$iterations$salt$hash`, `$argon2id$v=19$m=47104,t=1,p=1$salt$hash`.
 * Returns what is wrong with it as a clause that quotes nothing of it: it may be a password.
 */
export function readHash(text: string): PasswordHash | string {
  const [empty, scheme, ...fields] = text.split("$");
  if (empty === "") {
    if (scheme === "6") return readSha512(fields);
    if (scheme === "7") return readPbkdf2(fields);
    if (scheme === "argon2id") return readArgon2(fields);
  }
  return "has a password that is not hashed ($6$, $7$ or $argon2id$)";
}

/** A line's hash of a password, with a new salt. `scheme` argon2id needs `canHashArgon2`. */
export async function hashPassword(
  password: Uint8Array,
  scheme: (typeof schemes)[number],
  iterations = defaultIterations,
): Promise<string> {
  if (scheme === "argon2id") {
    const salt = crypto.randomBytes(argon2SaltBytes);
    const hash = await argon2Of(password, { ...argon2Defaults, salt, length: hashBytes });
    const { memory, passes, parallelism } = argon2Defaults;
    const settings = `m=${memory},t=${passes},p=${parallelism}`;
    return `$argon2id$v=19$${settings}$${unpadded(salt)}$${unpadded(hash)}`;
  }
  const salt = crypto.randomBytes(saltBytes);
  const hash = await pbkdf2(password, salt, iterations, hashBytes, "sha512");
  return `$7$${iterations}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** Whether this runtime can hash and check argon2id. */
export const canHashArgon2 = argon2 !== null;

function readSha512(fields: readonly string[]): PasswordHash | string {
  const [salt, hash] = fields.map(bytesOf);
  if (fields.length !== 2 || !isSalt(salt) || !isHash(hash)) return malformed("$6$salt$hash");
  return {
    scheme: "sha512",
    cost: 1,
    matches: async (password) => {
      const found = crypto.createHash("sha512").update(password).update(salt).digest();
      return Promise.resolve(crypto.timingSafeEqual(found, hash));
    },
  };
}

function readPbkdf2([count = "", ...fields]: readonly string[]): PasswordHash | string {
  const iterations = numberOf(count);
  const [salt, hash] = fields.map(bytesOf);
  if (fields.length !== 2 || !isSalt(salt) || !isHash(hash) || iterations === null) {
    return malformed("$7$iterations$salt$hash");
  }
  if (iterations < 1 || iterations > iterationsMax) {
    return `has a hash of ${iterations} iterations, allowed: 1 to ${iterationsMax}`;
  }
  return {
    scheme: "pbkdf2-sha512",
    cost: iterations,
    matches: async (password) =>
      crypto.timingSafeEqual(await pbkdf2(password, salt, iterations, hashBytes, "sha512"), hash),
  };
}

function readArgon2(fields: readonly string[]): PasswordHash | string {
  const [version, settings = ""] = fields;
  const [salt, hash] = fields.slice(2).map(bytesOf);
  const found = /^m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})$/.exec(settings);
  const [memory = 0, passes = 0, parallelism = 0] = (found ?? []).slice(1).map(Number);
  const isWhole = version === "v=19" && fields.length === 4 && found !== null;
  // Below 8 bytes of salt and 4 of hash, Argon2 (RFC 9106) does not exist.
  if (!isWhole || salt === undefined || salt.length < 8 || hash === undefined || hash.length < 4) {
    return malformed("$argon2id$v=19$m=...,t=...,p=...$salt$hash");
  }
  if (parallelism < 1 || parallelism > argon2LanesMax || passes < 1 || passes > argon2PassesMax) {
    return `has a hash beyond the limits: t up to ${argon2PassesMax}, p up to ${argon2LanesMax}`;
  }
  if (memory < 8 * parallelism || memory > argon2MemoryMaxKib) {
    return `has a hash of ${memory} KiB, allowed: ${8 * parallelism} to ${argon2MemoryMaxKib}`;
  }
  if (argon2 === null) return "has an argon2id hash, which this runtime cannot check";
  const { length } = hash;
  return {
    scheme: "argon2id",
    cost: memory * passes * argon2CostPerKib,
    matches: async (password) =>
      crypto.timingSafeEqual(
        await argon2Of(password, { memory, passes, parallelism, salt, length }),
        hash,
      ),
  };
}

interface Argon2Settings {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly length: number;
}

async function argon2Of(
  message: Uint8Array,
  { salt: nonce, length: tagLength, ...settings }: Argon2Settings,
): Promise<Uint8Array> {
  if (argon2 === null) throw new Error("this runtime cannot hash argon2id");
  return argon2("argon2id", { message, nonce, tagLength, ...settings });
}

function malformed(form: string): string {
  return `has a damaged hash (its form is ${form})`;
}

function isSalt(bytes: Uint8Array | null | undefined): bytes is Uint8Array {
  return bytes !== null && bytes !== undefined && bytes.length > 0;
}

function isHash(bytes: Uint8Array | null | undefined): bytes is Uint8Array {
  return bytes?.length === hashBytes;
}

/** Base64, padded or not; empty for anything else. */
function bytesOf(text: string): Uint8Array {
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, "base64") : new Uint8Array();
}

function numberOf(digits: string): number | null {
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

/** As PHC strings have it. */
function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
