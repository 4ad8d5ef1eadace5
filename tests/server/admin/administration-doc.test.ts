import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { configSchema } from "../../../src/config/schema.ts";
import { eventNames } from "../../../src/log/events.ts";
import { routesOf } from "../../../src/server/admin/routes.ts";
import { Turns } from "../../../src/server/admin/turns.ts";
import { Administered } from "../../support/administered.ts";
import { hold } from "../../support/held.ts";
import { mortal, watcherOf } from "../../support/mortal.ts";

// docs/administration.md describes everything that exists, and nothing else.

const doc = readFileSync(path.resolve(import.meta.dir, "../../../docs/administration.md"), "utf8");

/** The first cells of a table's rows, if they are code. */
function cells(pattern: RegExp): string[] {
  return [...doc.matchAll(pattern)].map(([, ...parts]) => parts.join(" ")).toSorted();
}

test("every path with its methods", () => {
  const routes = Object.entries(routesOf(new Administered().context, new Turns()));
  const there = routes.flatMap(([route, byMethod]) =>
    Object.keys(byMethod).map((method) => `${method} ${route.replace(":id", "ID")}`),
  );
  expect(cells(/^\| `((?:GET|POST|PUT|DELETE) \/[^`]*)`/gm)).toEqual(there.toSorted());
});

test("every metric with its type", async () => {
  const text = await (await new Administered().ask("/metrics")).text();
  const there = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(cells(/^\| `((?:mqttd|process)_\w+)` +\| (\w+)/gm)).toEqual(there.toSorted());
});

test("every key of its configuration", () => {
  const keys = [...Object.keys(configSchema.parse({}).admin), "tls"];
  const there = keys.map((key) => `admin.${key}`);
  expect(cells(/^\| `(admin\.\w+)`/gm)).toEqual(there.toSorted());
});

test("every event", () => {
  // Events that only the log has.
  const untold = ["logLinesDropped"];
  const named = eventNames.filter((name) => doc.includes(`\`${name}\``));
  expect([...named, ...untold].toSorted()).toEqual([...eventNames].toSorted());
});

test("every field of every answer", async () => {
  const admin = new Administered();
  const { world } = admin;
  watcherOf(world, "wills/#").subscribe({ topic: "wills/+", qos: 1 });
  mortal(world, { id: "delayed", keepalive: 10, expiry: 100, delay: 60 }).drop();
  mortal(world, { id: "dev-42", keepalive: 10, will: { retain: true } }).drop();
  mortal(world, { id: "bye", keepalive: 10 }).send({ cmd: "disconnect" });
  const client = mortal(world, { id: "silent", keepalive: 10 });
  for (const wait of [10_000, 10_000]) {
    world.advance(wait);
    client.ping();
  }
  hold(world);
  const fields = new Set<string>();
  const asked = [
    ...[
      "overview",
      "clients",
      "client-ids",
      "clients/dev-42",
      "clients/bye",
      "clients/silent",
      "clients/held",
      "wills?wait=1ms",
    ],
    ...["sessions", "subscriptions", "route?topic=wills/x", "retained", "config", "clients/silen"],
  ];
  for (const target of asked) {
    const answer: unknown = await (await admin.ask(`/v1/${target}`)).json();
    gather(answer, fields);
  }
  expect(fields.size).toBeGreaterThan(100);
  expect([...fields].filter((field) => !doc.includes(`\`${field}\``))).toEqual([]);
});

/** The names of all fields, except names that are data: causes, and an event's own facts. */
function gather(value: unknown, fields: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) gather(item, fields);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [field, inner] of Object.entries(value)) {
    fields.add(field);
    if (field !== "ends" && field !== "facts" && field !== "faults") gather(inner, fields);
  }
}
