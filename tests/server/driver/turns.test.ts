import { expect, test } from "bun:test";
import { Budget } from "../../../src/core/budget.ts";
import { Clock } from "../../../src/server/driver/clock.ts";
import { Turns } from "../../../src/server/driver/turns.ts";
import { World } from "../../support/world.ts";

interface Task {
  readonly name: string;
  units: number;
  busyUntil: number;
  /** What the turns believe of the units; Infinity: it is not urgent. */
  readonly workAhead: number;
}

/** A task that is no light one. */
function task(name: string, units: number): Task {
  return { name, units, busyUntil: 0, workAhead: Infinity };
}

function light(name: string, units: number): Task {
  return { name, units, busyUntil: 0, workAhead: units };
}

/** Turns whose loop the test runs, one turn at a time. */
class Bench {
  readonly budget = new Budget();
  readonly turns: Turns<Task>;
  readonly clock: Clock;
  /** Work done in this turn, in order. */
  log: string[] = [];
  due = 0;
  isLate = false;
  output = 0;
  #next: (() => void) | null = null;
  now = 0;

  constructor(units: number, msOfUnit = 0) {
    const clock = new Clock({ monotonic: () => this.now, wall: () => 0, sinceBoot: () => 0 });
    this.clock = clock;
    const spend = (name: string): void => {
      this.budget.spent += 1;
      this.now += msOfUnit;
      this.log.push(name);
    };
    this.turns = new Turns<Task>(
      (work) => void (this.#next = work),
      clock,
      this.budget,
      {
        begin: () => this.turns.begin(clock.now()),
        due: () => {
          for (; this.due > 0 && !this.turns.isOver; this.due--) spend("due");
          return this.due > 0;
        },
        isLate: () => this.isLate,
        flush: () => {
          for (; this.output > 0 && !this.turns.isOver; this.output--) spend("output");
          return this.output > 0;
        },
        run: (task) => {
          const before = this.budget.spent;
          do {
            task.units -= 1;
            spend(task.name);
          } while (task.units > 0 && this.turns.mayWork(task));
          this.turns.charge(task, this.budget.spent - before);
          return task.units > 0;
        },
        end: () => this.turns.end(),
      },
      units,
    );
  }

  /** Runs the next turn and returns how much of what it did; null: no turn was asked for. */
  turn(): Record<string, number> | null {
    const run = this.#next;
    if (run === null) return null;
    this.#next = null;
    this.log = [];
    run();
    const counts: Record<string, number> = {};
    for (const name of this.log) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }
}

test("each kind of work has its part of a turn, and a part is left for the callbacks that follow", () => {
  const bench = new Bench(120);
  const old = task("old", 1000);
  bench.turns.add(old);
  // Alone, it gets what the others leave.
  expect(bench.turn()).toEqual({ old: 100 });
  bench.due = 1000;
  bench.turns.addDue();
  bench.turns.add(task("fresh", 5));
  expect(bench.turn()).toEqual({ due: 20, fresh: 5, old: 75 });
  bench.output = 30;
  expect(bench.turn()).toEqual({ due: 20, output: 30, old: 50 });
  expect(bench.budget.isUsedUp).toBe(false);
});

test("what was cut is not continued while output waits, which it would add to", () => {
  const bench = new Bench(120);
  bench.turns.add(task("old", 1000));
  bench.turn();
  bench.output = 150;
  expect(bench.turn()).toEqual({ output: 100 });
  expect(bench.turn()).toEqual({ output: 50, old: 50 });
});

test("what is due and late has two more parts of its turn, which keep the other kinds' own", () => {
  const bench = new Bench(120);
  bench.turns.add(task("old", 1000));
  bench.turn();
  const more = (): Record<string, number> | null => {
    bench.due = 1000;
    bench.output = 1000;
    bench.turns.addDue();
    for (let number = 0; number < 50; number++) bench.turns.addEnd(task("end", 2));
    bench.turns.add(task("new", 1));
    return bench.turn();
  };
  expect(more()).toMatchObject({ due: 20, output: 40, end: 39, new: 1 });
  bench.isLate = true;
  expect(more()).toMatchObject({ due: 60, output: 40, end: 39, new: 1 });
});

test("ends wait for nobody's long work, and keep nobody who has just arrived waiting", () => {
  const bench = new Bench(120);
  bench.turns.add(task("old", 1000));
  bench.turn();
  for (let number = 0; number < 100; number++) bench.turns.addEnd(task("end", 2));
  expect(bench.turns.hasEnds).toBe(true);
  bench.turns.add(task("ping", 1));
  // What the others leave of their parts is for the ends.
  expect(bench.turn()).toEqual({ ping: 1, end: 80, old: 19 });
  expect(bench.log[0]).toBe("ping");
  bench.output = 1000;
  expect(bench.turn()).toMatchObject({ end: 40 });
  bench.output = 0;
  while (bench.turn() !== null);
  expect(bench.turns.hasEnds).toBe(false);
});

test("tasks that were cut take turns, a slice each, and one that has just arrived goes first", () => {
  const bench = new Bench(120);
  for (let number = 0; number < 20; number++) bench.turns.add(task(`t${number}`, 50));
  const first = bench.turn() ?? {};
  expect(Object.keys(first)).toEqual(["t0", "t1", "t2", "t3", "t4", "t5"]);
  expect(first).toMatchObject({ t0: 20, t3: 20, t4: 10 });
  bench.turns.add(task("new", 1));
  bench.turn();
  // Those that arrived earlier had not had their first slice.
  expect(bench.log.indexOf("new")).toBe(-1);
  bench.turn();
  expect(bench.log.indexOf("new")).toBeLessThan(60);
  let turns = 0;
  while (bench.turn() !== null) turns += 1;
  expect(turns).toBeLessThan(12);
});

test("newcomers go ahead of those that have just arrived, who keep a part for themselves", () => {
  const bench = new Bench(120);
  for (let number = 0; number < 20; number++) bench.turns.add(task(`t${number}`, 50));
  for (let number = 0; number < 20; number++) bench.turns.addNewcomer(task("new", 5));
  // The one that was cut has what is left.
  expect(bench.turn()).toEqual({ new: 50, t0: 50 });
  expect(bench.log.indexOf("t0")).toBe(50);
});

test("light tasks go ahead of all others, and are light again once they have waited", () => {
  const bench = new Bench(1200);
  for (let number = 0; number < 100; number++) bench.turns.add(task(`t${number}`, 500));
  // Ten units are worth 33 ms.
  const ping = light("ping", 10);
  bench.turns.add(ping);
  bench.turn();
  expect(bench.log[0]).toBe("ping");
  ping.units = 10;
  bench.turns.add(ping);
  bench.turn();
  expect(bench.log).not.toContain("ping");
  // Another has its own share.
  bench.turns.add(light("other", 1));
  bench.turn();
  expect(bench.log[0]).toBe("other");
  while (ping.units > 0) bench.turn();
  bench.now += 100;
  ping.units = 10;
  bench.turns.add(ping);
  bench.turn();
  expect(bench.log[0]).toBe("ping");
});

test("what comes in when the turn is over waits, unless it is light, and light work has a bound", () => {
  const bench = new Bench(120);
  bench.turns.begin(bench.clock.now());
  bench.budget.spent = 120;
  expect(bench.turns.mayWork(task("busy", 1))).toBe(false);
  expect(bench.turns.mayWork(light("large", 100))).toBe(false);
  let pings = 0;
  for (; pings < 1000; pings++) {
    const ping = light("ping", 1);
    if (!bench.turns.mayWork(ping)) break;
    bench.budget.spent += 1;
    bench.turns.charge(ping, 1);
  }
  expect(pings).toBe(20);
  // The bound holds for the packets of one as well.
  bench.turns.schedule();
  bench.turn();
  bench.budget.spent = 120;
  const one = light("one", 1);
  while (bench.turns.mayWork(one)) bench.budget.spent += 1;
  expect(bench.budget.spent).toBe(140);
});

test("a slow machine ends a turn by its clock, and every kind still makes progress", () => {
  const bench = new Bench(10_000, 0.125);
  bench.due = 1000;
  bench.turns.addDue();
  bench.turns.add(task("fresh", 5000));
  const counts = bench.turn() ?? {};
  expect(counts["due"]).toBe(50);
  // One step in each part.
  expect(counts["fresh"]).toBe(2);
});

test("on a slow machine each kind has its part of the time, too, and what it leaves is for the next", () => {
  const bench = new Bench(1_000_000, 0.01);
  bench.due = 10_000;
  bench.turns.addDue();
  bench.output = 10_000;
  for (let number = 0; number < 1000; number++) {
    bench.turns.add(task("fresh", 1));
    bench.turns.addEnd(task("end", 1));
  }
  const { due = 0, output = 0, fresh = 0, end = 0 } = bench.turn() ?? {};
  // A part is 0.83 ms, and the clock is looked at each 0.5 ms.
  for (const work of [due, output, fresh, end]) expect(work).toBeGreaterThanOrEqual(50);
  // Output and ends also have what the others leave.
  for (const work of [due, fresh]) expect(work).toBeLessThanOrEqual(100);
  expect(due + output + fresh + end).toBeLessThanOrEqual(450);
  bench.due = 0;
  expect(bench.turn()?.["output"]).toBeGreaterThan(output);
});

test("callbacks share a budget until they have used a part of it", () => {
  const bench = new Bench(120);
  bench.budget.spent = 19;
  bench.turns.end();
  expect(bench.turn()).toBeNull();
  bench.budget.spent = 20;
  bench.turns.end();
  expect(bench.turn()).toEqual({});
  expect(bench.budget.spent).toBe(0);
});

test("a turn that does not come while callbacks go on is overdue, once in a while", () => {
  const bench = new Bench(120);
  const isOverdue = (at: number): boolean => {
    bench.now = at;
    bench.turns.begin(bench.clock.now());
    return bench.turns.isOverdue();
  };
  expect(isOverdue(100)).toBe(false);
  bench.turns.add(task("old", 1));
  expect([109, 110, 111, 119, 120].map(isOverdue)).toEqual([false, true, false, false, true]);
  bench.turn();
  expect(isOverdue(200)).toBe(false);
});

test("deadlines are met while the loop reads on without a turn, if it can be seen who has sent", () => {
  for (const polls of [true, false]) {
    const world = new World({ unitsOfTurn: 60, polls });
    const [silent, busy] = [world.open(), world.open()];
    busy.connect({ clientId: "b" });
    silent.connect({ clientId: "s", keepalive: 1 });
    world.advance(1495);
    const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
    busy.sendQuietly(Buffer.concat(Array.from({ length: 200 }, () => publish)));
    world.pass(11);
    busy.sendQuietly(publish);
    const causes = world.noted("ended").map(({ cause }) => cause);
    expect([polls, ...causes]).toEqual(polls ? [polls, "keepAliveExpired"] : [polls]);
    world.check();
  }
});

test("a CONNECT is answered while the loop reads on without a turn", () => {
  const world = new World({ unitsOfTurn: 60 });
  const [busy, newcomer] = [world.open(), world.open()];
  busy.connect({ clientId: "b" });
  world.advance(1000);
  const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
  busy.sendQuietly(Buffer.concat(Array.from({ length: 400 }, () => publish)));
  const connect = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x6e);
  newcomer.sendQuietly(connect);
  expect(newcomer.take("connack")).toHaveLength(0);
  world.pass(11);
  busy.sendQuietly(publish);
  expect(newcomer.take("connack")).toHaveLength(1);
  world.check();
});

test("a PINGREQ is answered while the loop reads on without a turn, unless much was asked lately", () => {
  const world = new World({ unitsOfTurn: 60 });
  const [busy, idle, heavy] = [world.open(), world.open(), world.open()];
  busy.connect({ clientId: "b" });
  idle.connect({ clientId: "i" });
  heavy.connect({ clientId: "h" });
  world.advance(1000);
  const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
  const many = Buffer.concat(Array.from({ length: 200 }, () => publish));
  heavy.sendBytes(many);
  busy.sendQuietly(many);
  const pingreq = Uint8Array.of(0xc0, 0);
  world.arrive(idle, pingreq);
  world.arrive(heavy, pingreq);
  world.pass(11);
  busy.sendQuietly(publish);
  expect(idle.take("pingresp")).toHaveLength(1);
  expect(heavy.arrived).toEqual(pingreq);
  world.check();
});

test("a PINGREQ behind thousands of ends is answered before they are over", () => {
  const world = new World({ unitsOfTurn: 60 });
  const others = Array.from({ length: 50 }, (_, at) => {
    const client = world.open();
    client.connect({ clientId: `c${at}` });
    return client;
  });
  const [idle, gone] = [world.open(), world.open()];
  idle.connect({ clientId: "i" });
  gone.connect({ clientId: "g" });
  world.advance(1000);
  world.arrive(idle, Uint8Array.of(0xc0, 0));
  gone.dropQuietly("reset");
  world.arrive(gone, Uint8Array.of(0xc0, 0));
  for (const other of others) {
    other.dropQuietly("reset");
    world.pass(1);
  }
  expect(idle.take("pingresp")).toHaveLength(1);
  expect(gone.arrived).not.toBeNull();
  world.check();
  expect(world.noted("ended")).toHaveLength(51);
});

test("a PINGREQ behind thousands of clients that answer the broker's FIN is answered", () => {
  const world = new World();
  const others = Array.from({ length: 100 }, (_, at) => {
    const client = world.open();
    client.connect({ clientId: `c${at}` });
    client.send({ cmd: "disconnect" });
    return client;
  });
  const idle = world.open();
  idle.connect({ clientId: "i" });
  world.advance(1000);
  world.arrive(idle, Uint8Array.of(0xc0, 0));
  for (const other of others) {
    other.dropQuietly("eof");
    world.pass(1);
  }
  expect(idle.take("pingresp")).toHaveLength(1);
  expect(world.driver.closing).toBe(0);
  world.check();
});

test("silent clients are asked for unread data once, as many at a time as a turn can end", () => {
  const world = new World({ unitsOfTurn: 1200 });
  for (let number = 0; number < 200; number++)
    world.open().connect({ clientId: `s${number}`, keepalive: 1 });
  world.advance(1600);
  expect(world.noted("ended")).toHaveLength(200);
  expect(world.asked).toBeLessThan(220);
});

test("to check a SUBSCRIBE of very many filters is work of its turn", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "c" });
  const { budget } = world.broker;
  const before = budget.spent;
  const filters = Array.from({ length: 20_000 }, () => [0, 1, 0x78, 0]).flat();
  const rest = 2 + filters.length;
  const size = [(rest & 0x7f) | 0x80, ((rest >> 7) & 0x7f) | 0x80, rest >> 14];
  client.sendQuietly(Uint8Array.of(0x82, ...size, 0, 1, ...filters));
  expect(budget.spent - before).toBeGreaterThan(400);
  world.advance(0);
  const [suback] = client.take("suback");
  expect(suback?.granted).toHaveLength(20_000);
  expect(new Set(suback?.granted.slice(0, 10_000))).toEqual(new Set([0]));
  expect(new Set(suback?.granted.slice(10_000))).toEqual(new Set([0x80]));
});

test("the time that passed before a callback does not count in its turn", () => {
  const world = new World();
  const subscribers = Array.from({ length: 500 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `s${number}` });
    client.subscribe("gone");
    return client;
  });
  world.advance(60_000);
  const will = { topic: "gone", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  world.open().connect({ clientId: "c", will });
  world.advance(60_000);
  // No turn of the loop follows this order before the test looks.
  world.driver.order({ type: "kicked", clientId: "c" });
  expect(subscribers.map((client) => client.take("publish").length)).toEqual(
    subscribers.map(() => 1),
  );
});

test("last words that wait for a turn are published, in order, before the end of their connection", () => {
  const world = new World({ unitsOfTurn: 1 });
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("#");
  const client = world.open();
  client.connect({
    clientId: "c",
    will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  const words = Array.from({ length: 50 }, (_, word) => `word/${word}`);
  for (const word of words) client.publish(word, "x");
  client.drop("eof");
  expect(watcher.messages()).toEqual([...words.map((word) => `${word}=x`), "will=gone"]);
});

test("a DISCONNECT that waits for a turn discards the will, whatever ends the connection first", () => {
  for (const end of ["eof", "reset", "kick", "takeover", "stop"] as const) {
    const world = new World({ unitsOfTurn: 1 });
    const client = world.open();
    client.connect({
      clientId: "c",
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    // In one chunk, so that the first packet uses up the turn.
    const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
    client.sendQuietly(Uint8Array.of(...publish, ...publish, 0xe0, 0));
    if (end === "kick") world.driver.order({ type: "kicked", clientId: "c" });
    else if (end === "stop") world.driver.order({ type: "stopping" });
    else if (end === "takeover") world.open().connect({ clientId: "c" });
    else client.drop(end);
    world.advance(100);
    const [ended] = world.noted("ended");
    expect([end, ended?.cause, ended?.will?.fate]).toEqual([end, "disconnected", "discarded"]);
  }
});

test("a PINGREQ is answered at once beside publishers that have used up the turn", () => {
  const world = new World({ unitsOfTurn: 700 });
  const pinger = world.open();
  pinger.connect({ clientId: "ping" });
  const busy = Array.from({ length: 100 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `b${number}` });
    return client;
  });
  world.advance(1000);
  const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
  const chunk = Buffer.concat(Array.from({ length: 100 }, () => publish));
  // All in one poll, so that the budget is used up by the first of them.
  for (const client of busy) client.sendQuietly(chunk);
  pinger.sendQuietly(Uint8Array.of(0xc0, 0));
  expect(pinger.take("pingresp")).toHaveLength(1);
  expect(world.broker.budget.isUsedUp).toBe(true);
  // Nor do its others wait until the busy ones are done.
  for (let turn = 0; turn < 5; turn++) {
    world.turn();
    pinger.sendQuietly(Uint8Array.of(0xc0, 0));
    expect([turn, pinger.take("pingresp").length]).toEqual([turn, 1]);
  }
});

test("a DISCONNECT goes behind the requests of those who stay", () => {
  const world = new World({ unitsOfTurn: 70 });
  const leaving = Array.from({ length: 50 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `l${number}` });
    return client;
  });
  const staying = world.open();
  staying.connect({ clientId: "s" });
  world.advance(1000);
  for (const client of leaving) client.sendQuietly(Uint8Array.of(0xe0, 0));
  staying.sendQuietly(Uint8Array.of(0xc0, 0));
  expect(staying.take("pingresp")).toHaveLength(1);
  expect(world.noted("ended").length).toBeLessThan(10);
  world.advance(1000);
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual(
    leaving.map(() => "disconnected" as const),
  );
});

test("a link that waits for its turn pauses only when much or more arrives, and its keepalive stops at once", () => {
  const world = new World({ unitsOfTurn: 60 });
  const busy = world.open();
  busy.connect({ clientId: "b" });
  const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
  const chunk = Buffer.concat(Array.from({ length: 400 }, () => publish));
  const isHeld = (): boolean => world.broker.sessions.get("b")?.connection?.pausedAt !== null;
  busy.sendQuietly(chunk);
  expect([isHeld(), busy.paused]).toEqual([true, false]);
  busy.sendQuietly(chunk);
  expect([isHeld(), busy.paused]).toEqual([true, true]);
  world.check();
  expect([isHeld(), busy.paused]).toEqual([false, false]);
  // So much at once shows that more is to come.
  busy.sendQuietly(Buffer.concat(Array.from({ length: 15 }, () => chunk)));
  expect([isHeld(), busy.paused]).toEqual([true, true]);
});

test("what the packets of one chunk cause is written once for several of the turns that cut it", () => {
  const world = new World({ unitsOfTurn: 400 });
  const subscribers = Array.from({ length: 30 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `s${number}` });
    client.subscribe("+");
    return client;
  });
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  world.advance(1000);
  for (const { received } of subscribers) received.length = 0;
  const payloads = Array.from({ length: 900 }, (_, number) => String(100 + number));
  // In turn on two topics, so that none is handled together with others.
  const topicOf = (number: number): string => (number % 2 === 0 ? "a" : "b");
  const publishes = payloads.map((payload, number) =>
    Buffer.concat([Uint8Array.of(0x30, 6, 0, 1), Buffer.from(topicOf(number) + payload)]),
  );
  const { statistics } = world.broker;
  statistics.publishReceived = 0;
  publisher.sendQuietly(Buffer.concat(publishes));
  // How many messages were handled, and how many the last subscriber has, after each turn.
  const handled = [statistics.publishReceived];
  const arrived = [0];
  while (arrived.at(-1) !== payloads.length) {
    world.turn();
    handled.push(statistics.publishReceived);
    arrived.push(Math.min(...subscribers.map(({ received }) => received.length)));
  }
  const writes = new Set(arrived).size - 1;
  expect(handled.length / writes).toBeGreaterThan(4);
  // Yet none waits long.
  for (const [turn, count] of arrived.entries())
    expect(count).toBeGreaterThanOrEqual(handled[turn - 8] ?? 0);
  for (const client of subscribers)
    expect(client.messages()).toEqual(
      payloads.map((payload, number) => `${topicOf(number)}=${payload}`),
    );
});
