import { expect, test } from "bun:test";
import { Broker } from "../../src/core/broker.ts";
import { after, type Millis } from "../../src/core/io.ts";
import { levelOf, type LogEvent } from "../../src/log/events.ts";

const listener = { name: "tls", mountPoint: "", connections: Infinity, allowAnonymous: true };
const start = 0 as Millis;

/** What a broker notes when so many handshakes fail at once, and within the second after it. */
function noted(handshakes: number): LogEvent[] {
  const broker = new Broker({}, start);
  const events: LogEvent[] = [];
  const handle = (input: Parameters<Broker["handle"]>[0], now: Millis): void => {
    for (const effect of broker.handle(input, now))
      if (effect.type === "note") events.push(effect.event);
  };
  for (let connection = 1; connection <= handshakes; connection += 1) {
    const remote = `192.0.2.7:${connection}`;
    handle({ type: "opened", connection, remote, isLocal: false, listener, token: "" }, start);
    const how = "tlsFailed" as const;
    handle({ type: "closed", connection, how, detail: "it gave no certificate" }, start);
  }
  const unread = { asked: 0, connections: new Set<number>(), newcomers: false };
  for (const ms of [1000, 2000, 3000]) handle({ type: "deadline", unread }, after(start, ms));
  return events;
}

const told = (events: readonly LogEvent[]): number =>
  events.filter((event) => event.event === "ended" && levelOf(event) === "info").length;

test("a few failed handshakes are a line each", () => {
  const events = noted(20);
  expect(told(events)).toBe(20);
  expect(events.filter(({ event }) => event === "crowded")).toEqual([]);
});

test("of thousands, some are a line each, and one line a second counts the others", () => {
  const events = noted(1000);
  expect(events.filter(({ event }) => event === "ended")).toHaveLength(1000);
  expect(told(events)).toBe(20);
  expect(events.filter(({ event }) => event === "crowded")).toEqual([
    { event: "crowded", reset: 0, failed: 980, withinMs: 1000 },
  ]);
});
