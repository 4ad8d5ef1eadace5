import { describe, expect, test } from "bun:test";
import type { BrokerEvent, WillAtEnd, WillFate } from "../../src/core/events.ts";
import { auditEvents } from "../support/will-audit.ts";
import { mortal } from "../support/mortal.ts";
import { World } from "../support/world.ts";

/** The events of a real world, to be forged. */
function eventsOf(play: (world: World) => void): BrokerEvent[] {
  const world = new World();
  play(world);
  return world.events.filter((event): event is BrokerEvent => event.event in kinds);
}

const kinds = { connected: true, ended: true, will: true };

const published = eventsOf((world) => mortal(world).drop("reset"));
const discarded = eventsOf((world) => mortal(world).send({ cmd: "disconnect" }));
const delayed = eventsOf((world) => {
  mortal(world, { delay: 5, expiry: 60 }).drop("reset");
  world.advance(5000);
});

function withWillAtEnd(events: readonly BrokerEvent[], will: WillAtEnd | null): BrokerEvent[] {
  return events.map((event) => (event.event === "ended" ? { ...event, will } : event));
}

function withFate(events: readonly BrokerEvent[], change: (fate: WillFate) => WillFate) {
  return events.map((event) =>
    event.event === "will" ? { ...event, will: change(event.will) } : event,
  );
}

const topic = "wills/mortal";
const forged: Readonly<Record<string, readonly BrokerEvent[]>> = {
  "a connection that ends twice": [...published, ...published.slice(-1)],
  "a will without a fate": withWillAtEnd(published, null),
  "a fate without a will": published.map((event) =>
    event.event === "connected" ? { ...event, will: null } : event,
  ),
  "a second fate": [...delayed, ...delayed.slice(-1)],
  "a fate in the end and another one later": [...published, ...delayed.slice(-1)],
  "a will that is discarded without a goodbye": withWillAtEnd(published, {
    fate: "discarded",
    topic,
    why: "disconnect",
  }),
  "a will that is published after a goodbye": discarded.map((event, index) =>
    event.event === "ended" ? { ...event, will: willOf(published[index]) } : event,
  ),
  "a will that is cancelled by a reset": withWillAtEnd(published, {
    fate: "cancelled",
    topic,
    why: "resumed",
  }),
  "another will's topic": delayed.map((event) =>
    event.event === "will" ? { ...event, will: { ...event.will, topic: "other" } } : event,
  ),
  "a will that is published early": withFate(delayed, (fate) =>
    fate.fate === "published" ? { ...fate, at: forgeTime(fate.at, -1) } : fate,
  ),
  "a will that is due at another time than was said": withFate(delayed, (fate) =>
    fate.fate === "published" ? { ...fate, due: forgeTime(fate.due, -1) } : fate,
  ),
  "an end that forgets that CONNECT was accepted": published.map((event) =>
    event.event === "ended" ? { ...event, wasConnected: false } : event,
  ),
};

function willOf(event: BrokerEvent | undefined): WillAtEnd | null {
  return event?.event === "ended" ? event.will : null;
}

/** The brand reserves such times to the clock; a forger makes them too. */
function forgeTime<Time extends number>(time: Time, by: number): Time {
  return (time + by) as Time;
}

describe("the audit of wills finds each error", () => {
  for (const [what, events] of Object.entries(forged)) {
    test(what, () => expect(() => auditEvents(events)).toThrow("the audit fails"));
  }
});

test("the audit of wills accepts correct events", () => {
  expect(auditEvents(published).map(({ fate }) => fate?.fate)).toEqual(["published"]);
  expect(auditEvents(discarded).map(({ fate }) => fate?.fate)).toEqual(["discarded"]);
  expect(auditEvents(delayed).map(({ fate }) => fate?.fate)).toEqual(["published"]);
  expect(auditEvents(delayed.slice(0, -1)).map(({ state }) => state)).toEqual(["delayed"]);
});
