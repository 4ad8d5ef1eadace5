import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { usageError } from "../config/cli-error.ts";
import { bare, quoted, shellWord } from "../config/problem.ts";
import { WholeFile } from "../config/whole-file.ts";
import type { Screen } from "../drop/report/progress.ts";
import { systemErrorText } from "../log/system-error.ts";
import type { Arguments } from "./arguments.ts";
import type { CertificateAuthority, Issued } from "./certificate-authority.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { commandLines, commandPage, exitCodes } from "./help.ts";
import { folders, nothing } from "./offer.ts";
import { linesFor } from "./remark.ts";
import { distinct, machineNames, type ServerName, serverNameOf } from "./machine-names.ts";

const defaultFolder = "certs";
const defaultDays = 365;
const daysMax = 3650;
/** Names of our own files. */
const reserved = ["ca", "server"];

/** `mqttd certs`: certificates for a lab. */
export function certsCommand(): CliCommand {
  const command = declareCerts();
  return {
    command,
    rules: { positionals: 1 },
    help: commandPage(command, {
      about:
        "Makes a CA for development, a server certificate for the names and addresses of this " +
        "machine, and certificates of clients: ECDSA P-256, in files that only this user can read. " +
        "A CA that is there is used again, and no file is overwritten without --force.",
      sections: [
        {
          title: "Files",
          rows: [
            ["ca.crt", "what clients have to trust (--cafile)"],
            ["ca.key", "signs certificates: leave it on this machine"],
            ["server.crt, server.key", "listeners.0.tls.cert and .key"],
            ["NAME.crt, NAME.key", "of the client NAME (--cert, --key)"],
          ],
        },
        exitCodes(["0", "2", "70", "130, 143"], { "2": "usage, or nothing was written" }),
      ],
    }),
    completion: { word: (before) => (before.length === 0 ? folders : nothing) },
    run: runCerts,
  };
}

function declareCerts(): Command {
  return declare("certs", "a CA for development, and certificates of the server and clients")
    .usage("certs [DIR] [FLAGS]")
    .option("--name <NAME>", "a further name or address of the server; may be repeated", {
      type: [],
    })
    .option("--client <NAME>", "a certificate for a client; may be repeated", { type: [] })
    .option("--days <N>", `how long they are valid, the CA aside (default ${defaultDays})`)
    .option("--force", "overwrite certificates that are there, but not the CA")
    .option("-h, --help", "show this help")
    .example("mqttd certs")
    .example("mqttd certs --name broker.lab.example --name 192.0.2.7 --force")
    .example("mqttd certs --client dev-42")
    .example("mqttd certs lab-certs --client dev-42 --days 30");
}

async function runCerts(given: Arguments, { print, screen }: Surroundings): Promise<number> {
  const order = orderOf(given);
  const files = new Files(order.folder);
  const wanted = [...(order.server ? ["server"] : []), ...order.clients];
  const x509 = await loadX509();
  if (!order.isForced) refuseExisting(files, wanted, x509);
  const now = new Date();
  const { ca, made } = await authorityIn(files, now, x509);
  const issued: [string, Issued][] = [];
  for (const name of wanted) {
    issued.push([
      name,
      name === "server"
        ? await ca.server(order.names, order.days, now)
        : await ca.client(name, order.days, now),
    ]);
  }
  files.write([...(made === null ? [] : [["ca", made] as const]), ...issued]);
  print(report(order, made !== null, ca.certificate.notAfter, issued, screen("stdout")));
  return 0;
}

/** One after the other: a bundle runs imports that stand together in another order. */
export async function loadX509() {
  await import("reflect-metadata");
  return import("./certificate-authority.ts");
}

type X509 = Awaited<ReturnType<typeof loadX509>>;

interface CertsOrder {
  readonly folder: string;
  readonly server: boolean;
  readonly names: readonly ServerName[];
  readonly clients: readonly string[];
  readonly days: number;
  readonly isForced: boolean;
}

function orderOf(given: Arguments): CertsOrder {
  const [folder = defaultFolder] = given.positionals;
  if (folder === "") throw usageError('certs: found "", allowed: the name of a folder');
  const days = given.text("days") ?? String(defaultDays);
  if (!/^\d{1,4}$/.test(days) || Number(days) < 1 || Number(days) > daysMax) {
    throw usageError(`--days: found ${quoted(days)}, allowed: 1 to ${daysMax}`);
  }
  const names = given.texts("name").map((text) => {
    const name = serverNameOf(text);
    if (name !== null) return name;
    throw usageError(`--name: found ${quoted(text)}, allowed: a DNS name or an IP address`);
  });
  const clients = [...new Set(given.texts("client"))];
  for (const client of clients) {
    if (!/^[\w@-][\w.@-]{0,63}$/.test(client) || reserved.includes(client.toLowerCase())) {
      const allowed = `1 to 64 of A-Z a-z 0-9 . _ @ -, and neither ${reserved.join(" nor ")}`;
      throw usageError(`--client: found ${quoted(client)}, allowed: ${allowed}`);
    }
  }
  const isThere = existsSync(path.join(folder, "server.crt"));
  return {
    folder,
    // Beside a client, only if it is missing or meant.
    server: clients.length === 0 || names.length > 0 || !isThere,
    names: distinct([...names, ...machineNames()]),
    clients,
    days: Number(days),
    isForced: given.has("force"),
  };
}

function refuseExisting(files: Files, names: readonly string[], { validUntil }: X509): void {
  const there = names.flatMap((name) => files.existing(name));
  if (there.length === 0) return;
  const [first = ""] = there;
  const until = first.endsWith(".crt") ? validUntil(files.text(path.basename(first))) : null;
  const facts = until === null ? "" : `, valid until ${dateOf(until)}`;
  throw usageError(
    `certs: ${there.map(bare).join(" and ")} ${there.length === 1 ? "exists" : "exist"}${facts}`,
    "--force renews with the same CA; --client NAME makes one for a client",
  );
}

/** The CA of the folder; `made`: it is new, and not written yet. */
async function authorityIn(
  files: Files,
  now: Date,
  x509: X509,
): Promise<{ ca: CertificateAuthority; made: Issued | null }> {
  const there = files.existing("ca");
  if (there.length === 0) {
    const name = `mqttd development CA, ${hostname()}, ${dateOf(now)}`;
    const { ca, files: made } = await x509.CertificateAuthority.create(name.slice(0, 64), now);
    return { ca, made };
  }
  const where = files.path("ca.crt");
  const another = "remove both to make a new CA, which clients have to trust anew";
  if (there.length === 1)
    throw usageError(`certs: ${bare(there[0] ?? "")} is there alone`, another);
  const [cert, key] = [files.text("ca.crt"), files.text("ca.key")];
  const ca = await x509.CertificateAuthority.read(cert, key).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(`certs: can't use the CA ${bare(where)}: ${why}`, another);
  });
  if (ca.certificate.notAfter > now) return { ca, made: null };
  throw usageError(
    `certs: the CA ${bare(where)} ended on ${dateOf(ca.certificate.notAfter)}`,
    another,
  );
}

/** Certificates and keys in one folder. */
class Files {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(file: string): string {
    return path.join(this.#folder, file);
  }

  existing(name: string): string[] {
    return [`${name}.crt`, `${name}.key`].map((file) => this.path(file)).filter(existsSync);
  }

  text(file: string): string {
    try {
      return readFileSync(this.path(file), "utf8");
    } catch (error) {
      throw usageError(`certs: can't read ${bare(this.path(file))}: ${systemErrorText(error)}`);
    }
  }

  /** Each key before its certificate, and nothing before all can be written. */
  write(pairs: readonly (readonly [name: string, pair: Issued])[]): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw usageError(`certs: can't make ${bare(this.#folder)}: ${systemErrorText(error)}`);
    }
    const drafts: { readonly file: WholeFile; readonly text: string }[] = [];
    try {
      for (const [name, { cert, key }] of pairs) {
        drafts.push({ file: this.#draft(`${name}.key`), text: key });
        drafts.push({ file: this.#draft(`${name}.crt`), text: cert });
      }
      for (const { file, text } of drafts) file.write(text);
    } catch (error) {
      for (const { file } of drafts) file.abandon();
      throw error;
    }
  }

  #draft(name: string): WholeFile {
    const file = this.path(name);
    return new WholeFile(file, bare(file), { mode: 0o600, owner: null });
  }
}

function report(
  { folder, names, clients }: CertsOrder,
  isNew: boolean,
  caUntil: Date,
  issued: readonly (readonly [string, Issued])[],
  screen: Screen | null,
): string {
  const say = (line: string): string => linesFor(screen, line);
  const at = (file: string): string => shellWord(path.join(folder, file));
  const lines = [
    say(`${at("ca.crt")}: the CA${isNew ? "" : " that was there"}, until ${dateOf(caUntil)}`),
  ];
  for (const [name, { until }] of issued) {
    const whose =
      name === "server" ? names.map(({ value }) => value).join(", ") : `the client ${name}`;
    lines.push(say(`${at(`${name}.crt`)}: ${whose}, until ${dateOf(until)}`));
  }
  const tls = (key: string, value: string): string => `--set listeners.0.${key}=${value}`;
  const serve = [
    ...["mqttd serve", tls("transport", "tls"), tls("port", "8883")],
    ...[tls("tls.cert", at("server.crt")), tls("tls.key", at("server.key"))],
    ...(clients.length === 0 ? [] : [tls("tls.ca", at("ca.crt")), tls("tls.requestCert", "true")]),
  ].join(" \\\n    ");
  const [client] = clients;
  const shown =
    client === undefined ? "" : ` --cert ${at(`${client}.crt`)} --key ${at(`${client}.key`)}`;
  const pub = `mqttd pub -h localhost -p 8883 --cafile ${at("ca.crt")}${shown} -t test -m hello`;
  const room = (screen?.columns ?? Infinity) - 2;
  return `${[
    ...lines,
    "",
    "Next:",
    `  ${serve}`,
    ...commandLines(pub, room).map((line) => `  ${line}`),
    say(
      `Firmware and other clients get ${at("ca.crt")}. ${at("ca.key")} stays here: who has it can ` +
        "pose as the server.",
    ),
  ].join("\n")}\n`;
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
