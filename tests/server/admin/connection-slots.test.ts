import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { ConnectionSlots } from "../../../src/server/admin/connection-slots.ts";

/** The part of a socket that a slot needs. */
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

test("slots: their number is limited, and a released one is free", () => {
  const slots = new ConnectionSlots(2);
  const [a, b, c, d] = [fake(), fake(), fake(), fake()] as const;
  expect([slots.accept(a, 0), slots.accept(b, 0), slots.accept(c, 0)]).toEqual([true, true, false]);
  a.destroy();
  expect([slots.accept(d, 0), slots.accept(c, 0)]).toEqual([true, false]);
});

test("slots: the client that has kept the server waiting the longest makes room, after a moment", () => {
  const slots = new ConnectionSlots(3);
  const [silent, idle, stalled, newcomer, next] = [fake(), fake(), fake(), fake(), fake()] as const;
  slots.accept(silent, 0);
  slots.accept(idle, 0);
  slots.accept(stalled, 0);
  slots.requestBegan(idle);
  slots.requestEnded(idle, 100);
  slots.requestBegan(stalled);
  slots.blocked(stalled, 200);
  expect(slots.accept(newcomer, 999)).toBe(false);
  expect(slots.accept(newcomer, 1000)).toBe(true);
  expect([silent.destroyed, idle.destroyed, stalled.destroyed]).toEqual([true, false, false]);
  slots.requestBegan(newcomer);
  expect([slots.accept(next, 1100), idle.destroyed]).toEqual([true, true]);
  expect(slots.accept(silent, 1200)).toBe(true);
  expect(stalled.destroyed).toBe(true);
});

test("slots: a client that waits for the server keeps its slot, however long it takes", () => {
  const slots = new ConnectionSlots(1);
  const [waiting, newcomer] = [fake(), fake()] as const;
  slots.accept(waiting, 0);
  slots.requestBegan(waiting);
  expect(slots.accept(newcomer, 1e9)).toBe(false);
  // It reads its answer at intervals.
  slots.blocked(waiting, 1e9);
  slots.drained(waiting);
  expect(slots.accept(newcomer, 2e9)).toBe(false);
  // Of two requests on one connection, one is still to be answered.
  slots.requestBegan(waiting);
  slots.requestEnded(waiting, 2e9);
  expect(slots.accept(newcomer, 3e9)).toBe(false);
  slots.requestEnded(waiting, 3e9);
  expect(slots.accept(newcomer, 3e9 + 1000)).toBe(true);
});
