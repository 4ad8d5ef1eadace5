import { readFileSync, realpathSync, statSync } from "node:fs";
import { type CliError, usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted, shellWord } from "../config/problem.ts";
import { WholeFile } from "../config/whole-file.ts";
import { name } from "../log/foreign.ts";
import { errorCode, systemErrorText } from "../log/system-error.ts";
import { type EditedText, withAccount, withoutAccount } from "../server/accounts/password-edit.ts";
import {
  passwordFileMax,
  readPasswordFile,
  wrongUsername,
} from "../server/accounts/password-file.ts";
import {
  canHashArgon2,
  defaultIterations,
  hashPassword,
  iterationsMax,
  schemes,
} from "../server/accounts/password-hash.ts";
import type { Arguments } from "./arguments.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { commandPage, exitCodes } from "./help.ts";
import { lineOf } from "./input.ts";
import { files, nothing, wordsOf } from "./offer.ts";

/** Bytes: MQTT carries no longer password. */
const passwordMax = 65_535;
/** Fewer iterations than a program of 2010 used: a warning. */
const iterationsFew = 1000;

/** `mqttd passwd`: the accounts of a password file. */
export function passwdCommand(): CliCommand {
  const command = declarePasswd();
  return {
    command,
    // A password in the arguments must not be quoted in an error, so `run` counts them.
    rules: { positionals: Infinity },
    help: commandPage(command, {
      about:
        "Adds an account to a password file, or changes its password. Asks for it twice on a " +
        "terminal, and reads it from standard input otherwise. The file is that of auth.passwordFile, " +
        "in mosquitto's format, and is created for this user only if it is missing.",
      sections: [
        {
          title: "Schemes",
          rows: [
            ["pbkdf2-sha512", "$7$, which mosquitto 2.0 reads too (default)"],
            ["argon2id", "$argon2id$, harder to guess; mosquitto reads it from 2.1 on"],
          ],
        },
        {
          title: "Passwords in arguments",
          text: [
            "There is none: while a command runs, every user of the machine can read its arguments " +
              "(ps), and the shell keeps them in its history. mosquitto_passwd -b takes one.",
          ],
        },
        {
          title: "Afterwards",
          text: ["A running broker reads the file again on SIGHUP and mqttd inspect reload."],
        },
        exitCodes(["0", "2", "70", "130, 143"], {
          "2": "usage, or nothing was changed",
          "130, 143": "ended by SIGINT (also Ctrl-C at the question), SIGTERM; nothing was changed",
        }),
      ],
    }),
    completion: {
      word: (before) => (before.length === 0 ? files : nothing),
      values: { scheme: () => wordsOf(schemes) },
    },
    run: runPasswd,
  };
}

function declarePasswd(): Command {
  return declare("passwd", "accounts: add, change, delete, list")
    .usage("passwd FILE USER [FLAGS]")
    .option("-D, --delete", "remove the account")
    .option("--list", "list the accounts (passwd FILE --list)")
    .option("-c, --create", "refuse a file that exists")
    .option("-H, --scheme <NAME>", "pbkdf2-sha512 or argon2id (default pbkdf2-sha512)")
    .option(
      "-I, --iterations <N>",
      `of pbkdf2-sha512: the work of each check (default ${defaultIterations})`,
    )
    .option("-b, --batch", "refused: see Passwords in arguments")
    .option("-h, --help", "show this help")
    .example("mqttd passwd mqttd.passwd dev-42")
    .example("mqttd passwd mqttd.passwd dev-42 < password.txt")
    .example("mqttd passwd mqttd.passwd --list")
    .example("mqttd serve --set auth.passwordFile=mqttd.passwd");
}

async function runPasswd(given: Arguments, surroundings: Surroundings): Promise<number> {
  const [file, username, ...surplus] = given.positionals;
  if (surplus.length > 0 || given.has("batch")) throw passwordInArguments(file, username);
  if (file === undefined || file === "") throw usageError("passwd: the file is missing", usage);
  if (given.has("list")) {
    if (username !== undefined) throw usageError("passwd: --list takes no user name", usage);
    const changing = (["delete", "create", "scheme", "iterations"] as const).find((flag) =>
      given.has(flag),
    );
    if (changing !== undefined) {
      throw usageError(`passwd: --list changes nothing, and takes no --${changing}`, usage);
    }
    return list(file, surroundings);
  }
  if (username === undefined) throw usageError("passwd: the user name is missing", usage);
  const wrong = username.startsWith("#")
    ? "a user name that starts with #, as a comment does"
    : wrongUsername(username);
  if (wrong !== null) throw usageError(`passwd: found ${wrong}`);
  if (given.has("delete")) return remove(file, username, surroundings);
  return set(file, username, given, surroundings);
}

const usage = "mqttd passwd FILE USER";

function passwordInArguments(file = "FILE", user = "USER"): CliError {
  return usageError(
    "passwd: a password in the arguments can be read by every user of this machine",
    `leave it out to be asked, or: mqttd passwd ${shellWord(file)} ${shellWord(user)} < FILE_WITH_THE_PASSWORD`,
  );
}

function list(file: string, { print }: Surroundings): number {
  const read = readPasswordFile(file, null);
  if ("problems" in read) {
    throw usageError(read.problems.map(({ at, text }) => `${at}: ${text}`).join("\n"));
  }
  for (const [username, { hash }] of read.accounts) {
    const few = hash.scheme === "sha512" || hash.cost < iterationsFew;
    print(`${name(username)} (${hash.scheme}${few ? ", quick to guess: set it anew" : ""})\n`);
  }
  return 0;
}

async function remove(file: string, username: string, { print }: Surroundings): Promise<number> {
  if (contentOf(file) === null) throw usageError(`passwd: there is no file ${shellWord(file)}`);
  await edit(file, (before) => {
    const after = withoutAccount(before ?? "", username);
    if (after.wasThere) return after;
    const others = (before ?? "").split("\n").map((line) => line.split(":")[0] ?? "");
    const meant = nearest(username, others);
    const hint =
      meant === null ? `mqttd passwd ${shellWord(file)} --list` : `did you mean ${meant}?`;
    throw usageError(`passwd: ${name(username)} has no account in ${shellWord(file)}`, hint);
  });
  print(`removed ${name(username)} from ${shellWord(file)}\n`);
  return 0;
}

async function set(
  file: string,
  username: string,
  given: Arguments,
  surroundings: Surroundings,
): Promise<number> {
  const hashing = hashingOf(given);
  const checkNew = (content: string | null): void => {
    if (content === null || !given.has("create")) return;
    throw usageError(
      `passwd: ${shellWord(file)} exists`,
      "without --create, its accounts are kept",
    );
  };
  checkNew(contentOf(file));
  // Before the question: nobody types a password for a file that can't be written.
  (await draftOf(file)).abandon();
  const password = await passwordFor(username, surroundings);
  if (typeof password === "number") return password;
  const hash = await hashPassword(password, hashing.scheme, hashing.iterations);
  let isNew = false;
  // Read again: the question took its time.
  const after = await edit(file, (before) => {
    checkNew(before);
    isNew = before === null;
    return withAccount(before ?? "", username, hash);
  });
  const where = `${name(username)} in ${shellWord(file)}`;
  surroundings.print(`${after.wasThere ? "changed" : "added"} ${where} (${hashing.scheme})\n`);
  if (isNew) {
    surroundings.print(`next: mqttd serve --set auth.passwordFile=${shellWord(file)}\n`);
  }
  return 0;
}

function hashingOf(given: Arguments) {
  const named = given.text("scheme") ?? "pbkdf2-sha512";
  const scheme = schemes.find((known) => known === named);
  if (scheme === undefined) {
    const meant = nearest(named.replace(/^sha512-(pbkdf2)$/, "$1-sha512"), schemes);
    const hint = meant === null ? null : `did you mean ${meant}?`;
    throw usageError(`--scheme: found ${quoted(named)}, allowed: ${schemes.join(", ")}`, hint);
  }
  const text = given.text("iterations");
  const iterations = text === null ? defaultIterations : Number(text);
  const isCount = /^\d{1,9}$/.test(text ?? "0") && iterations >= 1 && iterations <= iterationsMax;
  if (!isCount) {
    throw usageError(`--iterations: found ${quoted(text ?? "")}, allowed: 1 to ${iterationsMax}`);
  }
  if (scheme === "argon2id" && text !== null) {
    throw usageError("--iterations: argon2id has none", "leave it out");
  }
  if (scheme === "argon2id" && !canHashArgon2) {
    throw usageError("--scheme: this runtime cannot hash argon2id", "use pbkdf2-sha512");
  }
  return { scheme, iterations };
}

/** The password's bytes; an exit code if the question was interrupted. */
async function passwordFor(
  username: string,
  { askSecret, readInput }: Surroundings,
): Promise<Uint8Array | number> {
  if (askSecret === null) return fitting(passwordOfInput(await readInput()));
  const answers: string[] = [];
  for (const question of [`Password of ${name(username)}: `, "Again: "]) {
    const typed = await askSecret(question);
    if (typed.type === "interrupted") return typed.exitCode;
    if (typed.type === "ended") throw usageError("passwd: no password was typed", unchanged);
    answers.push(typed.text);
  }
  const [first = "", second] = answers;
  if (first !== second) throw usageError("passwd: the two passwords differ", unchanged);
  return fitting(new TextEncoder().encode(first));
}

const unchanged = "nothing was changed";

/** Standard input without the end of its line. */
function passwordOfInput(input: Awaited<ReturnType<Surroundings["readInput"]>>): Uint8Array {
  if (input.type !== "read") throw usageError("passwd: can't read standard input", unchanged);
  const line = lineOf(input.bytes);
  if (line !== null) return line;
  throw usageError("passwd: standard input holds several lines", "it takes one password");
}

function fitting(password: Uint8Array): Uint8Array {
  if (password.length === 0) throw usageError("passwd: the password is empty", unchanged);
  if (password.length <= passwordMax) return password;
  throw usageError(`passwd: the password has more than ${passwordMax} bytes`, unchanged);
}

/** The file as text; null: there is none. Throws CliError for what is no password file. */
function contentOf(file: string): string | null {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return null;
    if (!found.isFile()) throw new Error("it is not a regular file");
    if (found.size > passwordFileMax) throw new Error(`it is larger than ${passwordFileMax} B`);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(readFileSync(file));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    const why = error instanceof TypeError ? "it is not UTF-8 text" : systemErrorText(error);
    throw usageError(`passwd: can't read ${shellWord(file)}: ${why}`, unchanged);
  }
}

/** Changes the file while no other `mqttd passwd` does; `change` gets its text, null: none. */
async function edit(
  file: string,
  change: (before: string | null) => EditedText,
): Promise<EditedText> {
  const draft = await draftOf(file);
  let after: EditedText;
  try {
    after = change(contentOf(file));
  } catch (error) {
    draft.abandon();
    throw error;
  }
  draft.write(after.text);
  return after;
}

/** Of the file that a symbolic link names, with its owner and mode; a new one is this user's only. */
async function draftOf(file: string): Promise<WholeFile> {
  const stat = () => statSync(file, { throwIfNoEntry: false });
  const real = stat() === undefined ? file : realpathSync(file);
  return WholeFile.inTurn(real, shellWord(file), () => {
    const found = stat();
    return { mode: found === undefined ? 0o600 : found.mode & 0o7777, owner: found ?? null };
  });
}
