import { createColors } from "picocolors";
import { mebibyte } from "../config/quantity.ts";
import { clientsOf, knownClientIds } from "../core/queries/queries.ts";
import type { Level } from "../log/events.ts";
import { renderHuman } from "../log/render.ts";
import { anonymousRefused, type Authenticate } from "../server/auth.ts";
import type { EventLog } from "../server/driver/driver.ts";
import {
  type EmbeddedBroker,
  embeddedBroker,
  type EmbeddedSettings,
  type EmbeddedTime,
} from "../server/embedded.ts";
import { ListenError } from "../transport/transport.ts";
import { filterFlaw } from "../wire/filter.ts";
import type {
  BrokerOptions,
  Client,
  ConnectingClient,
  Duration,
  ListenFailure,
  MessagesOptions,
  PublishedMessage,
  StartBroker,
  TestBroker,
  Wills,
} from "./api.ts";
import { sendAtOnce } from "./client-sockets.ts";
import { durationOf, durationText, waitMs } from "./duration.ts";
import { explanationOf, itemsOf, nearestIds } from "./explanation.ts";
import { messagesCome, messagesOn } from "./messages.ts";
import { checkOptions, type Names } from "./options.ts";
import { TestTime } from "./test-time.ts";
import { WillsOfBroker } from "./wills.ts";

export const startBroker: StartBroker = async (options = {}) => {
  checkOptions("startBroker", options, optionNames);
  const { clock = "system", keptMessages = 10_000, keptBytes = 64 * mebibyte } = options;
  if (clock !== "system" && clock !== "test") {
    throw new RangeError(`clock: found ${JSON.stringify(clock)}, allowed: "system" or "test"`);
  }
  const time = clock === "test" ? new TestTime() : null;
  checkAmount("keptMessages", keptMessages);
  checkAmount("keptBytes", keptBytes);
  const { port, host, limits, log, authenticate } = options;
  if (authenticate !== undefined && typeof authenticate !== "function") {
    throw new TypeError(`authenticate: found ${String(authenticate)}, allowed: a function`);
  }
  let embedded: EmbeddedBroker | null = null;
  const fail = (cause: unknown): void => embedded?.fail(cause);
  embedded = await listening({
    recentMessages: { messages: keptMessages, bytes: keptBytes, perSecond: null },
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(limits !== undefined && { limits }),
    ...(log !== undefined && { log: logTo(log) }),
    ...(authenticate !== undefined && { authenticate: authenticateBy(authenticate, fail) }),
    ...(time !== null && { time: time satisfies EmbeddedTime }),
  });
  return new StartedBroker(embedded, time);
};

/** As `embeddedBroker`; rejects with the `ListenFailure` of api.ts if it can't listen. */
async function listening(settings: EmbeddedSettings): Promise<EmbeddedBroker> {
  try {
    return await embeddedBroker(settings);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    if (!(cause instanceof ListenError)) throw error;
    const { code, port, address, message } = cause;
    const facts = { name: "ListenFailure" as const, code, port, address };
    throw Object.assign(new Error(message, { cause }), facts) satisfies ListenFailure;
  }
}

const optionNames: Names<BrokerOptions> = {
  port: true,
  host: true,
  limits: true,
  clock: true,
  keptMessages: true,
  keptBytes: true,
  log: true,
  authenticate: true,
};

function checkAmount(name: string, amount: number): void {
  if (Number.isSafeInteger(amount) && amount >= 0) return;
  throw new RangeError(`${name}: found ${String(amount)}, allowed: a whole number from 0`);
}

class StartedBroker implements TestBroker {
  readonly port: number;
  readonly url: string;
  readonly wills: Wills;
  readonly #embedded: EmbeddedBroker;
  readonly #time: TestTime | null;
  readonly #endOfHaste: () => void;
  #stopped: Promise<void> | null = null;
  /** Ends waits. */
  #endWaits = (): void => {};
  readonly #isEnded = new Promise<void>((resolve) => (this.#endWaits = resolve));

  constructor(embedded: EmbeddedBroker, time: TestTime | null) {
    this.port = embedded.port;
    this.url = embedded.urls[0] ?? "";
    this.#embedded = embedded;
    this.#time = time;
    this.#endOfHaste = time === null ? () => {} : sendAtOnce(embedded.port);
    this.wills = new WillsOfBroker(embedded, this.#hint, () => this.#stopped !== null);
  }

  /** Time that stands still is the likely reason for a wait in vain. */
  get #hint(): string {
    return this.#time === null ? "" : '; with clock: "test", time passes by advance() only';
  }

  now(): number {
    return this.#embedded.clock.now();
  }

  async advance(duration: Duration): Promise<void> {
    if (this.#time === null) {
      throw new TypeError('advance() needs startBroker({ clock: "test" })');
    }
    await Promise.race([this.#time.advance(durationOf(duration)), this.#embedded.fault]);
  }

  drop(clientId: string, how: "rst" | "silent"): void {
    if (how !== "rst" && how !== "silent") {
      throw new RangeError(`drop: found ${JSON.stringify(how)}, allowed: "rst" or "silent"`);
    }
    const { broker, driver } = this.#embedded;
    const connection = broker.sessions.get(clientId)?.connection ?? null;
    if (connection !== null) return driver.drop(connection.id, how);
    const near = nearestIds(clientId, knownClientIds(broker)).filter((id) => id !== clientId);
    const meant =
      near.length === 0
        ? ""
        : `; did you mean ${near.map((id) => JSON.stringify(id)).join(" or ")}?`;
    throw new Error(`drop: ${JSON.stringify(clientId)} is not connected${meant}`);
  }

  async messages(
    filter = "#",
    options: MessagesOptions = {},
  ): Promise<readonly PublishedMessage[]> {
    checkOptions("messages", options, { count: true, within: true });
    const { count = 0, within = waitMs } = options;
    const flaw = filterFlaw(filter);
    if (flaw !== null) throw new RangeError(`filter ${JSON.stringify(filter)}: ${flaw}`);
    const limit = durationOf(within);
    const { broker, fault } = this.#embedded;
    const { come, stop } = messagesCome(broker, filter, count);
    let timeout: ReturnType<typeof setTimeout> | undefined;
    const isOver = new Promise<void>((resolve) => (timeout = setTimeout(resolve, limit)));
    try {
      await Promise.race([come, isOver, this.#isEnded, fault]);
    } finally {
      clearTimeout(timeout);
      stop();
    }
    const messages = messagesOn(broker, filter);
    if (messages.length >= count) return messages;
    const seen = `${messages.length} of ${count} messages on ${JSON.stringify(filter)}`;
    if (this.#stopped !== null) throw new Error(`${seen} came before the broker was stopped`);
    throw new Error(`${seen} came within ${durationText(within)}${this.#hint}`);
  }

  clients(): readonly Client[] {
    return itemsOf(clientsOf(this.#embedded.broker)).map(
      ({ clientId, connected, remote, protocol, username, keepAliveSeconds, ...rest }) => {
        const { lastPacket, deadlineAt, subscriptions, queued, inflight, will } = rest;
        const who = { clientId, connected, remote, protocol, username, keepAliveSeconds };
        return { ...who, lastPacket, deadlineAt, subscriptions, queued, inflight, will };
      },
    );
  }

  explain(clientId: string): string {
    return explanationOf(this.#embedded, clientId);
  }

  async stop(): Promise<void> {
    const { fault } = this.#embedded;
    this.#endOfHaste();
    this.#stopped ??= Promise.race([this.#embedded.close(), fault]);
    await this.#stopped;
    this.#endWaits();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const colors = createColors(false);

function logTo(write: (line: string) => void): EventLog {
  return {
    note: (event, at) => write(renderHuman(event, at, { colors, zone: "local" })),
    logs: (level: Level) => level !== "debug",
  };
}

function authenticateBy(
  allows: (client: ConnectingClient) => boolean | Promise<boolean>,
  onFault: (cause: unknown) => void,
): Authenticate {
  const decode = (password: Uint8Array | null): string | null =>
    password === null ? null : new TextDecoder().decode(password);
  return ({ clientId, username, password }, answer) => {
    const refused = { ...anonymousRefused, detail: "refused by the option authenticate" };
    const decided = allows({ clientId, username, password: decode(password) });
    if (typeof decided === "boolean") return answer(decided ? null : refused);
    decided.then((isAllowed) => answer(isAllowed ? null : refused)).catch(onFault);
  };
}
