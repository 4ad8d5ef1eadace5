import { expect, test } from "bun:test";
import type { Changes, StoreFailure } from "../../src/core/durable.ts";
import { BackgroundCommits } from "../../src/store/background.ts";

/** Background commits whose file takes a batch when the test says so. */
class Bench {
  readonly commits: BackgroundCommits;
  written = 0;
  done = 0;
  #write: ((failure: StoreFailure | null) => void) | null = null;

  constructor() {
    const loop = { soon: (work: () => void) => work(), after: () => null };
    const write = (_: Changes, done: (failure: StoreFailure | null) => void): void =>
      void (this.#write = done);
    this.commits = new BackgroundCommits(write, loop, () => {});
  }

  commit(payloadBytes: number): void {
    const payload = new Uint8Array(payloadBytes);
    const value = { message: 1, topic: "t", payload, qos: 1, retain: false } as const;
    const message = { ...value, properties: null, expiresAt: null };
    this.commits.commit([{ put: "message", value: message }], () => void (this.done += 1));
  }

  write(): void {
    this.written += 1;
    this.#write?.(null);
  }
}

test("without durability a batch is done at once, until sixteen wait", () => {
  const bench = new Bench();
  for (let number = 0; number < 16; number++) bench.commit(10);
  expect(bench.done).toBe(15);
  bench.write();
  expect(bench.done).toBe(16);
});

test("a batch is done late once those that wait have 16 MiB of payloads", () => {
  const bench = new Bench();
  const large = 6 * 1024 * 1024;
  for (let number = 0; number < 3; number++) bench.commit(large);
  expect(bench.done).toBe(2);
  bench.write();
  expect(bench.done).toBe(3);
  bench.commit(large / 2);
  expect(bench.done).toBe(4);
  for (let number = 0; number < 3; number++) bench.write();
  expect(bench.commits.isIdle).toBe(true);
});
