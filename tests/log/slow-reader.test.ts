import { expect, test } from "bun:test";
import { LogSink, type LogStream, writeTo } from "../../src/log/sink.ts";
import { millis, now } from "./samples.ts";

/** A reader that completes each write only on command. */
class Reader {
  readonly writes: string[] = [];
  #done: (() => void)[] = [];
  readonly write = (text: string, done: () => void) => {
    this.writes.push(text);
    this.#done.push(done);
  };
  take(): void {
    this.#done.shift()?.();
  }
}

const options = { level: "info", format: "human", color: false, zone: "utc" } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const stopped = { event: "stopped" } as const;

test("the lines of one turn are one write, in order", async () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, write: reader.write });
  sink.note({ event: "stopping", signal: "SIGTERM" }, now);
  sink.note(stopped, millis(now + 1));
  expect(reader.writes).toEqual([]);
  await turn();
  expect(reader.writes).toEqual([
    "15:04:05.123 mqttd is stopping (SIGTERM)\n15:04:05.124 mqttd stopped\n",
  ]);
});

test("no write starts before the reader has completed the previous one", async () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, write: reader.write });
  sink.note(stopped, now);
  sink.flush();
  sink.note(stopped, now);
  sink.note(stopped, now);
  sink.flush();
  await turn();
  expect(reader.writes).toHaveLength(1);
  reader.take();
  expect(reader.writes).toHaveLength(2);
  expect(reader.writes[1]?.split("\n")).toHaveLength(3);
});

test("with a blocked reader memory is bounded, and the loss is logged at its place", () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, write: reader.write });
  sink.note(stopped, now);
  sink.flush();
  const lines = 200_000;
  for (let i = 0; i < lines; i++) sink.note(stopped, now);
  reader.take();
  const kept = reader.writes[1] ?? "";
  expect(kept.length).toBeLessThan(1024 * 1024 + 200);
  const last = kept.trimEnd().split("\n").at(-1) ?? "";
  const dropped = Number(/ (\d+) log lines dropped: the log's reader is slow$/.exec(last)?.[1]);
  expect(dropped + kept.trimEnd().split("\n").length - 1).toBe(lines);
  sink.note(stopped, now);
  reader.take();
  expect(reader.writes[2]).toBe("15:04:05.123 mqttd stopped\n");
});

test("drained resolves once the reader has every line", async () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, write: reader.write });
  await sink.drained();
  sink.note(stopped, now);
  let drained = false;
  const waiting = sink.drained().then(() => {
    drained = true;
  });
  await turn();
  expect([reader.writes.length, drained]).toEqual([1, false]);
  reader.take();
  await waiting;
  expect(drained).toBe(true);
});

test("a blocked reader delays the end no longer than allowed", async () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, write: reader.write });
  sink.note(stopped, now);
  await sink.drained(1);
  expect(reader.writes).toHaveLength(1);
});

test("only lines that pass the level are written, and the level can change", () => {
  const reader = new Reader();
  const sink = new LogSink({ ...options, format: "json", write: reader.write });
  const debug = {
    event: "unsubscribed",
    peer: { clientId: "a", remote: "r" },
    filter: "f",
  } as const;
  expect([sink.logs("warn"), sink.logs("info"), sink.logs("debug")]).toEqual([true, true, false]);
  sink.note(debug, now);
  sink.flush();
  expect(reader.writes).toEqual([]);
  sink.setLevel("debug");
  sink.note(debug, now);
  sink.flush();
  expect(reader.writes).toEqual([
    '{"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"unsubscribed","client":"a","remote":"r","filter":"f"}\n',
  ]);
});

test("a closed reader never throws, and gets no further writes", async () => {
  const failures: ((stream: BrokenStream) => void)[] = [
    (stream) => stream.fail(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    () => {
      throw new Error("write EPIPE");
    },
  ];
  for (const failure of failures) {
    const stream = new BrokenStream(failure);
    const sink = new LogSink({ ...options, write: writeTo(stream) });
    sink.note(stopped, now);
    await sink.drained();
    sink.note(stopped, now);
    await sink.drained();
    expect(stream.writes).toBe(1);
  }
});

class BrokenStream implements LogStream {
  writes = 0;
  readonly #failure: (stream: BrokenStream) => void;
  #done: (error: Error) => void = () => {};
  #listeners: ((error: Error) => void)[] = [];
  constructor(failure: (stream: BrokenStream) => void) {
    this.#failure = failure;
  }
  write(_text: string, done: (error: Error) => void): boolean {
    this.writes++;
    this.#done = done;
    this.#failure(this);
    return false;
  }
  on(_event: "error", listener: (error: Error) => void): this {
    this.#listeners.push(listener);
    return this;
  }
  fail(error: Error): void {
    this.#done(error);
    for (const listener of this.#listeners) listener(error);
  }
}
