import { expect, test } from "bun:test";
import { levelsOf } from "../../../src/inspect/explain/explain.ts";
import { explainUnknown } from "../../../src/inspect/explain/unknown.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, flatPage, watched } from "./explained.ts";

// What a page says of other connections is in the tense of their state: there now, or gone.

const delayed = { keepalive: 10, delay: 30, expiry: 3600, clean: false } as const;

test("the next connection with the client id: is, and was, perhaps another program's", () => {
  const world = watched();
  mortal(world, { ...delayed, username: "plant" }).drop();
  world.advance(12_000);
  const next = mortal(world, { ...delayed, username: "laptop" });
  expect(flatPage(world)).toContain(
    "The connection that came has another user (laptop, before: plant): another program may be using",
  );
  next.drop();
  // The page is now about the will of the second; the first is told of in a line.
  expect(flatPage(world)).not.toContain("another program");
});

test("a takeover by a program of another user, without a will, that has gone by now", () => {
  const world = watched();
  mortal(world, { keepalive: 10, username: "plant" });
  world.advance(1_000);
  const other = world.open();
  other.connect({ clientId: "mortal", keepalive: 10, username: "laptop", clean: true });
  expect(flatPage(world)).toContain("The connection that came has another user");
  expect(flatPage(world)).toContain("If that is another program, such as");
  other.drop();
  const page = flatPage(world);
  expect(page).toContain("The connection that came had another user (laptop, before: plant)");
  expect(page).toContain("another program may have used the client id");
  expect(page).toContain("The next connection with this client id had another user");
  expect(page).toContain("If that was another program, such as");
});

test("a client id that two addresses took over from each other, until both had gone", () => {
  const world = watched();
  let last = mortal(world, { keepalive: 10, host: "10.0.0.1" });
  for (const net of [2, 1, 2])
    last = mortal(world, { keepalive: 10, host: `10.0.0.${net}`, version: 4 });
  expect(flatPage(world)).toMatch(
    /10\.0\.0\.\d:\d+ take over from each other: each time one connects/,
  );
  last.drop();
  expect(flatPage(world)).toMatch(
    /10\.0\.0\.\d:\d+ took over from each other: each time one connected/,
  );
});

test("two clients with one retained will topic: the page of the one that has gone", () => {
  const world = new World();
  const will = { topic: "home/status", retain: true };
  const kitchen = mortal(world, { id: "kitchen", keepalive: 10, will });
  mortal(world, { id: "garage", keepalive: 60, will });
  expect(flatPage(world, "kitchen")).toContain("as garage has, which is connected too");
  kitchen.send({ cmd: "disconnect", reasonCode: 0 });
  expect(flatPage(world, "kitchen")).toContain(
    "as garage had, which was connected at the same time",
  );
});

test("a birth that another's will overwrote, and that was published again since", () => {
  const world = new World();
  const will = { topic: "home/status", retain: true, payload: "offline" };
  const one = mortal(world, { id: "one", keepalive: 60, will });
  one.publish("home/status", "online", { retain: true });
  const two = mortal(world, { id: "two", keepalive: 60, will });
  two.publish("home/status", "online", { retain: true });
  one.drop();
  expect(flatPage(world, "two")).toContain("who subscribes there is told that it is gone");
  two.publish("home/status", "online", { retain: true });
  const page = flatPage(world, "two");
  expect(page).toContain("It lost its retained message on home/status to the will of one");
  expect(page).toContain("who subscribed there then was told that it was gone");
  expect(page).not.toContain("publishing the birth again mends the topic");
});

test("a link that the operator made silent: while it lasts, and after", () => {
  const world = watched();
  mortal(world, { keepalive: 10 });
  const id = world.broker.sessions.get("mortal")?.connection?.id;
  if (id === undefined) throw new Error("it is not connected");
  world.driver.drop(id, "silent");
  expect(flatPage(world)).toContain("from then on nothing is heard of it, whatever it sends");
  world.advance(20_000);
  expect(flatPage(world)).toContain("from then on nothing was heard of it, whatever it sent");
});

test("a topic on which a client has its will, or had it", () => {
  const world = new World();
  const client = mortal(world, {
    id: "boiler-fw",
    keepalive: 10,
    will: { topic: "tele/boiler/LWT" },
  });
  const advice = (): string => {
    const { wills } = answerOf(world, "boiler-fw");
    const page = explainUnknown(
      "boiler",
      { now: 0, startedAt: 0, recentEnds: [] },
      [],
      levelsOf("boiler", wills, []),
    );
    return page.advice.map(({ text }) => text).join(" ");
  };
  expect(advice()).toContain("on which boiler-fw has its will:");
  client.drop();
  expect(advice()).toContain("on which boiler-fw had its will:");
});
