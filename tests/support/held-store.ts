import type { Changes, Commit, StoreFailure } from "../../src/core/durable.ts";
import type { Millis } from "../../src/core/io.ts";
import type { ConnectOptions, TestClient } from "./client.ts";
import { ShadowStore } from "./shadow-store.ts";
import { World, type WorldOptions } from "./world.ts";

interface Batch {
  readonly changes: Changes;
  readonly done: Parameters<Commit>[1];
}

/** A store that keeps a batch when the test says so. */
export class HeldStore {
  readonly kept: ShadowStore;
  /** Batches so far. */
  batches = 0;
  #batch: Batch | null = null;

  constructor(kept = new ShadowStore()) {
    this.kept = kept;
  }

  readonly commit: Commit = (changes, done) => {
    if (this.#batch !== null) throw new Error("one commit is under way");
    this.batches += 1;
    this.#batch = { changes, done };
  };

  /** The batch under way; null: none is. */
  get waiting(): Changes | null {
    return this.#batch?.changes ?? null;
  }

  keep(): void {
    const { changes, done } = this.#take();
    this.kept.apply(changes);
    done(null);
  }

  fail(failure: StoreFailure): void {
    this.#take().done(failure);
  }

  #take(): Batch {
    const batch = this.#batch;
    if (batch === null) throw new Error("no commit is under way");
    this.#batch = null;
    return batch;
  }
}

/** A world whose broker has a store that the test holds. */
export class StoredWorld extends World {
  readonly store: HeldStore;

  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}, kept = new ShadowStore()) {
    const store = new HeldStore(kept);
    super({ ...options, commit: store.commit });
    this.store = store;
    this.#options = options;
  }

  /**
   * The broker is killed, and another starts `downMs` later with what the store has, whose last sign
   * of life was so long before the death.
   */
  restart(downMs = 0, heartbeatAgoMs = 0, options: WorldOptions = this.#options): StoredWorld {
    const next = this.load(downMs, heartbeatAgoMs, options);
    next.listen();
    return next;
  }

  /** As `restart`, but clients can't connect yet. */
  load(downMs = 0, heartbeatAgoMs = 0, options: WorldOptions = this.#options): StoredWorld {
    const kept = this.store.kept.copy();
    const next = new StoredWorld({ ...options, startedAt: this.wall + downMs }, kept);
    const heartbeatAt = (this.wall - heartbeatAgoMs) as Millis;
    const isBehind = this.driver.isBehind;
    next.driver.order({ type: "loaded", part: kept.load(), heartbeatAt, isBehind });
    return next;
  }

  /** Clients can connect. */
  listen(): void {
    this.driver.order({ type: "listening" });
    this.check();
  }

  /** Keeps batches until none is left. */
  keep(): void {
    this.check();
    while (this.store.waiting !== null) {
      this.store.keep();
      this.check();
    }
  }

  fail(failure: Partial<StoreFailure> = {}): void {
    this.store.fail({ isFull: false, detail: "input/output error", isNoted: true, ...failure });
    this.check();
  }
}

/** A client that connects, once that is kept. */
export function connected(world: StoredWorld, options: ConnectOptions): TestClient {
  const client = world.open();
  client.connect(options);
  world.keep();
  client.take("connack");
  return client;
}

/** A client with a session that outlives its connection, subscribed to `t`, once that is kept. */
export function subscribed(world: StoredWorld, clientId = "s", qos: 0 | 1 | 2 = 1): TestClient {
  const client = world.open();
  const properties = { sessionExpiryInterval: 60 };
  client.connect({ clientId, clean: false, protocolVersion: 5, properties });
  client.subscribe({ topic: "t", qos });
  world.keep();
  client.take("connack");
  client.take("suback");
  return client;
}

/** A client with a will, `w=gone`, and one that is subscribed to it; both are kept as far as needed. */
export function watched(world: StoredWorld): {
  readonly [who in "client" | "watcher"]: TestClient;
} {
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("w");
  const client = world.open();
  const will = { topic: "w", payload: Buffer.from("gone"), qos: 0, retain: false } as const;
  client.connect({ clientId: "a", will });
  world.keep();
  return { client, watcher };
}
