import { randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ownRunFolder } from "../admin/registry.ts";
import { CliError } from "../config/cli-error.ts";
import { errorCode } from "../transport/listen-error.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What must be shown to ask beyond loopback, and where it is written. */
export interface Token {
  readonly file: string;
  readonly token: string;
}

/**
 * Reads the file that holds the token; makes it, for this user only, if it is not there. `named`: null
 * means one in the run folder. Throws CliError (exit code 2) if it can't be had, holds none, or can
 * be read by others.
 */
export function tokenOf(named: string | null, env: Env): Token {
  const file = named ?? path.join(runFolderOf(env), "token");
  try {
    makeUnlessThere(file);
    const isOpen = process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
    if (isOpen) throw unfit(`the token file ${file} can be read by others`, `chmod 600 ${file}`);
    const token = readFileSync(file, "utf8").trim();
    if (/^[\x21-\x7e]+$/.test(token)) return { file, token };
  } catch (fault) {
    if (fault instanceof CliError) throw fault;
    throw unfit(`can't use the token file ${file}: ${why(fault)}`, another);
  }
  throw unfit(
    `the token file ${file} holds no token`,
    "one word of ASCII; where there is no such file, one is made",
  );
}

const another = "admin.tokenFile names one in a folder that exists and that you may write to";

function runFolderOf(env: Env): string {
  try {
    return ownRunFolder(env);
  } catch (fault) {
    throw unfit(`there is no folder for the token file: ${why(fault)}`, another);
  }
}

function makeUnlessThere(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (fault) {
    if (errorCode(fault) !== "EEXIST") throw fault;
  }
}

function unfit(message: string, hint: string): CliError {
  return new CliError(message, { exitCode: 2, hint });
}

function why(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
