import { readFileSync } from "node:fs";
import * as z from "zod";
import { apiHeader, apiVersion, type RunningBroker } from "../admin/api.ts";
import { runningBrokers } from "../admin/registry.ts";
import { CliError } from "../config/cli-error.ts";
import { name } from "../log/foreign.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Where {
  /** A URL or a port; null: the broker that runs here. */
  readonly admin: string | null;
  readonly tokenFile: string | null;
  /** Milliseconds that an answer may take. */
  readonly timeoutMs: number;
  readonly env: Env;
}

const refusalSchema = z.object({
  error: z.string(),
  hint: z.string().nullable(),
  nearest: z.array(z.string()).optional(),
});

/** Asks one running broker. Every failure is a CliError in the operator's words. */
export class BrokerClient {
  readonly url: string;
  readonly #token: string | null;
  readonly #timeoutMs: number;

  constructor(where: Where) {
    const { url, tokenFile } = brokerOf(where);
    this.url = url;
    this.#token = tokenFile === null ? null : tokenOf(tokenFile);
    this.#timeoutMs = where.timeoutMs;
  }

  /** The shapes are trusted where the interface's number is ours: both ends are this program. */
  async ask<Answer>(
    path: string,
    init: { method?: string; body?: object; waitMs?: number } = {},
  ): Promise<Answer> {
    const { method = "GET", body, waitMs = 0 } = init;
    const response = await this.#fetch(path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.#timeoutMs + waitMs),
    });
    const value: unknown = await response.json().catch(() => null);
    if (response.ok || response.status === 422) return value as Answer; // As said above.
    throw refused(response.status, value);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { ...init, headers });
    } catch (fault) {
      if (fault instanceof Error && fault.name === "TimeoutError") {
        throw new CliError(`${this.url} did not answer in time`, { exitCode: 5 });
      }
      throw new CliError(`no administration interface answers at ${this.url}`, {
        exitCode: 3,
        hint: "mqttd serve starts a broker",
      });
    }
    const number = response.headers.get(apiHeader);
    if (number === String(apiVersion)) return response;
    throw number === null
      ? new CliError(`what answers at ${this.url} is no mqttd`, { exitCode: 3 })
      : new CliError(
          `the broker at ${this.url} speaks version ${name(number)} of the interface, this program ${apiVersion}`,
          { exitCode: 2, hint: "use the mqttd that the broker was started with" },
        );
  }
}

function refused(status: number, value: unknown): CliError {
  const read = refusalSchema.safeParse(value);
  if (!read.success) return new CliError(`the broker answered ${status}`, { exitCode: 4 });
  const { error, hint, nearest = [] } = read.data;
  const near = nearest.length === 0 ? hint : `did you mean ${nearest.map(name).join(" or ")}?`;
  return new CliError(error, { exitCode: status === 401 || status === 403 ? 4 : 2, hint: near });
}

function brokerOf({ admin, tokenFile, env }: Where): { url: string; tokenFile: string | null } {
  const named = admin ?? env["MQTTD_ADMIN"] ?? null;
  const file = tokenFile ?? env["MQTTD_TOKEN_FILE"] ?? null;
  const running = runningBrokers(env);
  if (named !== null && named !== "") {
    const url = /^\d+$/.test(named) ? `http://127.0.0.1:${named}` : named.replace(/\/+$/, "");
    if (!/^https?:\/\/[^/]+$/.test(url)) {
      throw new CliError(`--admin: found ${name(named)}, allowed: a port, or http://HOST:PORT`, {
        exitCode: 2,
      });
    }
    return { url, tokenFile: file ?? running.find((one) => one.url === url)?.tokenFile ?? null };
  }
  const [first, ...others] = running;
  if (first === undefined) {
    throw new CliError("no broker is running here", {
      exitCode: 3,
      hint: "mqttd serve starts one; --admin names one elsewhere",
    });
  }
  if (others.length > 0) throw several(running);
  return { url: first.url, tokenFile: file ?? first.tokenFile };
}

function several(running: readonly RunningBroker[]): CliError {
  const lines = running.map(
    ({ url, pid, version, listeners }) =>
      `  --admin ${name(url)}  (pid ${pid}, version ${name(version)}, ${listeners.map(name).join(", ")})`,
  );
  return new CliError(
    [`${running.length} brokers are running here, choose one:`, ...lines].join("\n"),
    {
      exitCode: 2,
    },
  );
}

function tokenOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    throw new CliError(`can't read the token: ${why}`, { exitCode: 2 });
  }
}
