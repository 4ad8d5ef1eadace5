import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import pc from "picocolors";
import { dropNames, isDropClient } from "../../../src/log/drop-names.ts";
import { knownClientIds } from "../../../src/core/queries/queries.ts";
import { habitsOf, reportOf, type Report } from "../../../src/inspect/explain/lint.ts";
import { levelOf } from "../../../src/log/events.ts";
import { ranks } from "../../../src/inspect/explain/topics.ts";
import { reportText } from "../../../src/inspect/explain/lint-text.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, told, topicsOf, watched } from "./explained.ts";

function lint(world: World): Report {
  const ids = [...knownClientIds(world.broker)];
  const findings = ids.flatMap((id) => habitsOf(answerOf(world, id)));
  return reportOf(findings, ids.length, false);
}

/** `proved mute neverPinged 2/2`, one a line. */
function marked(world: World): string[] {
  return lint(world).findings.map(
    ({ mark, clientId, topic, seen, of }) =>
      `${mark} ${clientId} ${topic}${seen === null ? "" : ` ${seen}/${of}`}`,
  );
}

test("lint: every topic of advice is ranked, or is no habit", () => {
  const folder = new URL("../../../src/inspect/explain/", import.meta.url);
  const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
  const habits = readFileSync(new URL("../../../src/core/events.ts", import.meta.url), "utf8");
  const topics = [
    ...sources.flatMap((source) => [...source.matchAll(/\btopic: "(\w+)"/g)]),
    ...habits.matchAll(/\bfault: "(\w+)"/g),
  ].map(([, topic]) => topic ?? "");
  expect(topics.length).toBeGreaterThan(30);
  const unknown = topics.filter((topic) => !Object.hasOwn(ranks, topic));
  expect(unknown).toEqual([]);
  expect(Object.keys(ranks).filter((topic) => !topics.includes(topic))).toEqual([]);
});

test("lint: a client without habits has none, connected, gone by DISCONNECT or by a reset", () => {
  const world = watched();
  for (const id of ["a", "b", "c"]) {
    const client = mortal(world, { id, keepalive: 30, will: { retain: true } });
    client.publish(`wills/${id}`, "online", { retain: true });
    for (let beat = 0; beat < 3; beat++) {
      world.advance(20_000);
      client.ping();
    }
    if (id === "a") {
      client.publish(`wills/${id}`, "offline", { retain: true });
      client.send({ cmd: "disconnect" });
    }
    if (id === "b") client.drop();
  }
  expect(marked(world)).toEqual([]);
  expect(page(world)).toBe("No habit found, in the records of 4 clients.\n");
});

test("lint: what a lost link explains is likely once, and proved on a second connection", () => {
  const world = new World();
  mortal(world, { id: "mute", keepalive: 10, will: { retain: true, payload: "" } });
  world.advance(20_000);
  expect(marked(world)).toContain("likely mute neverPinged 1/1");
  mortal(world, { id: "mute", keepalive: 10, will: { retain: true, payload: "" } });
  world.advance(20_000);
  expect(marked(world)).toContain("proved mute neverPinged 2/2");
});

test("lint: a broken rule of an earlier connection counts, a setting that was mended does not", () => {
  const world = watched();
  const first = mortal(world, { id: "dev", keepalive: 0 });
  expect(marked(world)).toEqual(["proved dev noKeepAlive"]);
  first.connect({ clientId: "dev", protocolVersion: 5 });
  const second = mortal(world, { id: "dev", keepalive: 30 });
  second.ping();
  expect(marked(world)).toEqual(["proved dev brokenRule 1/2"]);
});

test("lint: proved before likely, then the worst first", () => {
  const world = watched();
  mortal(world, { id: "a-slow", keepalive: 7200 });
  mortal(world, { id: "b-none", keepalive: 0 });
  const broken = mortal(world, { id: "c-broken", keepalive: 10 });
  broken.connect({ clientId: "c-broken", protocolVersion: 5 });
  expect(marked(world)).toEqual([
    "proved c-broken brokenRule 1/1",
    "proved b-none noKeepAlive",
    "likely a-slow longKeepAlive",
  ]);
  expect(page(world)).toMatchInlineSnapshot(`
    "3 habits found, 2 proved and 1 likely, in the records of 4 clients.

      proved  c-broken, brokenRule (at 08:00:00.000): That is a fault of its program
              or of its MQTT library, and each such packet costs it its connection.
              \`mqttd serve --verbose\` logs every packet before it; \`mqttd inspect
              packet HEX\` says what is wrong with its bytes. [v5-3.1.0-2]
      proved  b-none, noKeepAlive (at 08:00:00.000): It has a will on wills/b-none,
              and a keepalive of 0: only TCP can detect a dead link, or nothing
              does. Set a keepalive; the will is published 1.5 times the keepalive
              after the last packet.
      likely  a-slow, longKeepAlive (at 08:00:00.000): It has a will on
              wills/a-slow, and a keepalive of 2 h: a silent death is detected after
              3 h. Set the keepalive to two thirds of the time within which a death
              must be known.

    What a statement says: mqttd rule v5-3.1.0-2
    "
  `);
});

function page(world: World): string {
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  return reportText(lint(world), style);
}

test("lint: takeovers prove a loop, not its cause: a link that flaps looks the same", () => {
  const loop = new World();
  for (let start = 0; start < 4; start++) mortal(loop, { keepalive: 10 });
  expect(marked(loop)).toContain("likely mortal takeoverLoop");
  const roaming = new World();
  for (const net of [1, 2, 1, 2]) mortal(roaming, { keepalive: 10, host: `10.0.0.${net}` });
  expect(marked(roaming)).toContain("likely mortal sharedClientId");
});

test("lint: takeovers from several addresses that do not take turns name no two clients", () => {
  const world = new World();
  for (const net of [1, 1, 1, 2]) mortal(world, { keepalive: 10, host: `10.0.0.${net}` });
  const topics = marked(world).map((line) => line.split(" ")[2]);
  expect(topics).toContain("takeoverLoop");
  expect(topics).not.toContain("sharedClientId");
});

test("lint: a script that connects for each message and says goodbye is in no loop", () => {
  const times = [0, 1, 2, 3, 4, 5, 6, 7];
  const script = new World();
  for (const _ of times) mortal(script, { keepalive: 10 }).send({ cmd: "disconnect" });
  expect(marked(script)).toEqual([]);
  const crashing = new World();
  for (const _ of times) mortal(crashing, { keepalive: 10 }).drop("eof");
  expect(marked(crashing)).toContain("likely mortal reconnectLoop");
});

test("lint: one short connection that published elsewhere may not have got to its birth", () => {
  const world = watched();
  const live = (milliseconds: number): void => {
    const client = mortal(world, { keepalive: 30, will: { retain: true } });
    client.publish("wills/config", "x", { retain: true });
    world.advance(milliseconds);
    client.drop();
  };
  live(500);
  expect(marked(world)).toEqual([]);
  live(11_000);
  expect(marked(world)).toEqual(["proved mortal birthElsewhere"]);
});

test("lint: clients of simulate-drop are counted apart, and one that is asked for is told apart", () => {
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  const leftOut = { clients: 2, habits: 3 };
  expect(reportText(reportOf([], 1, false, null, leftOut), style)).toBe(
    `No habit found, in the records of 1 client.

2 clients of simulate-drop left out (by names: mqttd-drop...), with 3 habits:
such clients die on purpose. If another has such a name: \`mqttd inspect lint
--client ID\`.
`,
  );
  const quiet = { clients: 1, habits: 0 };
  expect(reportText(reportOf([], 1, false, null, quiet), style)).toContain(
    "1 client of simulate-drop left out (by names: mqttd-drop...), with 0 habits",
  );
  const world = watched();
  const id = "mqttd-drop-1a2b3c4d-half-open-v4";
  mortal(world, { id, keepalive: 2, will: {} });
  world.advance(10_000);
  expect(told(world, id)).toContain("- <dropClient>\n  - <neverPinged 3>");
  const asked = reportOf(habitsOf(answerOf(world, id)), 1, false, null, undefined, true);
  expect(reportText(asked, style)).toContain(
    "By its names it is a client of `mqttd simulate-drop`",
  );
  // Others die by themselves.
  mortal(world, { id: "mqttd-drop-in", keepalive: 2, will: {} });
  world.advance(10_000);
  expect(topicsOf(world, "mqttd-drop-in")).toEqual(["neverPinged"]);
});

test("the log warns of the habits of other clients only", () => {
  const world = watched();
  const topics = { "dev-42": "wills/dev-42", "dev-43": dropNames.willTopic("1a2b3c4d", "fin", 4) };
  const ids = ["mqttd-drop-1a2b3c4d-half-open-v4", ...Object.keys(topics)] as const;
  for (const id of ids) {
    const topic = (topics as Record<string, string>)[id] ?? `wills/${id}`;
    mortal(world, { id, keepalive: 0, will: { topic } });
  }
  const levels = world.noted("clientFault").map((event) => [event.peer.clientId, levelOf(event)]);
  expect(levels).toEqual([
    ["mqttd-drop-1a2b3c4d-half-open-v4", "debug"],
    ["dev-42", "warn"],
    ["dev-43", "debug"],
  ]);
});

test("lint: in MQTT 3.1, and with --id, the will's topic tells", () => {
  expect(isDropClient("1a2b3c4d", ["mqttd-drop/1a2b3c4d/fin/v3/will"])).toBe(true);
  expect(isDropClient("1a2b3c4d", ["home/mqttd-drop/1a2b3c4d/fin"])).toBe(false);
  expect(isDropClient(dropNames.clientId("1a2b3c4d", "fin", 5), [])).toBe(true);
  expect(isDropClient("dev", [dropNames.willTopic("1a2b3c4d", "fin", 5)])).toBe(true);
});
