import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Principal } from "../../../src/core/access.ts";
import { parseAccessFile } from "../../../src/server/access/access-file.ts";
import { oddityWarnings } from "../../../src/server/access/access-oddities.ts";

// Access lists in the manner in which users of mosquitto post theirs, with what each line has to mean.

function read(name: string) {
  const text = readFileSync(path.join(import.meta.dir, "posted", name), "utf8");
  const parsing = parseAccessFile({ path: name, text });
  for (let next = parsing.next(); ; next = parsing.next())
    if (next.done === true) return next.value;
}

function listIn(name: string) {
  const result = read(name);
  if ("problems" in result) throw new Error(result.problems.map(({ at }) => at).join());
  return result;
}

/** `ann@dev-42`, `@dev-42` without a user name. */
function who(text: string): Principal {
  const [username = "", clientId = ""] = text.split("@");
  return { clientId, username: username === "" ? null : username };
}

function decisions(name: string, asked: readonly string[]): string[] {
  const { list } = listIn(name);
  return asked.map((question) => {
    const [user = "", action = "", topic = ""] = question.split(" ");
    const rights = list.rightsOf(who(user.replaceAll("_", " ")));
    const { allowed, by } = rights.verdict(action as "read" | "write", topic);
    return `${question}: ${allowed ? "allowed" : "denied"}, ${by}`;
  });
}

test("a house: words, two spaces, and a user name with a space", () => {
  expect(
    decisions("acl-1-house.acl", [
      "@any read weather/today",
      "@any write weather/today",
      "hass@ha write any/topic",
      "hass@ha read $SYS/broker/uptime",
      "z2m@z write zigbee2mqtt/bridge/state",
      "z2m@z read homeassistant/x",
      "garden_shed@g write garden/shed/status",
      "garden_shed@g write garden/status",
      "garden_shed@g read garden/shed/set",
    ]),
  ).toMatchInlineSnapshot(`
    [
      "@any read weather/today: allowed, acl-1-house.acl:2 'topic read weather/#'",
      "@any write weather/today: denied, no line of acl-1-house.acl",
      "hass@ha write any/topic: allowed, acl-1-house.acl:6 'topic readwrite #'",
      "hass@ha read $SYS/broker/uptime: allowed, acl-1-house.acl:7 'topic read $SYS/#'",
      "z2m@z write zigbee2mqtt/bridge/state: allowed, acl-1-house.acl:10 'topic readwrite zigbee2mqtt/#'",
      "z2m@z read homeassistant/x: allowed, acl-1-house.acl:11 'topic homeassistant/#'",
      "garden_shed@g write garden/shed/status: allowed, acl-1-house.acl:14 'topic write garden/shed/+'",
      "garden_shed@g write garden/status: denied, no line of acl-1-house.acl",
      "garden_shed@g read garden/shed/set: allowed, acl-1-house.acl:15 'topic read  garden/shed/set'",
    ]
  `);
});

test("patterns: deny wins for the user whose it is, and a pattern is for everybody", () => {
  expect(
    decisions("acl-2-patterns.acl", [
      "supervisor@s read devices/boiler/state",
      "supervisor@s read devices/lamp/state",
      "supervisor@s write devices/lamp/set",
      "@boiler write devices/boiler/state",
      "@boiler write devices/lamp/state",
      "ann@a write ann/private/x",
      "ann@a write bob/private/x",
      "supervisor@s read announcements/x",
      "a+b@c write a+b/private/x",
    ]),
  ).toMatchInlineSnapshot(`
    [
      "supervisor@s read devices/boiler/state: denied, acl-2-patterns.acl:7 'topic deny devices/boiler/state'",
      "supervisor@s read devices/lamp/state: allowed, acl-2-patterns.acl:6 'topic read devices/+/state'",
      "supervisor@s write devices/lamp/set: allowed, acl-2-patterns.acl:8 'topic write devices/+/set'",
      "@boiler write devices/boiler/state: allowed, acl-2-patterns.acl:1 'pattern write devices/%c/state'",
      "@boiler write devices/lamp/state: denied, no line of acl-2-patterns.acl",
      "ann@a write ann/private/x: allowed, acl-2-patterns.acl:3 'pattern readwrite %u/private/#'",
      "ann@a write bob/private/x: denied, no line of acl-2-patterns.acl",
      "supervisor@s read announcements/x: allowed, acl-2-patterns.acl:4 'pattern read announcements/#'",
      "a+b@c write a+b/private/x: denied, no line of acl-2-patterns.acl, and no pattern applies to a client id or user name with +, # or /",
    ]
  `);
  const { list, oddities } = listIn("acl-2-patterns.acl");
  expect(list.size).toBe(7);
  expect(oddityWarnings("acl-2-patterns.acl", oddities)).toEqual([
    expect.stringMatching(/^acl-2-patterns\.acl:4 .*every client: it has neither %c nor %u/),
  ]);
});

test("each mistake is named with its line, and nothing is taken", () => {
  const result = read("acl-3-mistakes.acl");
  if (!("problems" in result)) throw new Error("it was taken");
  expect(result.problems.map(({ at, text }) => `${at}: ${text}`)).toMatchInlineSnapshot(`
    [
      "acl-3-mistakes.acl:1: found "User", allowed: user, topic, pattern or a comment (#), did you mean user?",
      "acl-3-mistakes.acl:3: user: the name is missing",
      "acl-3-mistakes.acl:4: found "rw", allowed: read, write, readwrite or deny, before the topic",
      "acl-3-mistakes.acl:5: the topic "home/#/temperature" is no filter: # is not the whole last level of the Topic Filter",
      "acl-3-mistakes.acl:8: found "client", allowed: user, topic, pattern or a comment (#)",
      "acl-3-mistakes.acl:11: the topic "home/attic   # only mine" is no filter: # is not the whole last level of the Topic Filter",
    ]
  `);
});

test("CR LF, and a user who comes twice", () => {
  expect(
    decisions("acl-4-crlf-twice.acl", [
      "tasmota@t write tele/x/LWT",
      "tasmota@t write tele/secret/x",
      "tasmota@t read cmnd/x/POWER",
      "tasmota@t write cmnd/x/POWER",
      "esphome@node write homeassistant/sensor/x/config",
      "esphome@node write homeassistant/sensor/x/y/config",
      "esphome@node write esphome/node/status",
      "esphome@node-1a2b write node/status",
    ]),
  ).toMatchInlineSnapshot(`
    [
      "tasmota@t write tele/x/LWT: allowed, acl-4-crlf-twice.acl:2 'topic readwrite tele/#'",
      "tasmota@t write tele/secret/x: denied, acl-4-crlf-twice.acl:10 'topic deny tele/secret/#'",
      "tasmota@t read cmnd/x/POWER: allowed, acl-4-crlf-twice.acl:4 'topic read cmnd/#'",
      "tasmota@t write cmnd/x/POWER: denied, no line of acl-4-crlf-twice.acl",
      "esphome@node write homeassistant/sensor/x/config: allowed, acl-4-crlf-twice.acl:8 'topic write homeassistant/+/+/config'",
      "esphome@node write homeassistant/sensor/x/y/config: denied, no line of acl-4-crlf-twice.acl",
      "esphome@node write esphome/node/status: allowed, acl-4-crlf-twice.acl:7 'pattern readwrite esphome/%c/#'",
      "esphome@node-1a2b write node/status: denied, no line of acl-4-crlf-twice.acl",
    ]
  `);
});
