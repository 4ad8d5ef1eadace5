import { expect, test } from "bun:test";
import pc from "picocolors";
import type { Restart } from "../../../src/api/api.ts";
import type { ConnectOptions } from "../../support/client.ts";
import { connected, StoredWorld } from "../../support/held-store.ts";
import type { WorldOptions } from "../../support/world.ts";
import { willsOf } from "../../../src/core/queries/wills.ts";
import { allOf } from "../../../src/core/steps.ts";
import { willText } from "../../../src/inspect/views/wills.ts";
import { clientLines } from "../../../src/inspect/views/client.ts";
import { eventLine } from "../../../src/server/event-hub.ts";
import { explain, explanationText } from "../../../src/inspect/explain/explain.ts";
import { plainStyle } from "../views/viewed.ts";
import { answerOf, flatPage, pageOf, watched } from "./explained.ts";

const gone = {
  topic: "wills/mortal",
  payload: Buffer.from("gone"),
  qos: 1,
  retain: false,
} as const;

const delayed = (willDelayInterval: number): ConnectOptions => ({
  ...{ clientId: "mortal", clean: false, protocolVersion: 5 },
  properties: { sessionExpiryInterval: 60 },
  will: { ...gone, properties: { willDelayInterval } },
});

/** A broker that came back 3 s after its end, with the will of a client that was connected. */
function restarted(options: WorldOptions = {}): StoredWorld {
  const before = new StoredWorld(options);
  connected(before, { clientId: "mortal", clean: false, will: gone });
  before.advance(10_000);
  return before.restart(3000);
}

test("explained: a will that was due while the broker was down", () => {
  const world = restarted();
  world.advance(1000);
  const page = flatPage(world);
  expect(page).toStartWith(
    "The will of mortal has not fired yet: it was due while the broker was down or just after, and fires in " +
      "4.00 s, when subscribers have had time to return (store.restartSettle), even if mortal " +
      "reconnects first.",
  );
  expect(page).toContain("If it comes back before that, the will is published at once.");
  expect(page).toContain("The will was due then. It waits until subscribers have had time to");
  expect(page).not.toMatch(/Clean Start|The delay of the will began/);
  world.advance(4000);
  world.keep();
  expect(pageOf(world)).toStartWith("The will of mortal fired");
});

test("explained: with a grace its client cancels it", () => {
  const page = flatPage(restarted({ restartGraceMs: 8000 }));
  expect(page).toStartWith(
    "The will of mortal has not fired yet: it was due while the broker was down or just after, and fires in " +
      "8.00 s, when subscribers have had time to return (store.restartGrace), unless mortal " +
      "reconnects first.",
  );
  expect(page).toContain("the will is cancelled (store.restartGrace).");
});

/** The page of the same with what the administration interface knows of restarts. */
function pageWith(world: StoredWorld, restarts: readonly Restart[]): string {
  const told = explain({ ...answerOf(world), store: "mqttd.db", restarts });
  const style = { columns: 100, colors: pc.createColors(false), zone: "utc" } as const;
  return explanationText(told, style);
}

/** A client whose will was published when its broker was back. */
function killedOnce() {
  const before = new StoredWorld();
  before.open().connect({ clientId: "mortal", keepalive: 60, will: gone });
  before.driver.keepRecords();
  before.keep();
  before.advance(10_000);
  const world = before.restart(3000, 400);
  const lastSignAt = before.wall - 400;
  const at = lastSignAt + 1000;
  const restart = { pid: 1, how: "killed", at, lastSignAt, backAt: world.wall } as const;
  world.advance(6000);
  world.keep();
  return { world, restart };
}

test("explained: a kill in the middle of the story, and what came after it", () => {
  const { world, restart } = killedOnce();
  const page = pageWith(world, [restart]);
  expect(page.slice(0, page.indexOf("What to change"))).toMatchSnapshot();
  // It has nothing to do with what came later.
  const later = {
    ...restart,
    at: world.wall + 10,
    lastSignAt: world.wall,
    backAt: world.wall + 50,
  };
  expect(pageWith(world, [later, restart])).toBe(page);
});

test("explained: a client that returns before subscribers had time to, and its will before it", () => {
  const world = restarted();
  world.advance(1000);
  world.open().connect({ clientId: "mortal", clean: false });
  world.keep();
  const page = flatPage(world);
  expect(page).toContain(
    "so it waited for subscribers (store.restartSettle), but mortal returned first, and its will comes before it.",
  );
  expect(page).toMatch(/open for at most \d+\.\d s\. Broker died; will fired/);
});

test("explained: of many restarts the first and the last", () => {
  const { world, restart } = killedOnce();
  const many = [5, 4, 3, 2, 1, 0].map((number) => {
    const [at, backAt] = [restart.at + number * 100, restart.at + number * 100 + 50];
    return { ...restart, at, lastSignAt: at, backAt };
  });
  const page = pageWith(world, many);
  expect(page.match(/The broker was killed/g)).toHaveLength(2);
  expect(page).toContain("Until then it was killed, crashed or stopped 4 more times.");
});

test("explained: of a broker that does not run, what its store has kept", () => {
  const { world, restart } = killedOnce();
  const away = { ...restart, backAt: null };
  expect(pageWith(world, [away])).toStartWith(
    "The broker does not run: it was killed, or it crashed, 8.40 s ago. This is what its store has kept.\n",
  );
  const account = answerOf(killedOnce().world);
  const [will] = account.wills;
  if (will === undefined) throw new Error("there is no will");
  const { now } = account;
  const told = (dueAt: number) => {
    const pending = { ...will, state: "delayed", dueAt, fate: null } as const;
    return explain({ ...account, wills: [pending], restarts: [away] });
  };
  const overdue = told(now - 2000);
  expect(overdue.verdict.text).toBe(
    "The will of mortal has not fired: it was due 2.00 s ago, and waits for a broker on this store.",
  );
  expect(overdue.next.map(({ text }) => text)).toEqual([
    "The next broker on this store publishes it when subscribers have had time to return " +
      "(store.restartSettle), even if its client returns first.",
    "With store.restartGrace, the will is cancelled if its client returns to that broker in time.",
  ]);
  const ahead = told(now + 2000);
  expect(ahead.verdict.text).toContain("it is due in 2.00 s, and waits for a broker");
  expect(ahead.next[0]?.text).toStartWith(
    "If a broker is started on this store in the next 2.00 s",
  );
});

test("explained: a delayed will that is due before subscribers had time to return", () => {
  const before = new StoredWorld();
  const client = before.open();
  client.connect(delayed(5));
  client.drop();
  before.keep();
  const world = before.restart(3000);
  const page = flatPage(world);
  expect(page).toContain(
    "the will is due in 2.00 s and published in 5.00 s, when subscribers have had time to return after " +
      "the restart (store.restartSettle), unless mortal reconnects",
  );
  expect(page).toContain("If it does not come back by then, in 2.00 s, the will is published in");
  world.advance(2500);
  expect(flatPage(world)).toContain(
    "it was due while the broker was down or just after, and fires",
  );
});

/** A broker whose store has kept a will and its fate. */
function decided(): StoredWorld {
  const world = new StoredWorld();
  connected(world, { clientId: "mortal", clean: false, will: gone }).drop();
  world.advance(100);
  world.keep();
  return world;
}

/** What an older mqttd has kept: no records. */
function olderStore({ store }: StoredWorld): void {
  const { habits, connection, willRecord } = store.kept.records;
  for (const records of [habits, connection, willRecord]) records.clear();
}

test("explained: a will that was decided before the restart goes on to be told", () => {
  const before = decided();
  const told = flatPage(before);
  expect(told).toStartWith("The will of mortal fired");
  expect(flatPage(before.restart(0))).toBe(told);
});

test("explained: of a store that kept no fate, a will that was decided is not said to be none", () => {
  const before = decided();
  olderStore(before);
  const world = before.restart(3000);
  const page = flatPage(world);
  expect(page).toStartWith(
    "mortal has no will now. Whether it had one before the broker was restarted, and what became of " +
      "that, is not kept: the log of then has the lines.",
  );
  expect(page).toContain(
    "If it set a will, that was decided before the broker ended, and is not kept.",
  );
  expect(page).not.toMatch(/set no will|Set a will/);
  expect(clientPage(world)).toMatch(/Will +none now; one that was decided before the broker ended/);
  // Once it is back, the connection before is still not said to have had none.
  world.open().connect({ clientId: "mortal", clean: false });
  world.keep();
  const back = flatPage(world);
  expect(back).toStartWith("mortal set no will when it connected, so nothing can fire.");
  expect(back).toContain("its will, if it had one, is not kept");
});

test("explained: what an orderly stop does to a delayed will, with a store and without", () => {
  const world = watched();
  const client = world.open();
  client.connect(delayed(30));
  client.drop();
  world.advance(1000);
  const next = (store: string | null): string[] =>
    explain({ ...answerOf(world), store }).next.map(({ text }) => text);
  expect(next(null)).toContain("If the broker is stopped before that, the will is published then.");
  expect(next("data/mqttd.db").at(-1)).toBe(
    "If the broker is stopped before that, its store keeps the will, with its due time.",
  );
});

test("explained: a will that its client cancelled within the grace", () => {
  const world = restarted({ restartGraceMs: 8000 });
  world.advance(2000);
  // It needs no session for that.
  world.open().connect({ clientId: "mortal", clean: true });
  world.keep();
  expect(world.noted("will")).toMatchObject([
    { by: "restart grace", will: { fate: "cancelled", why: "restart grace" } },
  ]);
  const line = world.noted("will").map((event) => eventLine(event, world.broker.now).text);
  expect(line[0]).toContain("came back within store.restartGrace");
  const page = flatPage(world);
  expect(page).toContain(
    "did not fire: mortal came back after 4.00 s, within the time that store.restartGrace gives " +
      "clients after a restart of the broker.",
  );
  expect(page).not.toMatch(/resumed|within 0 ms/);
  const told = allOf(willsOf(world.broker)).map((will) => willText(will, world.wall));
  expect(told[0]).toContain("came back within store.restartGrace");
});

test("explained: with a grace Clean Start cancels a will that is not due", () => {
  for (const restartGraceMs of [8000, 0]) {
    const before = new StoredWorld({ restartGraceMs });
    const properties = { sessionExpiryInterval: 600 };
    const will = { ...gone, properties: { willDelayInterval: 60 } };
    connected(before, { clientId: "mortal", protocolVersion: 5, properties, will });
    const world = before.restart(3000);
    world.advance(2000);
    const page = flatPage(world);
    const grace =
      "If it comes back with Clean Start 1 in the next 6.00 s, the will is cancelled too (store.restartGrace). ";
    expect(page.includes(grace)).toBe(restartGraceMs > 0);
    const later = restartGraceMs > 0 ? " later" : "";
    expect(page).toContain(
      `If it comes back with Clean Start 1${later}, its old session ends, and`,
    );
  }
});

test("a client with a birth before the restart is not blamed for having none", () => {
  const before = new StoredWorld();
  const will = { ...gone, payload: Buffer.from("offline"), retain: true };
  const client = connected(before, { clientId: "mortal", clean: false, will });
  client.publish("wills/mortal", "online", { retain: true });
  before.advance(60_000);
  before.keep();
  const world = before.restart(3000);
  world.advance(10_000);
  world.keep();
  expect(pageOf(world)).toStartWith("The will of mortal fired");
  expect(world.noted("clientFault")).toEqual([]);
  expect(pageOf(world)).not.toContain("published nothing");
  // What it published is not known.
  expect(answerOf(world).wills[0]).not.toHaveProperty("own");
});

test("told of a connection before the restart: nothing that is not kept", () => {
  const before = new StoredWorld();
  const mortal = { clientId: "mortal", clean: false, keepalive: 60 };
  before.open().connect(mortal);
  before.keep();
  before.advance(1000);
  before.open().connect(mortal);
  before.driver.keepRecords();
  before.keep();
  const world = before.restart(3000);
  expect(flatPage(world)).toContain("With Clean Session 0 it resumed its session, which is kept");
  expect(clientPage(world)).not.toMatch(/closest call|PINGREQ|Last packet/);
  olderStore(before);
  const older = before.restart(3000);
  const page = flatPage(older);
  expect(page).toContain("It resumed its session, which is kept after the connection without end.");
  expect(page).not.toContain("Clean Session");
  expect(clientPage(older)).not.toMatch(/closest call|PINGREQ|Last packet/);
});

function clientPage(world: StoredWorld): string {
  return clientLines(answerOf(world), plainStyle(1000)).join("\n");
}
