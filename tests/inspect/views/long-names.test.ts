import { expect, test } from "bun:test";
import { width } from "../../../src/log/columns.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { plainStyle, viewsOf } from "./viewed.ts";

const device = `${"building-7-floor-3-".repeat(16)}sensor`;
const lamp = "灯".repeat(150);
const hostile = "\u001b[2J".repeat(60);
const filter = `${"level/".repeat(50)}end`;

function crowd(): World {
  const world = new World();
  for (const id of ["dev-42", device, lamp, hostile]) {
    const client = mortal(world, { id, version: 4, keepalive: 10 });
    client.subscribe({ topic: filter, qos: 1 });
    client.publish(filter, "x", { retain: true });
  }
  return world;
}

const tables = ["clients", "wills", "sessions", "subscriptions", "route", "retained"] as const;
const asked = { clientId: "dev-42", topic: filter };

test("long names: one of 300 characters makes no row wide in a pipe", () => {
  const views = viewsOf(crowd(), plainStyle(Infinity), asked);
  for (const verb of tables) {
    for (const line of (views[verb] ?? "").split("\n")) {
      // A short name has a cell of 64 columns, with two to the next cell.
      expect(line, verb).not.toMatch(/ {65}/);
    }
  }
  const shown = (views["sessions"] ?? "").replace(/  +/g, "  ");
  expect(`\n${shown}`).toMatchInlineSnapshot(`
    "
    CLIENT  SUBSCRIPTIONS  QUEUED  IN FLIGHT  STATE
    dev-42  1  0  0  connected, ends with the connection
    building-7-floor-3-building-7-floor-3-build...g-7-floor-3-sensor  1  0  0  connected, ends with the connection
    灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯...灯灯灯灯灯灯灯灯灯  1  0  0  connected, ends with the connection
    '\\u001b[2J\\u001b[2J\\u001b[2J\\u001b[2J\\u001b...u001b[2J\\u001b[2J'  1  0  0  connected, ends with the connection
    "
  `);
});

test("long names: no line is wider than its terminal", () => {
  for (const columns of [40, 80, 160]) {
    const views = viewsOf(crowd(), plainStyle(columns), asked);
    for (const verb of tables) {
      for (const line of (views[verb] ?? "").split("\n")) {
        expect(width(line), `${verb}: ${line}`).toBeLessThanOrEqual(columns);
      }
    }
  }
});
