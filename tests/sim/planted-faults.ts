import type { Access } from "../../src/core/access.ts";
import { AccessLists } from "../../src/core/access-lists.ts";
import type { Broker } from "../../src/core/broker.ts";
import type { Change } from "../../src/core/durable.ts";
import type { MemoryKind } from "../../src/core/memory.ts";

/** Plants a fault in a broker that has just started. */
export type PlantedFault = (broker: Broker) => void;

/** Faults that are no misbehaviour of any broker, but errors in this one. Each has to be found. */
export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  ...notGivenBack("connections", "sessions", "messages", "queues", "inflight"),
  ...notGivenBack("wills", "aliases", "unfinished", "output"),
  "a session that has ended is still matched": ({ subscriptions }) => {
    subscriptions.leave = () => {};
  },
  "what is left of ended sessions is forgotten": ({ departures }) => {
    departures.sessions.add = () => departures.sessions;
  },
  "what a client may not read is delivered": (broker) => {
    const { access } = broker;
    const rightsOf: Access["rightsOf"] = (who) => ({
      ...access.of(null).rightsOf(who),
      mayRead: () => true,
    });
    broker.access = new AccessLists({ rightsOf });
  },
  "a packet that was cut is forgotten": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => (input.type === "continued" ? [] : handle(input, now));
  },
  "a packet that was cut is handled once more": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      const effects = handle(input, now);
      const isCut = effects.some(({ type }) => type === "cut");
      return input.type === "received" && isCut ? [...effects, ...handle(input, now)] : effects;
    };
  },
};

/** The same, of brokers with a store. */
export const storeFaults: Readonly<Record<string, PlantedFault>> = {
  "what is promised leaves before the commit": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      const effects = handle(input, now);
      const [first] = effects;
      return first?.type === "persist" ? [...effects.slice(1), first] : effects;
    };
  },
  "a will leaves before the commit": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) =>
      handle(input, now).map((effect) =>
        effect.type === "deliver" ? { ...effect, isWill: false } : effect,
      );
  },
  "a message that is acknowledged stays in the store": without(
    (change) => "delete" in change && change.delete === "outgoing",
  ),
  "wills that are due do not wait after a restart": (broker) => wait(broker, 0, 0),
  "the time for subscribers to return cancels wills like a grace": (broker) =>
    wait(broker, 0, Math.max(broker.restartSettleMs, broker.restartGraceMs)),
  "a grace cancels nothing": (broker) =>
    wait(broker, Math.max(broker.restartSettleMs, broker.restartGraceMs), 0),
  "a grace goes on beyond its time": (broker) =>
    wait(broker, broker.restartSettleMs, broker.restartGraceMs * 2),
  "a stop publishes what waits for subscribers": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      if (input.type === "stopping") broker.settledAt = now;
      return handle(input, now);
    };
  },
  "who connects while the store keeps nothing waits for nothing": (broker) => {
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      const { failedStore } = broker;
      if (input.type !== "authenticated" || failedStore === null) return handle(input, now);
      broker.failedStore = null;
      const effects = handle(input, now).filter(({ type }) => type !== "persist");
      broker.failedStore = failedStore;
      return effects;
    };
  },
  ...unkept("will", "retained", "subscription", "incoming"),
  "the end of a session is not kept": without(
    (change) => "delete" in change && change.delete === "session",
  ),
};

function unkept(
  ...kinds: readonly ("will" | "retained" | "subscription" | "incoming")[]
): Record<string, PlantedFault> {
  return Object.fromEntries(
    kinds.map((kind) => [
      `no record of kind ${kind} is kept`,
      without((change) => "put" in change && change.put === kind),
    ]),
  );
}

/** Other times that wills wait after a restart, in milliseconds. */
function wait(broker: Broker, restartSettleMs: number, restartGraceMs: number): void {
  Object.assign(broker, { restartSettleMs, restartGraceMs });
}

/** The store never hears of such changes. */
function without(isLost: (change: Change) => boolean): PlantedFault {
  return ({ journal }) => {
    const take = journal?.take.bind(journal);
    if (journal === null || take === undefined) return;
    journal.take = () => take().filter((change) => !isLost(change));
  };
}

function notGivenBack(...kinds: readonly MemoryKind[]): Record<string, PlantedFault> {
  return Object.fromEntries(
    kinds.map((kind) => [
      `memory of ${kind} is not given back`,
      ({ memory }: Broker) => {
        const account = memory[kind];
        const take = account.take.bind(account);
        account.take = (bytes) => take(Math.max(0, bytes));
        account.give = () => {};
      },
    ]),
  );
}
