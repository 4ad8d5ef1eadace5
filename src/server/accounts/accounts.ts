import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { usageError } from "../../config/cli-error.ts";
import { atKey, type NamedBy } from "../../config/named-files.ts";
import { type Problem, problemLines, shellWord } from "../../config/problem.ts";
import { type ListenerSettings, listenerPlace } from "../../config/settings.ts";
import { Reason } from "../../core/reason.ts";
import { duration } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { type Authenticate, anonymousOnly, anonymousRefused, wrongCredentials } from "../auth.ts";
import type { Loop } from "../driver/loop.ts";
import { Backoff } from "./backoff.ts";
import { type Check, CheckQueue } from "./check-queue.ts";
import { type Account, type PasswordFile, readPasswordFile } from "./password-file.ts";

type Credentials = Parameters<Authenticate>[0];
type Answer = Parameters<Authenticate>[1];

export interface AccountsOptions {
  readonly loop: Pick<Loop, "soon" | "after">;
  /** Milliseconds of the clock that `Credentials.until` counts in. */
  readonly now: () => number;
  /** Processors of this machine. */
  readonly processors: number;
  /** CONNECTs that may wait for the check of their password. */
  readonly authentications: number;
  /** Milliseconds; 0: refusals are not delayed. */
  readonly refusalDelayMs: number;
  /** A hash could not be computed: a text for the log. */
  readonly onFailure: (text: string) => void;
}

/** What a reload changed in one password file. */
export interface AccountChanges {
  readonly file: string;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Password files that were read, with their accounts and risks. */
export type PasswordFilesRead = Pick<AccountsRead, "accountsOf" | "warnings">;

/** Files that were read, and are not in force yet. */
export interface AccountsRead {
  /** Puts them in force. Returns what changed, of files with changes. */
  readonly apply: () => readonly AccountChanges[];
  readonly warnings: readonly string[];
  readonly accountsOf: AccountsOf;
}

/** The accounts of a password file, by user name; undefined: no listener has that file. */
export type AccountsOf = (path: string) => ReadonlyMap<string, Account> | undefined;

/** Refusals that wait at a time; beyond them, the oldest is answered at once. */
const delayedMax = 1000;
/** How long before the core's own timeout a check that still waits is refused, milliseconds. */
const marginMs = 200;

/**
 * Who is let in: user names and passwords of the listeners' password files. A password that proved
 * right is remembered as a keyed digest, so that its client never waits behind others again.
 */
export class Accounts {
  readonly #options: AccountsOptions;
  readonly #queue: CheckQueue;
  #backoff: Backoff;
  #files: ReadonlyMap<string, PasswordFile> = new Map();
  /** Of this process only: without it, a digest is worth nothing. */
  readonly #key = randomBytes(32);
  /** Digests of passwords that proved right. */
  readonly #proofs = new WeakMap<Account, Uint8Array>();
  /** Answers the refusals that wait, in order of their delay's start. */
  readonly #delayed = new Set<() => void>();

  constructor(options: AccountsOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.refusalDelayMs);
    this.#queue = new CheckQueue({
      // On two processors, one of them stays with the event loop.
      atOnce: options.processors > 2 ? 2 : 1,
      waitingMax: options.authentications,
      soon: options.loop.soon,
    });
  }

  /** Limits that apply from now on. */
  reconfigure({
    authentications,
    refusalDelayMs,
  }: Pick<AccountsOptions, "authentications" | "refusalDelayMs">): void {
    this.#queue.waitingMax = authentications;
    if (refusalDelayMs !== this.#backoff.delayMaxMs) this.#backoff = new Backoff(refusalDelayMs);
  }

  /**
   * Puts the listeners' files in force before there is a client. Throws CliError (exit code 2) with
   * every problem of every file.
   */
  start(listeners: readonly ListenerSettings[], named: NamedBy): PasswordFilesRead {
    const read = readOrThrow(listeners, named);
    this.#files = read.files;
    return { accountsOf: accountsIn(read.files), warnings: read.warnings };
  }

  /** Reads the listeners' files for a reload. Changes nothing yet. */
  read(
    listeners: readonly ListenerSettings[],
    named: NamedBy,
  ): AccountsRead | { readonly problems: readonly Problem[] } {
    const read = readFiles(listeners, this.#files, named);
    if ("problems" in read) return read;
    const apply = (): readonly AccountChanges[] => this.#replace(read.files);
    return { apply, warnings: read.warnings, accountsOf: accountsIn(read.files) };
  }

  #replace(files: ReadonlyMap<string, PasswordFile>): AccountChanges[] {
    const before = this.#files;
    this.#files = files;
    return [...new Set([...before.keys(), ...files.keys()])].flatMap((file) => {
      const changes = changesOf(file, before.get(file)?.accounts, files.get(file)?.accounts);
      const isSame = [changes.added, changes.changed, changes.removed].every(
        ({ length }) => length === 0,
      );
      return isSame ? [] : [changes];
    });
  }

  readonly authenticate: Authenticate = (credentials, answer) => {
    const { listener, username, password } = credentials;
    const path = listener.passwordFile ?? null;
    const file = path === null ? undefined : this.#files.get(path);
    if (file === undefined) return anonymousOnly(credentials, answer);
    if (username === null) return answer(listener.allowAnonymous ? null : anonymousRefused);
    if (password === null) return answer(wrongCredentials("a user name without a password"));
    const digest = this.#digestOf(password);
    const account = file.accounts.get(username);
    if (account !== undefined && this.#isProved(account, digest)) {
      return this.#accept(credentials, username, answer);
    }
    this.#enqueue({ credentials, username, password, digest, path: file.path, answer });
  };

  #digestOf(password: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(password).digest();
  }

  #isProved(account: Account, digest: Uint8Array): boolean {
    const proof = this.#proofs.get(account);
    return proof !== undefined && timingSafeEqual(proof, digest);
  }

  #enqueue(asked: Asked): void {
    const { credentials, username, answer } = asked;
    const { loop, now } = this.#options;
    const busy = (detail: string): void => {
      cancel();
      answer({ reason: Reason.serverBusy, statement: "v5-3.1.4-2", detail });
    };
    const check: Check = {
      address: addressOf(credentials.remote),
      username,
      run: () => {
        cancel();
        return this.#check(asked);
      },
      refuse: () => {
        busy(
          `${this.#queue.waitingMax} CONNECTs wait for their passwords (limits.authentications)`,
        );
      },
    };
    const cancel = loop.after(Math.max(0, credentials.until - marginMs - now()), () => {
      if (!this.#queue.remove(check)) return;
      busy("its password could not be checked in time (limits.authenticationTimeout)");
    });
    credentials.whenGone(() => {
      if (this.#queue.remove(check)) cancel();
    });
    this.#queue.add(check);
  }

  /** Decides now if it can, and returns null. */
  #check(asked: Asked): Promise<void> | null {
    const { credentials, username, password, path, digest, answer } = asked;
    // A reload may have replaced the file meanwhile.
    const file = this.#files.get(path);
    if (file === undefined) {
      anonymousOnly(credentials, answer);
      return null;
    }
    const account = file.accounts.get(username);
    if (account !== undefined && this.#isProved(account, digest)) {
      this.#accept(credentials, username, answer);
      return null;
    }
    return isRight(password, file, account).then(
      (right) => {
        if (account === undefined) return this.#refuse(asked, "unknown user name");
        if (!right) return this.#refuse(asked, "wrong password");
        this.#proofs.set(account, digest);
        this.#accept(credentials, username, answer);
      },
      (error: unknown) => {
        // Memory may be short for an argon2id hash.
        this.#options.onFailure(`a password could not be checked: ${messageOf(error)}`);
        const detail = "its password could not be checked";
        answer({ reason: Reason.serverUnavailable, statement: "v5-3.1.4-2", detail });
      },
    );
  }

  #accept({ isLocal, remote }: Credentials, username: string, answer: Answer): void {
    if (!isLocal) this.#backoff.succeeded(addressOf(remote), username);
    answer(null);
  }

  #refuse({ credentials, username, answer }: Asked, why: string): void {
    const { isLocal, remote, until, whenGone } = credentials;
    if (isLocal) return answer(wrongCredentials(why));
    const { loop, now } = this.#options;
    const { count, delayMs } = this.#backoff.failed(addressOf(remote), username, now());
    const delay = Math.min(delayMs, Math.max(0, until - marginMs - now()));
    if (delay === 0) return answer(wrongCredentials(why));
    const refuse = (): void => {
      cancel();
      this.#delayed.delete(refuse);
      const facts = `failure ${count} from this address, answered after ${duration(delay)}`;
      answer(wrongCredentials(`${why}, ${facts}`));
    };
    const cancel = loop.after(delay, refuse);
    this.#delayed.add(refuse);
    whenGone(() => {
      cancel();
      this.#delayed.delete(refuse);
    });
    if (this.#delayed.size <= delayedMax) return;
    for (const oldest of this.#delayed) return oldest();
  }

  /** CONNECTs that wait: for their check, and for their delayed refusal. */
  get waiting(): { readonly checks: number; readonly refusals: number } {
    return { checks: this.#queue.waiting, refusals: this.#delayed.size };
  }
}

/** Throws CliError (exit code 2) with every problem of every password file. */
export function checkPasswordFiles(
  listeners: readonly ListenerSettings[],
  named: NamedBy,
): PasswordFilesRead {
  const { files, warnings } = readOrThrow(listeners, named);
  return { accountsOf: accountsIn(files), warnings };
}

function accountsIn(files: ReadonlyMap<string, PasswordFile>): AccountsOf {
  return (path) => files.get(path)?.accounts;
}

interface FilesRead {
  readonly files: ReadonlyMap<string, PasswordFile>;
  readonly warnings: readonly string[];
}

function readOrThrow(listeners: readonly ListenerSettings[], named: NamedBy): FilesRead {
  const read = readFiles(listeners, new Map(), named);
  if ("problems" in read) throw usageError(problemLines(read.problems).join("\n"));
  return read;
}

function readFiles(
  listeners: readonly ListenerSettings[],
  before: ReadonlyMap<string, PasswordFile>,
  named: NamedBy,
): FilesRead | { readonly problems: readonly Problem[] } {
  const files = new Map<string, PasswordFile>();
  const problems: Problem[] = [];
  for (const path of new Set(listeners.map(({ passwordFile }) => passwordFile))) {
    if (path === null) continue;
    const read = readPasswordFile(path, before.get(path) ?? null);
    if ("problems" in read) {
      problems.push(...atKey(read.problems, path, named("passwordFile", path)));
    } else files.set(path, read);
  }
  if (problems.length > 0) return { problems };
  const warnings = [...files.values()].flatMap((file) => file.warnings);
  return { files, warnings: [...warnings, ...shutListeners(listeners, files)] };
}

/** Listeners that let nobody in, since their file has no account. */
function shutListeners(
  listeners: readonly ListenerSettings[],
  files: ReadonlyMap<string, PasswordFile>,
): string[] {
  return listeners.flatMap((listener, place) => {
    const { allowAnonymous, passwordFile, tls } = listener;
    // A certificate that is its client's user name needs no account.
    if (allowAnonymous || passwordFile === null || tls?.identityAsUsername === true) return [];
    if ((files.get(passwordFile)?.accounts.size ?? 0) > 0) return [];
    const command = `mqttd passwd ${shellWord(passwordFile)} USER`;
    return [
      `${listenerPlace(place, listener)} refuses every client: ${name(passwordFile)} has no account; ` +
        `add one: ${command}`,
    ];
  });
}

/** A CONNECT whose password has to be checked. */
interface Asked {
  readonly credentials: Credentials;
  readonly username: string;
  readonly password: Uint8Array;
  readonly digest: Uint8Array;
  readonly path: string;
  readonly answer: Answer;
}

/**
 * A refusal takes the time of the costliest account of the file, so that its time does not tell
 * which user names exist.
 */
async function isRight(
  password: Uint8Array,
  { costliest }: PasswordFile,
  account: Account | undefined,
): Promise<boolean> {
  if (account !== undefined && (await account.hash.matches(password))) return true;
  if (costliest !== null && account?.hash !== costliest) await costliest.matches(password);
  return false;
}

function changesOf(
  file: string,
  before: ReadonlyMap<string, Account> = new Map(),
  after: ReadonlyMap<string, Account> = new Map(),
): AccountChanges {
  const added = [...after.keys()].filter((username) => !before.has(username));
  const removed = [...before.keys()].filter((username) => !after.has(username));
  const changed = [...after].flatMap(([username, account]) => {
    const known = before.get(username);
    return known === undefined || known === account ? [] : [username];
  });
  return { file, added, changed, removed };
}

/** Without the port. */
function addressOf(remote: string): string {
  const colon = remote.lastIndexOf(":");
  return colon < 0 ? remote : remote.slice(0, colon);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
