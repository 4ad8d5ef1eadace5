import { apiHeader, apiVersion } from "../api/api.ts";
import { CliError } from "../config/cli-error.ts";
import { clause, name } from "../log/foreign.ts";
import { errorCode } from "../log/system-error.ts";
import { bodyOf } from "./answers/body.ts";
import { refusalShape } from "./answers/answer-shape.ts";
import type { BrokerAddress } from "./broker-address.ts";
import type { Shape } from "./answers/shape.ts";

interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: object;
  /** Milliseconds that the broker may take to answer beyond its usual time. */
  readonly waitMs?: number;
  /** Items of a list that were asked for; more of them may take more bytes. */
  readonly items?: number;
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

  /**
   * The answer as it came, which has that shape, and may have more keys than it. Whoever listens at
   * the address may be anybody: what is too large, late, or not of the shape is refused.
   */
  async ask<Answer>(path: string, shape: Shape<Answer>, request: Request = {}): Promise<Answer> {
    const { method = "GET", body, waitMs = 0, items = 0 } = request;
    const response = await this.#fetch(path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.#timeoutMs + waitMs),
    });
    const { status, ok } = response;
    const read = await bodyOf(response, items).catch((error: unknown) => {
      throw this.#brokenOff(error);
    });
    // A reload that was refused has an answer of its own.
    if (!ok && status !== 422)
      throw this.#refused(status, read.type === "read" ? read.value : null);
    if (read.type === "unfit") throw this.#strange(read.why);
    const checked = shape.safeParse(read.value);
    if (checked.success) return read.value as Answer; // As was just seen.
    const where = checked.error.issues[0]?.path.map(String).join(".") ?? "";
    throw this.#strange(where === "" ? "is of another kind" : `is not as it should be: ${where}`);
  }

  /** The bytes of an answer that goes on for ever, until `signal`. */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const patience = new AbortController();
    const timer = setTimeout(
      () => patience.abort(new DOMException("too late", "TimeoutError")),
      this.#timeoutMs,
    );
    try {
      const response = await this.#fetch(path, {
        signal: AbortSignal.any([signal, patience.signal]),
      });
      if (!response.ok) {
        const read = await bodyOf(response);
        throw this.#refused(response.status, read.type === "read" ? read.value : null);
      }
      const type = response.headers.get("content-type") ?? "";
      const isStream = /^text\/event-stream\b/i.test(type);
      if (isStream && !response.headers.has("content-encoding") && response.body !== null) {
        return response.body;
      }
      await response.body?.cancel().catch(() => {});
      throw this.#strange("is no stream of events");
    } catch (error) {
      throw error instanceof CliError ? error : this.#brokenOff(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = {
      // A few bytes that are compressed could be any number of them.
      "accept-encoding": "identity",
      ...(this.#token !== null && { authorization: `Bearer ${this.#token.text}` }),
    };
    const response = await fetch(`${this.url}${path}`, {
      ...init,
      headers,
      decompress: false,
      redirect: "manual",
      // The broker is near: what a proxy is set for is the web.
      proxy: false,
      // Ours is the signal's; by its documentation Bun's own ends what is idle for five minutes.
      timeout: false,
    }).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    const number = response.headers.get(apiHeader);
    if (number === String(apiVersion)) return response;
    await response.body?.cancel().catch(() => {});
    if (number === null) throw this.#notOurs();
    throw new CliError(
      `the broker at ${this.url} speaks version ${name(number)} of the interface, this program ${apiVersion}`,
      { exitCode: 2, hint: "use the mqttd that the broker was started with" },
    );
  }

  /** Before the head of an answer has come. */
  #unreachable(error: unknown): unknown {
    if (isNoHttp(error)) return this.#notOurs();
    return (
      this.#endedByUs(error) ??
      new CliError(`no administration interface answers at ${this.url}`, {
        exitCode: 3,
        hint: "mqttd serve starts a broker; its administration is on port 1888 unless told",
      })
    );
  }

  /** Within an answer. */
  #brokenOff(error: unknown): unknown {
    if (isNoHttp(error)) return this.#strange("breaks a rule of HTTP");
    return (
      this.#endedByUs(error) ??
      new CliError(`the answer of ${this.url} broke off`, {
        exitCode: 3,
        hint: "the broker has gone, or the link is down",
      })
    );
  }

  /** By a signal, or for want of time; null: by something else. */
  #endedByUs(error: unknown): Error | null {
    if (!(error instanceof Error)) return null;
    if (error.name === "AbortError") return error;
    if (error.name !== "TimeoutError") return null;
    return new CliError(`${this.url} did not answer in time`, {
      exitCode: 5,
      hint: "--timeout gives it longer",
    });
  }

  /** It says that it is a broker's, and no broker of ours gives such an answer. */
  #strange(why: string): CliError {
    return new CliError(`what ${this.url} answers ${why}`, {
      exitCode: 4,
      hint: "no broker of this mqttd's version answers so",
    });
  }

  #notOurs(): CliError {
    return new CliError(`what answers at ${this.url} is no mqttd`, {
      exitCode: 4,
      hint: "the administration of mqttd is on port 1888 unless told",
    });
  }

  #refused(status: number, value: unknown): CliError {
    if (status === 401) return this.#unauthorized();
    const read = refusalShape.safeParse(value);
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

/** What Bun's client says of bytes that are no answer of HTTP, by its codes. */
const noHttp = /^(?:Malformed_HTTP_Response|ResponseHeadersTooLarge|InvalidHTTPResponse|HPE_\w+)$/;

function isNoHttp(error: unknown): boolean {
  return noHttp.test(errorCode(error) ?? "");
}
