import { willsOf } from "../core/queries/queries.ts";
import type { WillAccount } from "../core/records/will-account.ts";
import { awaitedWill } from "../server/admin/awaited-will.ts";
import type { EmbeddedBroker } from "../server/embedded.ts";
import type { Duration, Recipients, Will, Wills, WillsQuery } from "./api.ts";
import { durationOf, durationText, waitMs } from "./duration.ts";
import { itemsOf } from "./explanation.ts";
import { checkOptions, type Names } from "./options.ts";

/** The wills of a broker, for a test to look at and to wait for. */
export class WillsOfBroker implements Wills {
  readonly #embedded: EmbeddedBroker;
  /** What a wait that was in vain says beside the state of the will. */
  readonly #hint: string;

  readonly #isStopped: () => boolean;

  constructor(embedded: EmbeddedBroker, hint: string, isStopped: () => boolean) {
    this.#embedded = embedded;
    this.#hint = hint;
    this.#isStopped = isStopped;
  }

  async wait(options: WillsQuery & { readonly within?: Duration } = {}): Promise<Will> {
    checkOptions("wills.wait", options, { ...queryNames, within: true });
    const { within = waitMs, ...query } = options;
    const { signal } = new AbortController();
    const awaited = awaitedWill(this.#embedded, query, durationOf(within), signal);
    const record = await Promise.race([awaited, this.#embedded.fault]);
    const account = record?.account ?? null;
    if (account !== null && account.fate !== null) return willOf(account);
    const state = account === null ? noWill(query) : stateOf(account);
    if (this.#isStopped()) throw new Error(`${state} before the broker was stopped`);
    throw new Error(`${state} within ${durationText(within)}${this.#hint}`);
  }

  list(options: WillsQuery = {}): readonly Will[] {
    checkOptions("wills.list", options, queryNames);
    return itemsOf(willsOf(this.#embedded.broker, options)).map((account) => willOf(account));
  }
}

const queryNames: Names<WillsQuery> = { clientId: true, topic: true };

function noWill({ clientId, topic }: WillsQuery): string {
  const whose = clientId === undefined ? "" : ` of ${JSON.stringify(clientId)}`;
  const where = topic === undefined ? "" : ` on ${JSON.stringify(topic)}`;
  return `no will${whose}${where} came`;
}

function stateOf({ clientId, topic, state, dueAt }: WillAccount): string {
  const when = dueAt === null ? "" : `, due at ${new Date(dueAt).toISOString()}`;
  const where = `on ${JSON.stringify(topic)}`;
  return `the will of ${JSON.stringify(clientId)} ${where} is ${state}${when}: no fate`;
}

function willOf(account: WillAccount): Will {
  const { clientId, topic, payloadBytes, qos, retain, state, armedAt, end, fate } = account;
  const published = fate?.fate === "published" ? fate : null;
  return {
    ...{ clientId, topic, payloadBytes, qos, retain, state, armedAt },
    payload: bytesOf(account.payload ?? ""),
    delaySeconds: account.delaySeconds,
    keepAliveSeconds: account.keepAliveSeconds,
    cause: end?.cause ?? null,
    causeText: end?.causeText ?? null,
    endedAt: end?.at ?? null,
    fate: fate?.fate ?? null,
    why: fate === null || fate.fate === "published" ? null : fate.why,
    at: fate?.at ?? null,
    rule: fate?.rule ?? null,
    recipients: published === null ? null : recipientsOf(published.reach),
  };
}

function recipientsOf({ delivered, queued, dropped, away, retained }: Recipients): Recipients {
  return { delivered, queued, dropped, away, retained };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
