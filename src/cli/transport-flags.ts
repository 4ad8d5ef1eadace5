import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { plainTls, type Target, type TargetTls } from "../client/target.ts";
import { type CliError, usageError } from "../config/cli-error.ts";
import type { ReadFile } from "../config/file.ts";
import { bare, quoted } from "../config/problem.ts";
import { systemErrorText } from "../log/system-error.ts";
import type { Arguments } from "./arguments.ts";
import { targetFrom, urlTarget, withCredentials } from "./client-flags.ts";
import type { Command } from "./command.ts";
import type { Login } from "./login.ts";

const flags = ["cafile", "capath", "cert", "key", "insecure", "tls-server-name"] as const;

/** The flags for TLS and unix sockets, as mosquitto's clients have them. */
export function declareTransportFlags(command: Command): Command {
  return command
    .option("--unix <FILE>", "its unix socket, in place of host and port")
    .option("--cafile <FILE>", "TLS: trust brokers whose certificate this CA issued (PEM)")
    .option("--capath <FOLDER>", "TLS: trust every CA in this folder")
    .option("--cert <FILE>", "TLS: show the broker this client certificate (PEM); needs --key")
    .option("--key <FILE>", "TLS: its private key (PEM)")
    .option("--passphrase-file <FILE>", "TLS: the passphrase of the key")
    .option("--insecure", "TLS: accept any name; without --cafile, any issuer as well")
    .option("--tls-server-name <NAME>", "TLS: ask for this name, and expect it in the certificate");
}

/** Whether any flag names a broker. */
export function namesBroker(given: Arguments): boolean {
  return (
    ["host", "port", "url", "unix", "via"].some((flag) => given.has(flag)) || asksForTls(given)
  );
}

/** Whether a flag asks for TLS. */
function asksForTls(given: Arguments): boolean {
  return flags.some((flag) => given.has(flag));
}

/** The flags' settings; null: none was given. Throws CliError. */
function tlsFrom(given: Arguments, readFile: ReadFile): TargetTls | null {
  if (!asksForTls(given)) {
    if (!given.has("passphrase-file")) return null;
    throw usageError("--passphrase-file is for --key", "give both, and --cert");
  }
  const serverName = given.text("tls-server-name");
  if (serverName !== null && !/^[\w.:-]{1,253}$/.test(serverName)) {
    throw usageError(`--tls-server-name: found ${quoted(serverName)}, allowed: a host name`);
  }
  return {
    ...plainTls,
    ca: issuersFrom(given, readFile),
    ...certificateFrom(given, readFile),
    insecure: given.has("insecure"),
    serverName,
  };
}

/** The broker that flags name, else localhost. Throws CliError. */
export function brokerFrom(given: Arguments, login: Login, readFile: ReadFile): Target {
  return securedTargets(given, login, readFile, null).target;
}

/** The broker that flags name, else localhost, and the address of --via. Throws CliError. */
export function targetsFrom(given: Arguments, login: Login, readFile: ReadFile): Targets {
  const url = given.text("via");
  const via = url === null ? null : withCredentials(urlTarget(url, "--via"), login);
  return securedTargets(given, login, readFile, via);
}

interface Targets {
  readonly target: Target;
  readonly via: Target | null;
}

function securedTargets(
  given: Arguments,
  login: Login,
  readFile: ReadFile,
  via: Target | null,
): Targets {
  const named = namedTarget(given, login);
  const all = secured(via === null ? [named] : [named, via], given, readFile);
  const [target = named, secondary = null] = all;
  return { target, via: secondary };
}

/** The broker that --unix, --url, --host or --port names, else localhost. Throws CliError. */
export function namedTarget(given: Arguments, login: Login): Target {
  if (given.has("unix")) return unixTarget(given, login);
  return targetFrom(given, login, asksForTls(given) ? "tls" : "tcp");
}

/** These brokers, with what the flags say of TLS. Throws CliError, also if none of them has TLS. */
export function secured(
  targets: readonly Target[],
  given: Arguments,
  readFile: ReadFile,
): readonly Target[] {
  if (asksForTls(given) && targets.every(({ tls }) => tls === null)) {
    const flag = flags.find((name) => given.has(name)) ?? "";
    throw usageError(`--${flag} needs an address with TLS`, "mqtts:// or wss://");
  }
  const tls = tlsFrom(given, readFile);
  if (tls === null) return targets;
  return targets.map((target) => (target.tls === null ? target : { ...target, tls }));
}

function unixTarget(given: Arguments, login: Login): Target {
  const file = given.text("unix") ?? "";
  if (given.has("host") || given.has("port") || given.has("url")) {
    throw usageError("--unix names the broker alone", "leave out --host, --port and --url");
  }
  if (file === "") throw usageError('--unix: found "", allowed: the file of a unix socket');
  // One that is missing is the connection's own error.
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) {
    throw usageError(`--unix: ${bare(file)} is no socket`, "it is the path of a unix listener");
  }
  const blank = { username: null, password: null, tls: null };
  return withCredentials({ transport: "unix", host: "", port: 0, path: file, ...blank }, login);
}

function issuersFrom(given: Arguments, readFile: ReadFile): string | null {
  const file = given.text("cafile");
  const folder = given.text("capath");
  const all = [
    ...(file === null ? [] : [issuersIn("--cafile", file, readFile)]),
    ...(folder === null ? [] : issuersBelow(folder, readFile)),
  ];
  return all.length === 0 ? null : all.join("\n");
}

function issuersIn(flag: string, file: string, readFile: ReadFile): string {
  const text = pemFrom(flag, file, readFile);
  for (const certificate of certificatesIn(text)) parsed(certificate, flag, file);
  if (certificatesIn(text).length > 0) return text;
  throw usageError(`${flag}: ${file} has no certificate`, "a CA's certificate in PEM is needed");
}

function issuersBelow(folder: string, readFile: ReadFile): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw usageError(`--capath: ${folder}: ${systemErrorText(error)}`);
  }
  const all = names.flatMap((name) => {
    const file = readFile(path.join(folder, name), 0);
    return file.type === "read" ? certificatesIn(new TextDecoder().decode(file.bytes)) : [];
  });
  if (all.length > 0) return [...new Set(all)];
  throw usageError(`--capath: no file in ${folder} has a certificate`);
}

function certificateFrom(given: Arguments, readFile: ReadFile): Pick<TargetTls, "cert" | "key"> {
  const certFile = given.text("cert");
  const keyFile = given.text("key");
  if (certFile === null && keyFile === null) {
    if (!given.has("passphrase-file")) return { cert: null, key: null };
    throw usageError("--passphrase-file is for --key", "give both, and --cert");
  }
  if (certFile === null) throw usageError("--key needs --cert", "the client's certificate");
  if (keyFile === null) throw usageError("--cert needs --key", "the certificate's private key");
  const cert = pemFrom("--cert", certFile, readFile);
  const [first] = certificatesIn(cert);
  if (first === undefined) throw usageError(`--cert: ${certFile} has no certificate in PEM`);
  const key = privateKey(keyFile, given.text("passphrase-file"), readFile);
  if (!parsed(first, "--cert", certFile).checkPrivateKey(key)) {
    throw usageError(`--key: ${keyFile} is not the key of the certificate in ${certFile}`);
  }
  return { cert, key: key.export({ type: "pkcs8", format: "pem" }) };
}

function privateKey(file: string, passphraseFile: string | null, readFile: ReadFile): KeyObject {
  const key = pemFrom("--key", file, readFile);
  if (!key.includes("PRIVATE KEY-----")) throw usageError(`--key: ${file} has no key in PEM`);
  const isEncrypted = /ENCRYPTED/.test(key);
  if (isEncrypted && passphraseFile === null) {
    throw usageError(`--key: ${file} is encrypted`, "give its passphrase: --passphrase-file FILE");
  }
  const passphrase =
    passphraseFile === null
      ? null
      : pemFrom("--passphrase-file", passphraseFile, readFile).replace(/\r?\n$/, "");
  try {
    return createPrivateKey({ key, format: "pem", ...(passphrase !== null && { passphrase }) });
  } catch {
    throw isEncrypted
      ? usageError(`--key: ${file} does not open with the passphrase in ${passphraseFile}`)
      : usageError(`--key: ${file} can't be read as a private key`);
  }
}

function parsed(certificate: string, flag: string, file: string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch {
    throw usageError(`${flag}: ${file} has a certificate that can't be read`);
  }
}

function certificatesIn(text: string): string[] {
  return (
    text.match(
      /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g,
    ) ?? []
  );
}

/** Throws CliError. */
function pemFrom(flag: string, file: string, readFile: ReadFile): string {
  const read = readFile(file);
  switch (read.type) {
    case "read":
      return new TextDecoder().decode(read.bytes);
    case "missing":
      throw usageError(`${flag}: there is no file ${file}`);
    case "folder":
      throw folderError(flag, file);
    case "too large":
      throw usageError(`${flag}: ${file} is too large`);
    case "unreadable":
      throw usageError(`${flag}: ${file} can't be read: ${read.why}`);
  }
}

function folderError(flag: string, file: string): CliError {
  const hint = flag === "--cafile" ? "for a folder: --capath" : null;
  return usageError(`${flag}: ${file} is a folder`, hint);
}
