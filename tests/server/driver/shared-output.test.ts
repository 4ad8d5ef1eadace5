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
  readonly output = new Output(1000, new Budget(), new Progress(), {
    isOver: () => false,
    isShort: () => false,
    enqueue: () => {},
    written: () => {},
    full: () => {},
  });
  readonly subscriber: Channel;

  constructor() {
    const link: Link = {
      remote: "",
      isLocal: true,
      descriptor: null,
      owner: null,
      write: (_bytes, start, end) => {
        this.writes += 1;
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
    this.subscriber = new Channel(1, link, listener, reading, new OutboxPool(), new Memory());
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
