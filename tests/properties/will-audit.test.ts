import { expect, test } from "bun:test";
import fc from "fast-check";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

/** The next act of a client or the network. Seconds, unless milliseconds are stated. */
type Act =
  | {
      readonly act: "connect";
      readonly client: number;
      readonly version: 4 | 5;
      readonly clean: boolean;
      readonly keepAlive: number;
      readonly expiry: number;
      readonly will: { readonly delay: number; readonly retain: boolean } | null;
    }
  | { readonly act: "publish" | "ping" | "violate" | "kick"; readonly client: number }
  | { readonly act: "drop"; readonly client: number; readonly how: "eof" | "reset" | "timeout" }
  | {
      readonly act: "disconnect";
      readonly client: number;
      readonly reason: number;
      /** Null: omits the property. */
      readonly expiry: number | null;
    }
  | { readonly act: "advance"; readonly milliseconds: number };

const never = 0xffff_ffff;
const client = fc.nat({ max: 2 });

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("connect" as const),
      client,
      version: fc.constantFrom(4 as const, 5 as const, 5 as const),
      clean: fc.boolean(),
      keepAlive: fc.constantFrom(0, 1, 4, 10),
      expiry: fc.constantFrom(0, 2, 5, 10, 30, never),
      will: fc.option(
        fc.record({ delay: fc.constantFrom(0, 1, 5, 10, 20, never), retain: fc.boolean() }),
        { freq: 6 },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom(
        "publish" as const,
        "ping" as const,
        "violate" as const,
        "kick" as const,
      ),
      client,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant("drop" as const),
      client,
      how: fc.constantFrom("eof" as const, "reset" as const, "timeout" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant("disconnect" as const),
      client,
      reason: fc.constantFrom(0x00, 0x04, 0x80),
      expiry: fc.constantFrom(null, null, 0, 3, 40, never),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("advance" as const),
      milliseconds: fc.constantFrom(1, 499, 1000, 1500, 3000, 7777, 20_000),
    }),
  },
);

interface ModelWill {
  readonly name: string;
  /** Milliseconds. */
  readonly delay: number;
}

/** One client id according to the standard. Times in milliseconds of the world. */
interface ModelClient {
  connection: { readonly socket: TestClient; silenceEndsAt: number; allowed: number } | null;
  /** The session's expiry interval in milliseconds; null: no session. */
  expiry: number | null;
  sessionEndsAt: number;
  /** Armed while connected, waiting afterwards. */
  will: ModelWill | null;
  willDueAt: number;
}

/**
 * The required fate of each will, computed in the words of the standard and independent of the
 * broker's tables: no heap, no states, one client after the other.
 */
class Model {
  readonly clients: ModelClient[] = Array.from({ length: 3 }, () => ({
    connection: null,
    expiry: null,
    sessionEndsAt: Infinity,
    will: null,
    willDueAt: Infinity,
  }));
  /** `name=fate` in no order, since the last look; a delay is listed with its due time. */
  fates: string[] = [];
  now = 0;

  of(index: number): ModelClient {
    const who = this.clients[index];
    if (who === undefined) throw new Error(`there is no client ${index}`);
    return who;
  }

  connect(act: Act & { act: "connect" }, socket: TestClient, will: ModelWill | null): void {
    const who = this.of(act.client);
    const goesOn = !act.clean && who.expiry !== null;
    if (who.connection !== null) {
      const spared = goesOn && who.expiry !== 0 && (who.will?.delay ?? 0) > 0;
      this.#settle(who, spared ? "cancelled" : "published");
    } else {
      this.#settle(who, goesOn ? "cancelled" : "published");
    }
    const allowed = act.keepAlive === 0 ? Infinity : act.keepAlive * 1500;
    who.connection = { socket, allowed, silenceEndsAt: this.now + allowed };
    who.expiry = milliseconds(act.version === 5 ? act.expiry : act.clean ? 0 : never);
    who.sessionEndsAt = Infinity;
    who.will = will;
  }

  heard(index: number): void {
    const { connection } = this.of(index);
    if (connection !== null) connection.silenceEndsAt = this.now + connection.allowed;
  }

  goodbye(index: number): void {
    const who = this.of(index);
    this.#settle(who, "discarded");
    this.ends(index);
  }

  /** The connection ends in a way that publishes the will. */
  ends(index: number): void {
    const who = this.of(index);
    who.connection = null;
    who.sessionEndsAt = this.now + (who.expiry ?? 0);
    if (who.will !== null) {
      who.willDueAt = Math.min(this.now + who.will.delay, who.sessionEndsAt);
      if (who.willDueAt > this.now) this.fates.push(`${who.will.name}=due at ${who.willDueAt}`);
    }
    this.#passed(who);
  }

  advance(to: number): void {
    for (;;) {
      const next = Math.min(...this.clients.map((who) => this.#next(who)));
      if (next > to) break;
      this.now = next;
      for (const [index, who] of this.clients.entries()) {
        if (who.connection !== null && who.connection.silenceEndsAt <= next) this.ends(index);
        else if (who.connection === null) this.#passed(who);
      }
    }
    this.now = to;
  }

  /** The next moment at which something is due. */
  next(): number {
    return Math.min(...this.clients.map((who) => this.#next(who)));
  }

  #next(who: ModelClient): number {
    return Math.min(who.connection?.silenceEndsAt ?? Infinity, who.willDueAt, who.sessionEndsAt);
  }

  #passed(who: ModelClient): void {
    if (who.willDueAt <= this.now) this.#settle(who, "published");
    if (who.sessionEndsAt > this.now) return;
    who.sessionEndsAt = Infinity;
    who.expiry = null;
  }

  #settle(who: ModelClient, fate: "published" | "discarded" | "cancelled"): void {
    who.willDueAt = Infinity;
    if (who.will === null) return;
    this.fates.push(`${who.will.name}=${fate}`);
    who.will = null;
  }
}

function milliseconds(interval: number): number {
  return interval === never ? Infinity : interval * 1000;
}

/** A world, its model, and a watcher. */
class Play {
  readonly world = new World();
  readonly model = new Model();
  readonly watcher = watcherOf(this.world, "wills/#");
  #wills = 0;
  #seen = 0;

  run(act: Act): void {
    if (act.act === "advance") return this.#advance(act.milliseconds);
    if (act.act === "connect") {
      this.#connect(act);
    } else {
      const { connection } = this.model.of(act.client);
      if (connection !== null) this.#act(act, connection.socket);
    }
    this.compare();
  }

  #connect(act: Act & { act: "connect" }): void {
    const { version, clean, keepAlive, expiry } = act;
    const id = `c${act.client}`;
    const delay = version === 5 ? (act.will?.delay ?? 0) : 0;
    const name = `wills/${this.#wills++}`;
    if (act.will === null) {
      const socket = this.world.open();
      const properties = version === 5 ? { sessionExpiryInterval: expiry } : undefined;
      socket.connect({
        clientId: id,
        protocolVersion: version,
        clean,
        keepalive: keepAlive,
        ...(properties && { properties }),
      });
      return this.model.connect(act, socket, null);
    }
    const socket = mortal(this.world, {
      id,
      version,
      clean,
      keepalive: keepAlive,
      delay,
      ...(version === 5 && { expiry }),
      will: { topic: name, retain: act.will.retain },
    });
    // No delay is endless: 0xFFFFFFFF seconds are 136 years.
    this.model.connect(act, socket, { name, delay: delay * 1000 });
  }

  #act(act: Exclude<Act, { act: "advance" | "connect" }>, socket: TestClient): void {
    const { model, world } = this;
    const index = act.client;
    switch (act.act) {
      case "publish":
        socket.publish("data", "x", { qos: 1 });
        return model.heard(index);
      case "ping":
        socket.ping();
        return model.heard(index);
      case "violate":
        socket.sendBytes(Uint8Array.of(0xd0, 0x00));
        return model.ends(index);
      case "kick":
        world.driver.order({ type: "kicked", clientId: `c${index}` });
        return model.ends(index);
      case "drop":
        socket.drop(act.how);
        return model.ends(index);
      case "disconnect":
        return this.#disconnect(act, socket);
    }
  }

  #disconnect(act: Act & { act: "disconnect" }, socket: TestClient): void {
    const who = this.model.of(act.client);
    const isV5 = protocolOf(this.world, socket) === "5.0";
    const reason = isV5 ? act.reason : 0;
    const expiry = isV5 ? act.expiry : null;
    socket.send({
      cmd: "disconnect",
      ...(isV5 && { reasonCode: reason }),
      ...(expiry !== null && { properties: { sessionExpiryInterval: expiry } }),
    });
    const raised = expiry !== null && expiry !== 0 && who.expiry === 0;
    if (expiry !== null && !raised) who.expiry = milliseconds(expiry);
    if (reason === 0 && !raised) this.model.goodbye(act.client);
    else this.model.ends(act.client);
  }

  /** Stops a millisecond before each moment at which something is due, and at that moment. */
  #advance(milliseconds: number): void {
    const until = this.world.now + milliseconds;
    while (this.world.now < until) {
      const next = Math.min(this.model.next(), until);
      const before = Math.max(0, next - 1 - this.world.now);
      this.#pass(before);
      this.#pass(next - this.world.now);
    }
  }

  #pass(milliseconds: number): void {
    this.world.advance(milliseconds);
    this.model.advance(this.world.now);
    this.compare();
  }

  /** The events and the watcher show what the model requires: now, neither earlier nor later. */
  compare(): void {
    const told: string[] = [];
    for (const event of this.world.events.slice(this.#seen)) {
      if (event.event !== "ended" && event.event !== "will") continue;
      const { will } = event;
      if (will === null) continue;
      const isDelayed = will.fate === "delayed";
      const fate = isDelayed ? `due at ${will.due - this.world.broker.startedAt}` : will.fate;
      told.push(`${will.topic}=${fate}`);
      if (will.fate === "published") expect(will.at).toBe(will.due);
    }
    this.#seen = this.world.events.length;
    expect(told.toSorted()).toEqual(this.model.fates.toSorted());
    this.model.fates = [];
    const published = told.filter((fate) => fate.endsWith("=published"));
    expect(this.watcher.take("publish").map(({ topic }) => `${topic}=published`)).toEqual(
      published,
    );
  }
}

function protocolOf(world: World, socket: TestClient): string | null | undefined {
  return world.broker.view().connections.find(({ remote }) => remote === socket.remote)?.protocol;
}

/** How each will ended, over all histories: a test that misses a fate proves nothing. */
type Tally = Record<"published" | "discarded" | "cancelled" | "delayed", number>;

test("every will has one fate, the right one, at its due time, in any history", () => {
  const tally: Tally = { published: 0, discarded: 0, cancelled: 0, delayed: 0 };
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 60, size: "max" }), (history) => {
      const play = new Play();
      for (const act of history) play.run(act);
      const connected = play.model.clients.map(({ connection }) => connection?.socket.remote);
      const open = play.world.broker.view().connections.map(({ remote }) => remote);
      expect(open.filter((remote) => remote !== play.watcher.remote).toSorted()).toEqual(
        connected.filter((remote) => remote !== undefined).toSorted(),
      );
      for (const { fate, promised } of auditAtEnd(play.world)) {
        if (fate !== null) tally[fate.fate] += 1;
        if (promised !== null) tally.delayed += 1;
      }
    }),
    { numRuns: 200, includeErrorInReport: true },
  );
  for (const count of Object.values(tally)) expect(count).toBeGreaterThan(20);
});
