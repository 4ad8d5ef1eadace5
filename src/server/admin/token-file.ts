import { randomBytes } from "node:crypto";
import { lstatSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { OwnFileError, readOwnFile, tokenRules } from "../../api/own-file.ts";
import { ownRunFolder } from "../../api/registry.ts";
import { CliError } from "../../config/cli-error.ts";
import type { Env } from "../../config/environment.ts";
import { errorCode, systemErrorText } from "../../log/system-error.ts";

/** The token that requests beyond loopback must show, and its file. */
export interface Token {
  readonly file: string;
  readonly token: string;
}

/**
 * Reads the token file; creates it, for this user only, if it is missing. `named` null: the file in
 * the run folder. `place`: of the key that names it. Throws CliError (exit code 2) if the file is
 * unreadable, has no token, is not a regular file of this user or root, or is readable by other users.
 */
export function readOrCreateToken(named: string | null, env: Env, place: string): Token {
  const file = named ?? path.join(runFolderOf(env), "token");
  const at = named === null ? "" : `${place}: `;
  try {
    createIfMissing(file);
  } catch (error) {
    throw unusable(at, file, error);
  }
  return { file, token: readToken(at, file) };
}

/**
 * Throws CliError for an existing token file that is unusable; a missing one is created later.
 * `place`: of the key that names it.
 */
export function checkTokenFile(file: string, place: string): void {
  const at = `${place}: `;
  try {
    statSync(path.dirname(file));
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  } catch (error) {
    throw unusable(at, file, error);
  }
  readToken(at, file);
}

function readToken(at: string, file: string): string {
  let token: string;
  try {
    token = readOwnFile(file, tokenRules).trim();
  } catch (error) {
    if (!(error instanceof OwnFileError)) throw unusable(at, file, error);
    throw unfit(`${at}the token file ${file} ${error.message}`, error.hint ?? ownOne);
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw unfit(
    `${at}the token file ${file} contains no token`,
    "a token is one word of ASCII; mqttd creates a missing file",
  );
}

function unusable(at: string, file: string, error: unknown): CliError {
  return unfit(`${at}can't use the token file ${file}: ${systemErrorText(error)}`, another);
}

const ownOne = "set admin.tokenFile to a file of your own; mqttd creates a missing file";
const another = "set admin.tokenFile to a file in an existing folder that you may write to";

function runFolderOf(env: Env): string {
  try {
    return ownRunFolder(env);
  } catch (error) {
    throw unfit(`no folder for the token file: ${systemErrorText(error)}`, another);
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
