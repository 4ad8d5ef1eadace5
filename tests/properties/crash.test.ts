import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ConnectOptions } from "../support/client.ts";
import { DiligentClient } from "../support/diligent-client.ts";
import { StoredWorld } from "../support/held-store.ts";

type Act =
  | { readonly act: "publish"; readonly qos: 1 | 2 }
  | { readonly act: "read"; readonly who: number }
  | { readonly act: "return"; readonly who: number }
  | { readonly act: "drop"; readonly who: number }
  | { readonly act: "keep" }
  /** The store keeps nothing of the batch under way. */
  | { readonly act: "fail" }
  | { readonly act: "pass"; readonly milliseconds: number }
  | { readonly act: "crash"; readonly downMs: number; readonly heartbeatAgoMs: number };

const who = fc.nat(2);
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant("publish"), qos: fc.constantFrom(1, 2) }) },
  { weight: 12, arbitrary: fc.record({ act: fc.constant("read"), who }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("return"), who }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("drop"), who }) },
  { weight: 12, arbitrary: fc.record({ act: fc.constant("keep") }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("fail") }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant("pass"), milliseconds: fc.nat(4000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant("crash"),
      downMs: fc.nat(8000),
      heartbeatAgoMs: fc.nat(1000),
    }),
  },
) as fc.Arbitrary<Act>; // The names of the acts are constants.

const lasting = { clean: false, protocolVersion: 4 } as const;
const delaySeconds = 3;

/** A will, told apart by its payload. */
interface Armed {
  readonly payload: string;
  readonly isDelayed: boolean;
  /** Its CONNACK arrived: the will is kept. */
  isConfirmed: boolean;
  /** When its connection ended at the earliest, by the wall clock. */
  endedAt: number | null;
}

/** Clients, a store that keeps when it is told, and a broker that is killed again and again. */
class Crashes {
  #world = new StoredWorld();
  readonly #publisher = new DiligentClient({ clientId: "p", ...lasting });
  readonly #subscriber = new DiligentClient({ clientId: "s", ...lasting });
  readonly #mortal = new DiligentClient({ clientId: "m" });
  readonly #clients = [this.#publisher, this.#subscriber, this.#mortal] as const;
  readonly #wills: Armed[] = [];
  readonly #isDelayed: boolean;
  #published = 0;

  constructor(isDelayed: boolean) {
    this.#isDelayed = isDelayed;
    this.#subscriber.connect(this.#world);
    this.#subscriber.subscribe("t", 2);
    this.#subscriber.subscribe("w", 2);
    this.#world.keep();
    this.#subscriber.act();
  }

  run(act: Act): void {
    switch (act.act) {
      case "publish":
        return this.#publisher.publish("t", `${act.qos}.${this.#published++}`, act.qos);
      case "read":
        this.#clients[act.who]?.act();
        return this.#confirm();
      case "return":
        return this.#return(act.who);
      case "drop":
        if (act.who === 2) this.#mortalEnds();
        return this.#clients[act.who]?.drop();
      case "keep":
        if (this.#world.store.waiting !== null) this.#world.store.keep();
        this.#world.check();
        return;
      case "fail":
        if (this.#world.store.waiting === null) return;
        this.#world.fail();
        if (!this.#mortal.isOpen) this.#mortalEnds();
        return;
      case "pass":
        return this.#world.advance(act.milliseconds);
      case "crash":
        return this.#crash(act.downMs, act.heartbeatAgoMs);
    }
  }

  #crash(downMs: number, heartbeatAgoMs: number): void {
    this.#mortalEnds();
    for (const client of this.#clients) client.forget();
    this.#world = this.#world.restart(downMs, heartbeatAgoMs);
  }

  #return(number: number): void {
    const client = this.#clients[number];
    if (client === undefined || client.isOpen) return;
    if (number !== 2) return client.connect(this.#world);
    const payload = `will ${this.#wills.length}`;
    const isDelayed = this.#isDelayed;
    this.#wills.push({ payload, isDelayed, isConfirmed: false, endedAt: null });
    const will = { topic: "w", payload: Buffer.from(payload), qos: 2, retain: false } as const;
    const delayed: Partial<ConnectOptions> = {
      ...{ protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 600 } },
      will: { ...will, properties: { willDelayInterval: delaySeconds } },
    };
    client.connect(this.#world, isDelayed ? delayed : { will });
    this.#confirm();
  }

  #confirm(): void {
    const newest = this.#wills.at(-1);
    if (newest !== undefined && this.#mortal.isConnected) newest.isConfirmed = true;
  }

  #mortalEnds(): void {
    const newest = this.#wills.at(-1);
    if (newest !== undefined) newest.endedAt ??= this.#world.wall;
    this.#expectNoneEarly();
  }

  /** A delayed will is not heard before its time. */
  #expectNoneEarly(): void {
    this.#subscriber.act();
    for (const { payload, isDelayed, endedAt } of this.#wills) {
      if (!isDelayed || (endedAt !== null && this.#world.wall >= endedAt + delaySeconds * 1000)) {
        continue;
      }
      expect(this.#subscriber.heard).not.toContain(payload);
    }
  }

  /** Everybody comes back, and everything is kept and acknowledged. */
  finish(): void {
    this.#mortalEnds();
    this.#mortal.drop();
    for (let round = 0; round < 100; round++) {
      for (const number of [0, 1]) this.#return(number);
      for (const client of this.#clients) client.act();
      this.#world.keep();
      this.#world.advance(500);
    }
    const heard = (payload: string): number =>
      this.#subscriber.heard.filter((other) => other === payload).length;
    expect(this.#publisher.owes).toBe(0);
    const counts = this.#publisher.acknowledged.map(
      (payload) => [payload, heard(payload)] as const,
    );
    expect(counts.filter(([, count]) => count === 0)).toEqual([]);
    expect(counts.filter(([payload, count]) => payload.startsWith("2.") && count !== 1)).toEqual(
      [],
    );
    for (const { payload, isDelayed, isConfirmed } of this.#wills) {
      const count = heard(payload);
      expect([payload, count]).toEqual([payload, Math.min(count, 1)]);
      if (isConfirmed && !isDelayed) expect([payload, count]).toEqual([payload, 1]);
    }
    const { messages, outgoing, wills } = this.#world.store.kept;
    expect([messages.size, outgoing.size, wills.size]).toEqual([0, 0, 0]);
  }
}

/**
 * The broker is killed between any two steps of any exchange. What was acknowledged arrives, QoS 2
 * exactly once; a will whose CONNACK arrived is heard exactly once by a QoS 2 subscriber, unless
 * its client returned within its delay, and never early.
 */
test.each([false, true])(
  "nothing that was acknowledged is lost in a crash; wills delayed: %p",
  (isDelayed) => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 120, size: "max" }), (history) => {
        const crashes = new Crashes(isDelayed);
        for (const act of history) crashes.run(act);
        crashes.finish();
      }),
      { numRuns: Number(process.env["MQTTD_NAIVE_RUNS"] ?? 400), includeErrorInReport: true },
    );
  },
  3_600_000,
);
