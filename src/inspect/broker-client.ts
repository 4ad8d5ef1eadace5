import * as z from "zod";
import { apiHeader, apiVersion } from "../admin/api.ts";
import { CliError } from "../config/cli-error.ts";
import { clause, name } from "../log/foreign.ts";
import type { BrokerAddress } from "./broker-address.ts";

const refusalSchema = z.object({
  error: z.string(),
  hint: z.string().nullable(),
  nearest: z.array(z.string()).optional(),
});

interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: object;
  /** Milliseconds that the broker may take to answer beyond its usual time. */
  readonly waitMs?: number;
}

/** The broker knows nothing of a client id. */
export class NoSuchClient extends CliError {
  /** Client ids that are like it. */
  readonly nearest: readonly string[];

  constructor(message: string, nearest: readonly string[]) {
    const hint =
      nearest.length === 0
        ? "mqttd inspect clients lists those that it knows"
        : `did you mean ${nearest.map(name).join(" or ")}?`;
    super(message, { exitCode: 2, hint });
    this.nearest = nearest;
  }
}

/** Asks one running broker. Every failure is a CliError in the operator's words. */
export class BrokerClient {
  readonly url: string;
  readonly #token: BrokerAddress["token"];
  readonly #timeoutMs: number;

  /** `timeoutMs`: milliseconds that an answer may take. */
  constructor({ url, token }: BrokerAddress, timeoutMs: number) {
    this.url = url;
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** The shapes are trusted where the interface's number is ours: both ends are this program. */
  async ask<Answer>(path: string, request: Request = {}): Promise<Answer> {
    const { method = "GET", body, waitMs = 0 } = request;
    const response = await this.#fetch(path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.#timeoutMs + waitMs),
    });
    const value: unknown = await response.json().catch((fault: unknown) => {
      throw isSyntax(fault) ? this.#notOurs() : this.#unreachable(fault);
    });
    // A reload that was refused has an answer of its own.
    if (response.ok || response.status === 422) return value as Answer; // As said above.
    throw this.#refused(response.status, value);
  }

  /** The bytes of an answer that goes on for ever, until `signal`. */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const patience = new AbortController();
    const timer = setTimeout(
      () => patience.abort(new DOMException("too late", "TimeoutError")),
      this.#timeoutMs,
    );
    const response = await this.#fetch(path, {
      signal: AbortSignal.any([signal, patience.signal]),
    }).finally(() => clearTimeout(timer));
    if (response.ok && response.body !== null) return response.body;
    throw this.#refused(response.status, await response.json().catch(() => null));
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token.text}` };
    const response = await fetch(`${this.url}${path}`, {
      ...init,
      headers,
      redirect: "manual",
      // The broker is near: what a proxy is set for is the web.
      proxy: false,
      // Ours is the signal's; by its documentation Bun's own ends what is idle for five minutes.
      timeout: false,
    }).catch((fault: unknown) => {
      throw this.#unreachable(fault);
    });
    const number = response.headers.get(apiHeader);
    if (number === String(apiVersion)) return response;
    if (number === null) throw this.#notOurs();
    throw new CliError(
      `the broker at ${this.url} speaks version ${name(number)} of the interface, this program ${apiVersion}`,
      { exitCode: 2, hint: "use the mqttd that the broker was started with" },
    );
  }

  #unreachable(fault: unknown): unknown {
    if (fault instanceof Error && fault.name === "AbortError") return fault;
    if (fault instanceof Error && fault.name === "TimeoutError") {
      return new CliError(`${this.url} did not answer in time`, {
        exitCode: 5,
        hint: "--timeout gives it longer",
      });
    }
    return new CliError(`no administration interface answers at ${this.url}`, {
      exitCode: 3,
      hint: "mqttd serve starts a broker; its administration is on port 1888 unless told",
    });
  }

  #notOurs(): CliError {
    return new CliError(`what answers at ${this.url} is no mqttd`, {
      exitCode: 3,
      hint: "the administration of mqttd is on port 1888 unless told",
    });
  }

  #refused(status: number, value: unknown): CliError {
    if (status === 401) return this.#unauthorized();
    const read = refusalSchema.safeParse(value);
    if (!read.success) return new CliError(`the broker answered ${status}`, { exitCode: 4 });
    const { error, hint, nearest } = read.data;
    if (nearest !== undefined) return new NoSuchClient(clause(error), nearest);
    return new CliError(clause(error), {
      exitCode: status === 403 || status === 503 ? 4 : 2,
      hint: hint === null ? null : clause(hint),
    });
  }

  #unauthorized(): CliError {
    const message =
      this.#token === null
        ? `the broker at ${this.url} wants a token`
        : `the token in ${name(this.#token.file)} is not that of the broker at ${this.url}`;
    return new CliError(message, {
      exitCode: 4,
      hint: "its log names the file with the token; --token-file FILE",
    });
  }
}

function isSyntax(fault: unknown): boolean {
  return fault instanceof SyntaxError;
}
