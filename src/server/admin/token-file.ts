import { randomBytes } from "node:crypto";
import { lstatSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { OwnFileError, readOwnFile, tokenRules } from "../../api/own-file.ts";
import { ownRunFolder } from "../../api/registry.ts";
import { CliError } from "../../config/cli-error.ts";
import type { Env } from "../../config/environment.ts";
import { errorCode } from "../../log/system-error.ts";

/** What must be shown to ask beyond loopback, and where it is written. */
export interface Token {
  readonly file: string;
  readonly token: string;
}

/**
 * Reads the file that holds the token; makes it, for this user only, if it is not there. `named`: null
 * means one in the run folder. Throws CliError (exit code 2) if it can't be had, holds none, is no plain
 * file of this user or of root, or can be read by others.
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

/** Throws CliError for what can be known beforehand of a token file; one that is not there is made. */
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
    `the token file ${file} holds no token`,
    "one word of ASCII; where there is no such file, one is made",
  );
}

function unusable(file: string, error: unknown): CliError {
  return unfit(`can't use the token file ${file}: ${why(error)}`, another);
}

const ownOne = "admin.tokenFile names a file of your own; where there is none, one is made";
const another = "admin.tokenFile names one in a folder that exists and that you may write to";

function runFolderOf(env: Env): string {
  try {
    return ownRunFolder(env);
  } catch (error) {
    throw unfit(`there is no folder for the token file: ${why(error)}`, another);
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
