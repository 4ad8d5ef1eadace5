import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Places } from "../../../src/server/admin/places.ts";

/** As much of a socket as a place needs. */
class Fake extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function fake(): Fake & Socket {
  return new Fake() as Fake & Socket;
}

test("places: there are so many, and one that is left is free", () => {
  const places = new Places(2);
  const [a, b, c, d] = [fake(), fake(), fake(), fake()] as const;
  expect([places.take(a, 0), places.take(b, 0), places.take(c, 0)]).toEqual([true, true, false]);
  a.destroy();
  expect([places.take(d, 0), places.take(c, 0)]).toEqual([true, false]);
});

test("places: the one that has let us wait for the longest makes room, after a moment", () => {
  const places = new Places(3);
  const [silent, idle, stalled, newcomer, next] = [fake(), fake(), fake(), fake(), fake()] as const;
  places.take(silent, 0);
  places.take(idle, 0);
  places.take(stalled, 0);
  places.asked(idle);
  places.answered(idle, 100);
  places.asked(stalled);
  places.waits(stalled, 200);
  expect(places.take(newcomer, 999)).toBe(false);
  expect(places.take(newcomer, 1000)).toBe(true);
  expect([silent.destroyed, idle.destroyed, stalled.destroyed]).toEqual([true, false, false]);
  places.asked(newcomer);
  expect([places.take(next, 1100), idle.destroyed]).toEqual([true, true]);
  expect(places.take(silent, 1200)).toBe(true);
  expect(stalled.destroyed).toBe(true);
});

test("places: who waits for us keeps the place, however long it takes", () => {
  const places = new Places(1);
  const [waiting, newcomer] = [fake(), fake()] as const;
  places.take(waiting, 0);
  places.asked(waiting);
  expect(places.take(newcomer, 1e9)).toBe(false);
  // It takes what it gets, now and then.
  places.waits(waiting, 1e9);
  places.took(waiting);
  expect(places.take(newcomer, 2e9)).toBe(false);
  // Of two requests on one connection, one is still answered.
  places.asked(waiting);
  places.answered(waiting, 2e9);
  expect(places.take(newcomer, 3e9)).toBe(false);
  places.answered(waiting, 3e9);
  expect(places.take(newcomer, 3e9 + 1000)).toBe(true);
});
