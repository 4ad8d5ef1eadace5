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
  readonly env: Env;
}

export interface BrokerAddress {
  /** `http://127.0.0.1:1888`. */
  readonly url: string;
  /** Null: no token; most brokers require none. */
  readonly token: { readonly text: string; readonly file: string } | null;
}

/** Finds the broker. Throws CliError. */
export async function addressOf({ admin, tokenFile, env }: Named): Promise<BrokerAddress> {
  const running = runningBrokers(env);
  const url = namedUrl(admin, env, running) ?? (await onlyOne(running, env));
  const said = running.find((one) => one.url === url)?.tokenFile ?? null;
  const file = tokenFile ?? (env["MQTTD_TOKEN_FILE"] || said);
  return { url, token: file === null ? null : { text: tokenIn(file), file } };
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
  throw usageError(`${by}: found ${quoted(named)}, allowed: a port, or http://HOST:PORT`);
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
async function isThere({ url, pid }: RunningBroker): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/overview`, {
      decompress: false,
      redirect: "manual",
      proxy: false,
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
