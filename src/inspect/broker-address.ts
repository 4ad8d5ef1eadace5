import { readFileSync } from "node:fs";
import * as z from "zod";
import { apiHeader, type RunningBroker } from "../api/api.ts";
import { OwnFileError, readOwnFile, tokenRules } from "../api/own-file.ts";
import { runFolderProblem, runningBrokers } from "../api/registry.ts";
import { CliError, usageError } from "../config/cli-error.ts";
import type { Env } from "../config/environment.ts";
import { quoted } from "../config/problem.ts";
import { clause, name } from "../log/foreign.ts";
import { errorCode } from "../log/system-error.ts";
import { bodyOf } from "./answers/body.ts";

/** The name of a broker: from flags, from the environment, or none. */
export interface Named {
  /** `--admin`: a port or a URL; null: MQTTD_ADMIN, else the broker on this machine. */
  readonly admin: string | null;
  /** `--token-file`; null: MQTTD_TOKEN_FILE, else the file that the broker's run file names. */
  readonly tokenFile: string | null;
  /** `--cafile`; null: the certificate in the broker's run file, else the CAs of this system. */
  readonly caFile: string | null;
  readonly env: Env;
}

export interface BrokerAddress {
  /** `http://127.0.0.1:1888`. */
  readonly url: string;
  /** Null: no token; most brokers require none. */
  readonly token: { readonly text: string; readonly file: string } | null;
  /** Whom to trust, for `https:`. */
  readonly tls: BrokerTls;
  /** Answers in this process, instead of the network; absent: none does. */
  readonly answer?: (request: Request) => Promise<Response>;
}

/** Options of `fetch`. Null: the CAs of this system, and the names in the certificate. */
export type BrokerTls = Readonly<Record<string, unknown>> | null;

/** Trusts one certificate, whoever has signed it and whatever names it has. */
function onlyThis(certificate: string): BrokerTls {
  return {
    ca: certificate,
    // The certificate itself, not only one that is a CA's.
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
  };
}

/** Finds the broker. Throws CliError. */
export async function addressOf(named: Named): Promise<BrokerAddress> {
  const { admin, tokenFile, caFile, env } = named;
  const running = runningBrokers(env);
  const url = namedUrl(admin, env, running) ?? (await onlyOne(running, env));
  const found = running.find((one) => one.url === url);
  const file = tokenFile ?? (env["MQTTD_TOKEN_FILE"] || (found?.tokenFile ?? null));
  const token = file === null ? null : { text: tokenIn(file), file };
  if (caFile !== null) return { url, token, tls: { ca: pemIn(caFile) } };
  const certificate = found?.certificate ?? null;
  return { url, token, tls: certificate === null ? null : onlyThis(certificate) };
}

/** Null: none named. An empty variable counts as unset. */
function namedUrl(
  admin: string | null,
  env: Env,
  running: readonly RunningBroker[],
): string | null {
  const named = admin ?? (env["MQTTD_ADMIN"] || null);
  if (named === null) return null;
  const by = admin === null ? "MQTTD_ADMIN" : "--admin";
  if (/^[1-9]\d{0,4}$/.test(named) && Number(named) <= 65_535) {
    const port = `:${Number(named)}`;
    return running.find(({ url }) => url.endsWith(port))?.url ?? `http://127.0.0.1${port}`;
  }
  const url = URL.canParse(named) ? new URL(named) : null;
  const isOurs = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (isOurs) return url.origin;
  throw usageError(`${by}: found ${quoted(named)}, allowed: a port, or http[s]://HOST:PORT`);
}

async function onlyOne(found: readonly RunningBroker[], env: Env): Promise<string> {
  const running = found.length > 1 ? await thoseThatAnswer(found) : found;
  const [first, ...others] = running;
  if (first === undefined) {
    const problem = runFolderProblem(env);
    throw problem === null
      ? new CliError("found no running broker", {
          exitCode: 3,
          hint: "start one with mqttd serve, or name one elsewhere with --admin",
        })
      : new CliError(`can't look for brokers: ${clause(problem)}`, {
          exitCode: 3,
          hint: "name one with --admin, or a folder of your own with MQTTD_RUN_DIR",
        });
  }
  if (others.length === 0) return first.url;
  const lines = running.map(
    ({ url, pid, version, listeners }) =>
      `  --admin ${shortest(url)}  pid ${pid}, version ${name(version)}, ${listeners.map(clause).join(", ")}`,
  );
  throw usageError(
    [`${running.length} brokers are running on this machine; choose one with`, ...lines].join("\n"),
  );
}

/** Without killed brokers whose process id another process of this user now has. */
async function thoseThatAnswer(found: readonly RunningBroker[]): Promise<RunningBroker[]> {
  const answers = await Promise.all(found.map(isThere));
  return found.filter((_, index) => answers[index]);
}

const answerMs = 1000;

/**
 * Whether the broker of the run file answers. One that hangs or requires a token counts as there.
 */
async function isThere({ url, pid, certificate }: RunningBroker): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/overview`, {
      decompress: false,
      redirect: "manual",
      proxy: false,
      ...(certificate !== null && { tls: onlyThis(certificate) ?? {} }),
      signal: AbortSignal.timeout(answerMs),
    });
    if (response.headers.get(apiHeader) === null) return false;
    if (!response.ok) return true;
    const read = await bodyOf(response);
    if (read.type === "unfit") return false;
    const told = pidShape.safeParse(read.value);
    return !told.success || told.data.process.pid === pid;
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError";
  }
}

/** The same in every version of the interface. */
const pidShape = z.object({ process: z.object({ pid: z.int() }) });

/** The port alone, if it is enough for `--admin`. */
function shortest(url: string): string {
  return /^http:\/\/127\.0\.0\.1:(\d+)$/.exec(url)?.[1] ?? clause(url);
}

function pemIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    const why = code === "ENOENT" ? "no such file" : code;
    throw usageError(`can't read the CA in ${quoted(file)}: ${clause(why)}`);
  }
}

function tokenIn(file: string): string {
  try {
    return readOwnFile(file, tokenRules).trim();
  } catch (error) {
    if (error instanceof OwnFileError) {
      throw usageError(
        `the token file ${quoted(file)} ${error.message}`,
        error.hint && clause(error.hint),
      );
    }
    const code = errorCode(error) ?? String(error);
    const why = code === "ENOENT" ? "no such file" : code;
    throw usageError(`can't read the token in ${quoted(file)}: ${clause(why)}`);
  }
}
