import { randomBytes } from "node:crypto";
import { lstatSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { OwnFileError, readOwnFile, tokenRules } from "../../api/own-file.ts";
import { ownRunFolder } from "../../api/registry.ts";
import { CliError } from "../../config/cli-error.ts";
import type { Env } from "../../config/environment.ts";
import { errorCode } from "../../log/system-error.ts";

/** The token that requests beyond loopback must show, and its file. */
export interface Token {
  readonly file: string;
  readonly token: string;
}

/**
 * Reads the token file; creates it, for this user only, if it is missing. `named` null: the file in
 * the run folder. Throws CliError (exit code 2) if the file is unreadable, has no token, is not a
 * regular file of this user or root, or is readable by other users.
 */
export function readOrCreateToken(named: string | null, env: Env): Token {
  const file = named ?? path.join(runFolderOf(env), "token");
  try {
    createIfMissing(file);
  } catch (error) {
    throw unusable(file, error);
  }
  return { file, token: readToken(file) };
}

/** Throws CliError for an existing token file that is unusable; a missing one is created later. */
export function checkTokenFile(file: string): void {
  try {
    statSync(path.dirname(file));
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  } catch (error) {
    throw unusable(file, error);
  }
  readToken(file);
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readOwnFile(file, tokenRules).trim();
  } catch (error) {
    if (!(error instanceof OwnFileError)) throw unusable(file, error);
    throw unfit(`the token file ${file} ${error.message}`, error.hint ?? ownOne);
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw unfit(
    `the token file ${file} contains no token`,
    "a token is one word of ASCII; mqttd creates a missing file",
  );
}

function unusable(file: string, error: unknown): CliError {
  return unfit(`can't use the token file ${file}: ${why(error)}`, another);
}

const ownOne = "set admin.tokenFile to a file of your own; mqttd creates a missing file";
const another = "set admin.tokenFile to a file in an existing folder that you may write to";

function runFolderOf(env: Env): string {
  try {
    return ownRunFolder(env);
  } catch (error) {
    throw unfit(`no folder for the token file: ${why(error)}`, another);
  }
}

function createIfMissing(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

function unfit(message: string, hint: string): CliError {
  return new CliError(message, { exitCode: 2, hint });
}

function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
