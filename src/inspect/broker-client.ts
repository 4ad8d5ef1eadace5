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
  /** Milliseconds that the broker may take in addition to the usual timeout. */
  readonly waitMs?: number;
  /** Requested items of a list; more items may take more bytes. */
  readonly items?: number;
}

/** The broker does not know the client id. */
export class NoSuchClient extends CliError {
  /** Similar client ids that the broker knows. */
  readonly nearest: readonly string[];

  constructor(message: string, nearest: readonly string[]) {
    const hint =
      nearest.length === 0
        ? "not seen, or forgotten; mqttd inspect clients lists those with a session"
        : `did you mean ${nearest.map(name).join(" or ")}?`;
    super(message, { exitCode: 2, hint });
    this.nearest = nearest;
  }
}

/** Queries one running broker. Every failure is a CliError for the operator. */
export class BrokerClient {
  readonly url: string;
  readonly #token: BrokerAddress["token"];
  readonly #tls: BrokerAddress["tls"];
  readonly #answer: NonNullable<BrokerAddress["answer"]> | null;
  readonly #timeoutMs: number;

  /** `timeoutMs`: how long an answer may take. */
  constructor({ url, token, tls, answer }: BrokerAddress, timeoutMs: number) {
    this.url = url;
    this.#answer = answer ?? null;
    this.#tls = tls;
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The checked answer, unknown keys included. Any program may listen at the address: throws
   * CliError for an answer that is too large, late, or of another shape.
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
    // A refused reload has an answer of its own.
    if (!ok && status !== 422)
      throw this.#refused(status, read.type === "read" ? read.value : null);
    if (read.type === "unfit") throw this.#strange(read.why);
    const checked = shape.safeParse(read.value);
    if (checked.success) return read.value as Answer; // Just checked.
    const where = checked.error.issues[0]?.path.map(String).join(".") ?? "";
    throw this.#strange(where === "" ? "is of another kind" : `has an invalid value: ${where}`);
  }

  /** The bytes of an endless answer, until `signal`. */
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
      throw this.#strange("is not a stream of events");
    } catch (error) {
      throw error instanceof CliError ? error : this.#brokenOff(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = {
      // A few compressed bytes can expand to any size.
      "accept-encoding": "identity",
      ...(this.#token !== null && { authorization: `Bearer ${this.#token.text}` }),
    };
    const own = this.#answer;
    if (own !== null) {
      const request = new Request(`${this.url}${path}`, init);
      request.headers.set("host", new URL(this.url).host);
      return own(request);
    }
    const response = await fetch(`${this.url}${path}`, {
      ...init,
      headers,
      decompress: false,
      redirect: "manual",
      // The broker is near; a configured proxy is for the web.
      proxy: false,
      ...(this.#tls !== null && { tls: this.#tls }),
      // The signal has our timeout; Bun's own would end a stream that is idle for five minutes.
      timeout: false,
    }).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    const number = response.headers.get(apiHeader);
    if (number === String(apiVersion)) return response;
    await response.body?.cancel().catch(() => {});
    if (number === null) throw this.#notOurs();
    throw new CliError(
      `the broker at ${this.url} speaks version ${name(number)} of the interface, this program version ${apiVersion}`,
      { exitCode: 2, hint: "use the same mqttd as the broker" },
    );
  }

  /** A failure before the head of an answer. */
  #unreachable(error: unknown): unknown {
    if (isNoHttp(error)) return this.#notOurs();
    if (isUntrusted(error)) {
      return new CliError(`the certificate of ${this.url} is not trusted (${errorCode(error)})`, {
        exitCode: 3,
        hint: "name its CA with --cafile FILE",
      });
    }
    return (
      this.#endedByUs(error) ??
      new CliError(`no administration interface answers at ${this.url}`, {
        exitCode: 3,
        hint: "start a broker with mqttd serve; the default port of its administration is 1888",
      })
    );
  }

  /** A failure within an answer. */
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

  /** The error of a signal or a timeout; null: another error. */
  #endedByUs(error: unknown): Error | null {
    if (!(error instanceof Error)) return null;
    if (error.name === "AbortError") return error;
    if (error.name !== "TimeoutError") return null;
    return new CliError(`${this.url} did not answer in time`, {
      exitCode: 5,
      hint: "--timeout allows more time",
    });
  }

  /** It claims to be our broker, but our broker sends no such answer. */
  #strange(why: string): CliError {
    return new CliError(`the answer of ${this.url} ${why}`, {
      exitCode: 4,
      hint: "no broker of this version of mqttd sends that",
    });
  }

  #notOurs(): CliError {
    return new CliError(`the server at ${this.url} is not mqttd`, {
      exitCode: 4,
      hint: "the default port of mqttd's administration is 1888",
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
        ? `the broker at ${this.url} requires a token`
        : `the broker at ${this.url} does not accept the token in ${name(this.#token.file)}`;
    return new CliError(message, {
      exitCode: 4,
      hint: "its log names the file with the token; --token-file FILE",
    });
  }
}

/** The error codes of Bun's client for bytes that are not HTTP. */
const noHttp = /^(?:Malformed_HTTP_Response|ResponseHeadersTooLarge|InvalidHTTPResponse|HPE_\w+)$/;

function isUntrusted(error: unknown): boolean {
  return /CERT|SIGNATURE|ISSUER|ALTNAME/.test(errorCode(error) ?? "");
}

function isNoHttp(error: unknown): boolean {
  return noHttp.test(errorCode(error) ?? "");
}
