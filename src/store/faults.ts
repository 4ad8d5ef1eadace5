import type { StoreFailure } from "../core/durable.ts";
import { errorCode, systemErrorText } from "../log/system-error.ts";

/** What can be wrong with a store, by what a person has to do about it. */
export type StoreFault =
  /** The disk, the quota or the largest file. */
  | "full"
  | "readOnly"
  /** No right to open or create it. */
  | "denied"
  /** The disk can't read or write. */
  | "broken"
  /** Another broker, or another program, has it open. */
  | "locked"
  /** A newer mqttd has written it. */
  | "newer"
  /** Its bytes are not those that were written. */
  | "damaged"
  /** A part of it is missing that was on the disk. */
  | "cut"
  /** All of it is missing that was in the file. */
  | "gone"
  /** The files that the broker has open are no longer in its folder. */
  | "moved"
  /** It is something else. */
  | "foreign"
  | "other";

/** What is wrong with a store, as a clause: `the disk is full`. */
export class StoreError extends Error {
  override name = "StoreError";
  readonly fault: StoreFault;

  constructor(fault: StoreFault, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.fault = fault;
  }

  /** As the core hears of it. `isNoted`: the folder tells that its store is behind. */
  failure(isNoted: boolean): StoreFailure {
    return { isFull: this.fault === "full", detail: this.message, isNoted };
  }
}

/** What to do about it; null: nothing that can be said in general. */
export function remedy(fault: StoreFault): string | null {
  return remedies[fault];
}

const remedies: Readonly<Record<StoreFault, string | null>> = {
  full: "free some space, or name another folder",
  readOnly: "name a folder that can be written",
  denied: "it has to belong to the user that runs mqttd",
  broken: null,
  locked: "each broker needs a folder of its own",
  newer: "run that one or a newer one, or name another folder",
  damaged: "put back a copy, or move the folder away to start without it",
  cut: "put back a copy of the folder, or delete mqttd.alive to go on with what is left",
  gone: "put back a copy of the folder, or delete mqttd.alive and mqttd.db-wal to begin anew",
  moved: "a broker that is started again has what is in the folder then, and nothing else",
  foreign: "name another folder",
  other: null,
};

/** SQLite's primary result codes: fault, and the clause. */
const sqliteFaults: Readonly<Record<number, readonly [StoreFault, string]>> = {
  3: ["denied", "mqttd.db may not be opened"],
  5: ["locked", "another program has mqttd.db open"],
  6: ["locked", "another program has mqttd.db open"],
  8: ["readOnly", "mqttd.db is read-only"],
  10: ["broken", "the disk reports an error"],
  11: ["damaged", "mqttd.db is damaged"],
  13: ["full", "the disk is full"],
  14: ["denied", "mqttd.db can't be opened"],
  15: ["locked", "another program has mqttd.db open"],
  23: ["denied", "mqttd.db may not be opened"],
  24: ["damaged", "mqttd.db is damaged"],
  26: ["foreign", "mqttd.db is no SQLite file, or its header is damaged"],
};

/** SQLite's texts, for runtimes whose errors have no number. */
const sqliteTexts: readonly (readonly [string, number])[] = [
  ["database is locked", 5],
  ["readonly database", 8],
  ["disk I/O error", 10],
  ["malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database", 14],
  ["file is not a database", 26],
];

const systemFaults: Readonly<Record<string, StoreFault>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EROFS: "readOnly",
  EACCES: "denied",
  EPERM: "denied",
  EIO: "broken",
};

/** What an error of SQLite or of the system says about a store. Throws any other: a fault of ours. */
export function storeErrorOf(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = errorCode(cause) ?? "";
  const number = sqliteNumber(cause);
  if (number !== null) {
    const known = sqliteFaults[number];
    if (known === undefined) throw cause;
    const [fault, clause] = known;
    return new StoreError(fault, clause, { cause });
  }
  if (!/^E[A-Z0-9]+$/.test(code)) throw cause;
  return new StoreError(systemFaults[code] ?? "other", systemErrorText(cause), { cause });
}

/** The primary result code of an error of SQLite; null: another error. */
function sqliteNumber(cause: unknown): number | null {
  if (!(cause instanceof Error) || errorCode(cause) !== "ERR_SQLITE_ERROR") return null;
  if ("errcode" in cause && typeof cause.errcode === "number") return cause.errcode & 0xff;
  return sqliteTexts.find(([text]) => cause.message.includes(text))?.[1] ?? null;
}
