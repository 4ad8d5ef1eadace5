import { expect, test } from "bun:test";
import fc from "fast-check";
import { Broker } from "../../src/core/broker.ts";
import type { Millis } from "../../src/core/io.ts";
import { stateOfBroker, stateOfStore, type DurableState } from "../support/durable-state.ts";
import { ShadowStore } from "../support/shadow-store.ts";
import { Play } from "./naive-play.ts";
import { historiesOf, themes } from "./naive-themes.ts";

interface SessionFacts {
  readonly ended: unknown;
  readonly expirySeconds: number | null;
  readonly will: object | null;
}

/** Without what a restart changes: all connections have ended. */
function lasting({ sessions, retained }: DurableState): unknown {
  const entries = Object.entries(sessions).map(([clientId, session]) => {
    const { ended: _, will, ...others } = session as SessionFacts;
    return [clientId, { ...others, will: will && { ...will, ended: null, dueAt: null } }];
  });
  return { sessions: Object.fromEntries(entries), retained };
}

function restored(store: ShadowStore, now: Millis): Broker {
  const broker = new Broker({ durable: true }, now);
  broker.handle({ type: "loaded", part: store.load(), heartbeatAt: now, isBehind: false }, now);
  broker.handle({ type: "listening" }, now);
  return broker;
}

function keep(broker: Broker, store: ShadowStore): void {
  const { journal } = broker;
  if (journal === null) throw new Error("the broker has a journal");
  store.apply(journal.take());
}

/**
 * At any moment a broker that is made of what the store has is the broker that was: with the same
 * sessions, messages in the same order, retained messages and wills. The store then has what the new
 * one has, and a broker made of that is the same again.
 */
test.each(Object.entries(themes))(
  "a broker is restored as it was: %s",
  (_, theme) => {
    fc.assert(
      fc.property(historiesOf(theme), (history) => {
        const store = new ShadowStore();
        const play = new Play({ clients: theme.clients, store });
        for (const act of history) play.run(act);
        const before = play.world.broker;
        const copy = store.copy();
        const first = restored(copy, before.now);
        expect(lasting(stateOfBroker(first))).toEqual(lasting(stateOfBroker(before)));
        keep(first, copy);
        expect(stateOfStore(copy.load())).toEqual(stateOfBroker(first));
        const second = restored(copy, before.now);
        expect(stateOfBroker(second)).toEqual(stateOfBroker(first));
        keep(second, copy);
        expect(stateOfStore(copy.load())).toEqual(stateOfBroker(second));
        expect(second.memory.byKind.messages).toBe(first.memory.byKind.messages);
      }),
      { numRuns: Number(process.env["MQTTD_NAIVE_RUNS"] ?? 60), includeErrorInReport: true },
    );
  },
  3_600_000,
);
