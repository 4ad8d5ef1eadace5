import { expect, test } from "bun:test";
import { CheckQueue } from "../../../src/server/accounts/check-queue.ts";

/** A queue whose checks end when the test says so, and what it did, in order. */
class Scene {
  readonly log: string[] = [];
  readonly queue: CheckQueue;
  readonly #ends = new Map<string, () => void>();
  readonly #turns: (() => void)[] = [];

  constructor(atOnce: number, waitingMax: number) {
    const soon = (work: () => void) => void this.#turns.push(work);
    this.queue = new CheckQueue({ atOnce, waitingMax, soon });
  }

  add(address: string, username: string, label = `${address} ${username}`): void {
    this.queue.add({
      address,
      username,
      run: async () => {
        this.log.push(label);
        return new Promise((resolve) => this.#ends.set(label, resolve));
      },
      refuse: () => this.log.push(`refused ${label}`),
    });
  }

  async end(label: string): Promise<void> {
    this.#ends.get(label)?.();
    await Promise.resolve();
    await Promise.resolve();
  }

  turn(): void {
    for (const work of this.#turns.splice(0)) work();
  }
}

test("no more run at once than allowed; the others wait in order", async () => {
  const scene = new Scene(2, 10);
  for (const user of ["1", "2", "3", "4"]) scene.add("a", user);
  expect(scene.log).toEqual(["a 1", "a 2"]);
  expect(scene.queue.waiting).toBe(2);
  await scene.end("a 2");
  expect(scene.log).toEqual(["a 1", "a 2", "a 3"]);
  await scene.end("a 1");
  expect(scene.log).toEqual(["a 1", "a 2", "a 3", "a 4"]);
  expect(scene.queue.waiting).toBe(0);
});

test("addresses take turns, and the user names of one address too", async () => {
  const scene = new Scene(1, 100);
  for (const n of [1, 2, 3]) scene.add("flood", "x", `flood x${n}`);
  for (const n of [1, 2]) scene.add("flood", "y", `flood y${n}`);
  scene.add("home", "me");
  scene.add("away", "me");
  const order = ["flood x1", "flood x2", "home me", "away me", "flood y1", "flood x3", "flood y2"];
  for (const label of order) await scene.end(label);
  expect(scene.log).toEqual(order);
});

test("a full queue refuses a check of the address with most, and its newest", () => {
  const scene = new Scene(1, 4);
  scene.add("home", "me", "runs");
  for (const n of [1, 2, 3]) scene.add("flood", "x", `flood x${n}`);
  scene.add("flood", "y");
  scene.add("home", "me");
  expect(scene.log).toEqual(["runs", "refused flood x3"]);
  scene.add("flood", "x", "flood x4");
  expect(scene.log.at(-1)).toBe("refused flood x4");
  expect(scene.queue.waiting).toBe(4);
});

test("a check that was taken out does not run", async () => {
  const scene = new Scene(1, 10);
  scene.add("a", "1");
  const check = {
    address: "a",
    username: "2",
    run: () => {
      scene.log.push("ran");
      return null;
    },
    refuse: () => {},
  };
  scene.queue.add(check);
  expect(scene.queue.remove(check)).toBe(true);
  expect(scene.queue.remove(check)).toBe(false);
  await scene.end("a 1");
  expect(scene.log).toEqual(["a 1"]);
});

test("checks that need no work give the loop back", () => {
  const scene = new Scene(1, 1000);
  const ran: number[] = [];
  scene.queue.waitingMax = 1000;
  const until = performance.now() + 3;
  // The first takes the time of a turn; those after it wait for the next one.
  scene.queue.add({
    address: "a",
    username: "u",
    run: () => {
      while (performance.now() < until);
      return null;
    },
    refuse: () => {},
  });
  for (let n = 0; n < 10; n++) {
    scene.queue.add({
      address: "a",
      username: `${n}`,
      run: () => {
        ran.push(n);
        return null;
      },
      refuse: () => {},
    });
  }
  expect(ran).toEqual([]);
  // One turn, or several where this process is held up in the middle of one.
  for (let turns = 0; turns < 10 && ran.length < 10; turns++) scene.turn();
  expect(ran).toHaveLength(10);
});
