import { describe, expect, test } from "bun:test";
import { FrameTurns } from "../../src/transport/frame-turns.ts";

/** Turns that come when the test says so. */
class Loop {
  /** Bytes of frames that may wait. */
  waitingMax = 64 * 1024 * 1024;
  readonly turns = new FrameTurns(
    (work) => void this.#work.push(work),
    () => this.waitingMax,
  );
  #work: (() => void)[] = [];

  /** Returns whether there was anything to do. */
  turn(): boolean {
    const works = this.#work;
    this.#work = [];
    for (const work of works) work();
    return works.length > 0;
  }
}

/** A link on which so many frames wait, of six bytes each. */
class Waiting {
  readonly #turns: FrameTurns;
  left: number;
  wasGivenUp = false;

  constructor({ turns }: Loop, frames: number) {
    this.#turns = turns;
    this.left = frames;
    turns.hold(6 * frames);
    turns.add(this);
  }

  readOn(frames: number): boolean {
    for (let read = 0; read < frames && this.left > 0 && !this.#turns.isOver; read++) this.#take(1);
    return this.left > 0;
  }

  giveUp(): void {
    this.wasGivenUp = true;
    this.#take(this.left);
  }

  #take(frames: number): void {
    this.left -= frames;
    if (!this.wasGivenUp) this.#turns.spend(frames);
    this.#turns.hold(-6 * frames);
  }
}

const many = 1_000_000;
const framesOfTurn = 4000;

describe("turns of WebSocket frames", () => {
  test("a link with one frame is served in the next turn, whoever waits", () => {
    const loop = new Loop();
    const busy = Array.from({ length: 200 }, () => new Waiting(loop, 10_000));
    // Until each has had its first slice.
    for (let turn = 0; turn < 20; turn++) loop.turn();
    const before = busy.map(({ left }) => left);
    for (let turn = 0; turn < 200; turn++) {
      const light = new Waiting(loop, 1);
      loop.turn();
      expect(light.left).toBe(0);
    }
    // Nobody of the others has to wait for another one.
    const read = busy.map(({ left }, at) => (before[at] ?? 0) - left);
    expect(Math.min(...read)).toBeGreaterThan(0);
    expect(Math.max(...read) - Math.min(...read)).toBeLessThanOrEqual(2 * 200);
  });

  test("many that have just come do not keep those waiting that were cut", () => {
    const loop = new Loop();
    const cut = new Waiting(loop, 10_000);
    loop.turn();
    const before = cut.left;
    for (let turn = 0; turn < 3; turn++) {
      for (let come = 0; come < 100; come++) void new Waiting(loop, 100);
      loop.turn();
    }
    expect(cut.left).toBeLessThan(before);
  });

  test("a turn has its frames and no more, and leaves some to the poll that follows", () => {
    const loop = new Loop();
    const busy = Array.from({ length: 10 }, () => new Waiting(loop, 10_000));
    const sum = (): number => busy.reduce((total, { left }) => total + left, 0);
    for (let before = sum(); before > 0; before = sum()) {
      expect(loop.turn()).toBe(true);
      expect(before - sum()).toBeLessThan(framesOfTurn);
      if (sum() > 0) expect(loop.turns.isOver).toBe(false);
    }
    // One to begin with all frames again.
    loop.turn();
    expect(loop.turn()).toBe(false);
  });

  test("beyond the limit for bytes that wait, those that have waited for longest are given up", () => {
    const loop = new Loop();
    const old = Array.from({ length: 5 }, () => new Waiting(loop, many));
    loop.turn();
    const late = Array.from({ length: 10 }, () => new Waiting(loop, many));
    loop.turn();
    // 15 times 6 MB wait, and room is for 11 of them.
    expect(old.filter(({ wasGivenUp }) => wasGivenUp).length).toBe(4);
    expect(late.some(({ wasGivenUp }) => wasGivenUp)).toBe(false);
    // A smaller limit applies to those that wait already.
    loop.waitingMax = 36e6;
    loop.turn();
    const givenUp = [...old, ...late].filter(({ wasGivenUp }) => wasGivenUp);
    expect(givenUp.length).toBe(9);
  });
});
