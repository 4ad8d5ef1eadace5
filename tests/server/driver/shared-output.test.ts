import { expect, test } from "bun:test";
import { Budget } from "../../../src/core/budget.ts";
import type { ConnectionId } from "../../../src/core/io.ts";
import { Memory } from "../../../src/core/memory.ts";
import { OutboxPool } from "../../../src/server/driver/outbox.ts";
import { Channel } from "../../../src/server/driver/channel.ts";
import { Output } from "../../../src/server/driver/output.ts";
import { Progress } from "../../../src/server/driver/progress.ts";
import type { Link } from "../../../src/transport/transport.ts";

/** An output with one subscriber's channel, and the number of writes to its link. */
class Fixture {
  writes = 0;
  /** Which channel wrote, and how many bytes, in order. */
  readonly log: [ConnectionId, number][] = [];
  readonly budget = new Budget();
  readonly output = new Output(10_000_000, this.budget, new Progress(), {
    isOver: () => this.budget.isUsedUp,
    isShort: () => false,
    enqueue: () => {},
    written: () => {},
    full: () => {},
  });
  readonly subscriber = this.channel(1);

  channel(id: ConnectionId): Channel {
    const link: Link = {
      remote: "",
      isLocal: true,
      descriptor: null,
      owner: null,
      write: (_bytes, start, end) => {
        this.writes += 1;
        this.log.push([id, end - start]);
        return end - start;
      },
      pause() {},
      resume() {},
      end() {},
      reset() {},
      watch() {},
    };
    const listener = { name: "", mountPoint: "", connections: Infinity, allowAnonymous: true };
    const reading = { packetSize: 1000 };
    const shared = { outboxes: new OutboxPool(), memory: new Memory() };
    return new Channel(id, link, listener, reading, shared);
  }

  /** Bytes that wait for a channel, in pieces of 64 KiB. */
  owe(channel: Channel, bytes: number): void {
    const large = new Uint8Array(64 * 1024);
    for (let left = bytes; left > 0; left -= large.length)
      channel.outbox.refer(large, 0, Math.min(left, large.length));
    this.output.add(channel);
  }

  /** A callback of the loop in which packets of a connection cause output for the subscriber. */
  causedBy(source: ConnectionId | null): number {
    const { output, subscriber } = this;
    output.source = source;
    output.send(subscriber, 4, { type: "pingresp" });
    output.flush();
    return this.writes;
  }
}

test("output that one connection causes is written at once", () => {
  const one = new Fixture();
  expect([7, 7, 1, 7, null].map((source) => one.causedBy(source))).toEqual([1, 2, 3, 4, 5]);
});

test("output that several connections cause in one poll is written once, after it", () => {
  const one = new Fixture();
  expect([7, 8, 9, 7].map((source) => one.causedBy(source))).toEqual([1, 1, 1, 1]);
  expect(one.output.hasLater).toBe(true);
  one.output.beginTurn();
  one.output.flush();
  expect(one.writes).toBe(2);
  expect([one.output.hasLater, one.subscriber.outputSize]).toEqual([false, 0]);
  // Only one of them is left.
  expect([8, 8].map((source) => one.causedBy(source))).toEqual([3, 4]);
});

test("a client's answers do not wait for what others caused", () => {
  const one = new Fixture();
  for (const source of [7, 8]) one.causedBy(source);
  one.output.source = one.subscriber.id;
  one.output.send(one.subscriber, 4, { type: "pingresp" });
  one.output.flushOwn(one.subscriber);
  expect([one.writes, one.subscriber.outputSize]).toEqual([2, 0]);
});

test("a client's answers do not wait for what a cut input goes on to cause", () => {
  const one = new Fixture();
  const { output, subscriber } = one;
  one.causedBy(7);
  output.sourceIsCut(7, true);
  output.source = 7;
  output.add(subscriber);
  output.flush();
  expect([one.writes, output.hasLater, output.isFlushed]).toEqual([1, true, true]);
  output.source = subscriber.id;
  output.send(subscriber, 4, { type: "pingresp" });
  output.flushOwn(subscriber);
  expect([one.writes, subscriber.outputSize]).toEqual([2, 0]);
  output.sourceIsCut(7, false);
  expect([output.isFlushed, output.hasLater]).toEqual([false, false]);
  output.flush();
  expect(output.isFlushed).toBe(true);
});

test("channels with little output go ahead of those with much, who take turns, a piece each", () => {
  const one = new Fixture();
  for (const id of [11, 12]) one.owe(one.channel(id), 256 * 1024);
  one.causedBy(null);
  const pieces = [11, 12, 11, 12].flatMap((id) => [id, id]).map((id) => [id, 64 * 1024]);
  expect(one.log).toEqual([[1, 2], ...pieces] as typeof one.log);
  expect(one.output.isFlushed).toBe(true);
});

test("what is much waits behind that of others, although it answers the client's own packets", () => {
  const one = new Fixture();
  const { output, subscriber } = one;
  one.owe(one.channel(11), 256 * 1024);
  one.budget.limit = 0;
  output.flush();
  for (const bytes of [1000, 100_000]) {
    one.log.length = 0;
    output.source = subscriber.id;
    one.owe(subscriber, bytes);
    output.flushOwn(subscriber);
    const written = bytes > 10_000 ? [] : [[1, bytes]];
    expect(one.log).toEqual(written as typeof one.log);
  }
});

test("those with much get a piece each turn, whatever else there is to write", () => {
  const one = new Fixture();
  one.owe(one.channel(11), 256 * 1024);
  for (let id = 100; id < 200; id++) one.owe(one.channel(id), 10);
  const turn = (limit: number): ConnectionId[] => {
    one.log.length = 0;
    one.budget.spent = 0;
    one.budget.limit = limit;
    one.output.beginTurn();
    one.output.flush();
    return one.log.map(([id]) => id);
  };
  // Even with a budget that is used up at once.
  expect(turn(1)).toEqual([100, 11, 11]);
  // A write of 10 bytes takes 3 units. Of those with much there is one, so the others go on.
  const ids = turn(60);
  expect(ids.slice(0, 12)).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 11, 11]);
  // A callback of the loop that finds the turn over writes nothing of them.
  one.owe(one.channel(12), 256 * 1024);
  one.log.length = 0;
  one.budget.spent = 100;
  one.output.flush();
  expect(one.log).toHaveLength(1);
});
