import { describe, expect, test } from "bun:test";
import { Drain } from "../../src/transport/drain.ts";
import { eventually } from "../support/inbox.ts";
import { dial, listening, Recorder, say, transports } from "./transports.ts";

const mebibyte = 1024 * 1024;
const perSecond = (): number => 160 * mebibyte;

/** A link whose peer sends on as fast as it is read. */
class Sender {
  read = 0;
  isPaused = false;
  readonly #drain: Drain;

  constructor(drain: Drain) {
    this.#drain = drain;
  }

  pauseDrain(): void {
    this.isPaused = true;
  }

  resumeDrain(): void {
    this.isPaused = false;
  }

  arrive(): void {
    if (this.isPaused) return;
    this.read += mebibyte / 2;
    this.#drain.dropped(this, mebibyte / 2);
  }
}

describe("what ended connections send", () => {
  test("is read in portions, and each has its turn", () => {
    let works: (() => void)[] = [];
    const drain = new Drain(perSecond, (work) => void works.push(work));
    const senders = Array.from({ length: 100 }, () => new Sender(drain));
    const sum = (): number => senders.reduce((bytes, { read }) => bytes + read, 0);
    const poll = (): void => senders.forEach((sender) => sender.arrive());
    for (let round = 0; round < 20; round++) poll();
    // 16 MiB, and what each brought before it was paused.
    expect(sum()).toBeLessThanOrEqual((16 + 50) * mebibyte);
    for (let interval = 0; interval < 30; interval++) {
      const before = sum();
      const due = works;
      works = [];
      expect(due.length).toBe(1);
      for (const work of due) work();
      for (let round = 0; round < 20; round++) poll();
      expect(sum() - before).toBeLessThanOrEqual(24 * mebibyte);
    }
    expect(Math.min(...senders.map(({ read }) => read))).toBeGreaterThan(mebibyte);
  });

  test("is as much a second as the limit of the moment says", () => {
    let works: (() => void)[] = [];
    let limit = 10 * mebibyte;
    const drain = new Drain(
      () => limit,
      (work) => void works.push(work),
    );
    const senders = Array.from({ length: 10 }, () => new Sender(drain));
    const sum = (): number => senders.reduce((bytes, { read }) => bytes + read, 0);
    const interval = (): number => {
      const before = sum();
      const due = works;
      works = [];
      for (const work of due) work();
      for (let round = 0; round < 20; round++) for (const one of senders) one.arrive();
      return sum() - before;
    };
    for (let begun = 0; begun < 10; begun++) interval();
    // A tenth of a second, and the chunk that goes beyond it.
    for (let at = 0; at < 10; at++) expect(interval()).toBe(1.5 * mebibyte);
    limit *= 3;
    interval();
    for (let at = 0; at < 10; at++) expect(interval()).toBeGreaterThan(3 * mebibyte);
  });

  test("one that has little left is never paused, nor one that is closed resumed", () => {
    let works: (() => void)[] = [];
    const drain = new Drain(perSecond, (work) => void works.push(work));
    const [one, other] = [new Sender(drain), new Sender(drain)];
    one.arrive();
    expect(one.isPaused).toBe(false);
    for (let round = 0; round < 40; round++) other.arrive();
    expect(other.isPaused).toBe(true);
    drain.forget(other);
    for (const work of works) work();
    works = [];
    expect(other.isPaused).toBe(true);
  });
});

const onSockets = transports.filter(([name]) => /^(?:tcp|unix)-/.test(name));
describe.each(onSockets)("%s", (_, make, at) => {
  test("a peer that sends on after the end is read to its end, and hears the last words", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      say(link, "refused");
      link.end();
      const block = new Uint8Array(mebibyte);
      // More than the system's buffers and two portions hold.
      let sent = 0;
      await eventually(
        () => {
          const taken = peer.socket.write(block);
          sent += Math.max(0, taken);
          return sent > 48 * mebibyte || taken < 0;
        },
        () => `${sent} bytes were taken`,
      );
      expect(sent).toBeGreaterThan(48 * mebibyte);
      expect(await peer.ended).toBe("eof");
      expect(peer.text).toBe("refused");
      peer.rst();
    });
  });
});
