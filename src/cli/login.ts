import { CliError, usageError } from "../config/cli-error.ts";
import type { FileRead } from "../config/file.ts";
import { bare } from "../config/problem.ts";
import { name } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import type { Command, Surroundings } from "./command.ts";
import type { HelpSection } from "./help.ts";
import { lineOf } from "./input.ts";

/** What a client command logs in with, beside what the address says. */
export interface Login {
  /** Of a flag; null: none was given. */
  readonly username: string | null;
  /** Of --pw or --pw-file; null: neither was given. */
  readonly password: string | null;
  /** Of MQTTD_PASSWORD, for a user without another password; null: it is not set. */
  readonly ambient: string | null;
}

/** Bytes: MQTT carries no longer password. */
const passwordMax = 65_535;

/** The flags of every client command for its user name and password. */
export function declareLoginFlags(command: Command): Command {
  return command
    .option("-u, --username <NAME>", "log in as this user")
    .option("-P, --pw <PASSWORD>", "with this password (others can read it: see Passwords)")
    .option("--pw-file <FILE>", "with the password in this file; - for standard input");
}

/** The section of help on where passwords come from. */
export const passwordHelp: HelpSection = {
  title: "Passwords",
  text: [
    "While a command runs, every user of the machine can read its arguments (ps), those of --pw and " +
      "--url included, and the shell keeps them in its history. --pw-file and the variable " +
      "MQTTD_PASSWORD avoid both. --pw and --pw-file win over the address, and the address over " +
      "MQTTD_PASSWORD.",
  ],
};

/**
 * Reads the user name and the password from flags, file and environment. On a terminal, --pw-file -
 * asks. Throws CliError.
 */
export async function loginFrom(given: Arguments, surroundings: Surroundings): Promise<Login> {
  const username = given.text("username");
  const file = given.text("pw-file");
  const ambient = surroundings.env["MQTTD_PASSWORD"] ?? null;
  if (file === null) return { username, password: given.text("pw"), ambient };
  if (given.has("pw")) {
    throw usageError("--pw and --pw-file both give the password", "give one of them");
  }
  if (file === "") throw usageError('--pw-file: found "", allowed: the name of a file, or -');
  if (file === "-" && surroundings.askSecret !== null) {
    return { username, password: await typedPassword(username, surroundings.askSecret), ambient };
  }
  const read = file === "-" ? await surroundings.readInput() : surroundings.readFile(file);
  const from = file === "-" ? "standard input" : bare(file);
  return { username, password: passwordIn(read, from), ambient };
}

async function typedPassword(
  username: string | null,
  askSecret: NonNullable<Surroundings["askSecret"]>,
): Promise<string> {
  const typed = await askSecret(
    username === null ? "Password: " : `Password of ${name(username)}: `,
  );
  switch (typed.type) {
    case "typed":
      return typed.text;
    case "ended":
      throw usageError("--pw-file: no password was typed");
    case "interrupted":
      throw new CliError("--pw-file: no password was typed", { exitCode: typed.exitCode });
  }
}

/** Quotes nothing of what it finds. */
function passwordIn(read: FileRead, from: string): string {
  switch (read.type) {
    case "read":
      return passwordOf(read.bytes, from);
    case "missing":
      throw usageError(`--pw-file: there is no file ${from}`);
    case "folder":
      throw usageError(`--pw-file: ${from} is a folder`);
    case "too large":
      throw tooLong(from);
    case "unreadable":
      throw usageError(`--pw-file: ${from} can't be read: ${read.why}`);
  }
}

function passwordOf(bytes: Uint8Array, from: string): string {
  const line = lineOf(bytes);
  if (line === null) throw usageError(`--pw-file: ${from} has several lines, allowed: a password`);
  if (line.length === 0) throw usageError(`--pw-file: ${from} has no password`);
  if (line.length > passwordMax) throw tooLong(from);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    throw usageError(`--pw-file: ${from} is not UTF-8 text`);
  }
}

function tooLong(from: string): CliError {
  return usageError(`--pw-file: ${from} has more than ${passwordMax} bytes`);
}
