import { expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { routesOf } from "../../../src/server/admin/routes.ts";
import { Turns } from "../../../src/server/admin/turns.ts";
import { Administered } from "../../support/administered.ts";
import { mortal } from "../../support/mortal.ts";

test("a method that a path does not allow: 405 with the allowed ones", async () => {
  const admin = new Administered();
  const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
  for (const [path, byMethod] of Object.entries(routesOf(admin.context, new Turns()))) {
    for (const method of methods) {
      if (Object.keys(byMethod).includes(method)) continue;
      const answer = await admin.ask(path.replace(":id", "x"), { method });
      expect({ path, method, status: answer.status }).toEqual({ path, method, status: 405 });
      const allowed = answer.headers.get("allow")?.split(", ") ?? [];
      expect(allowed.filter((one) => one !== "HEAD")).toEqual(Object.keys(byMethod));
      expect(allowed.includes("HEAD")).toBe(allowed.includes("GET"));
    }
  }
});

test("another path: 404 with the nearest one", async () => {
  const admin = new Administered();
  const answer = await admin.ask("/v1/overviews");
  expect(answer.status).toBe(404);
  expect(await answer.json()).toEqual({
    error: "no such path",
    hint: "did you mean /v1/overview?",
  });
});

test.each([
  ["/v1/clients?limt=1", "unknown parameter limt", "did you mean limit?"],
  ["/v1/clients?limit=0", "limit: found 0, allowed: a whole number from 1 to 1000000", null],
  ["/v1/clients?limit=2x", "limit: found 2x, allowed: a whole number from 1 to 1000000", null],
  [
    "/v1/wills?wait=5",
    "wait: found 5, allowed: a time with a unit, at most 10m, for example 5s",
    null,
  ],
  ["/v1/wills?which=all", "which: found all, allowed: pending, fired or notFired", null],
  [
    "/v1/events?event=conected",
    expect.stringMatching(/^event: found conected, allowed: conn/),
    null,
  ],
  ["/v1/client", "id: missing, allowed: the id of a client", null],
  ["/v1/route", "topic: missing, allowed: the name of a topic", null],
  ["/v1/acl", "topic: missing, allowed: a topic, or a filter", null],
  [
    "/v1/acl?topic=%2B&action=read",
    "topic: found +, allowed: a topic, which has no wildcards",
    null,
  ],
  [
    "/v1/acl?topic=a&listener=tcp%20tset",
    "listener: there is no listener tcp tset",
    "did you mean tcp test?",
  ],
  [
    "/v1/acl?topic=a&listener=1883",
    "listener: there is no listener 1883",
    "the listeners are tcp test",
  ],
])("%s: 400 that says what is allowed", async (path, error, hint) => {
  const answer = await new Administered().ask(path);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ error, hint });
});

test("a listener by its name, address, port, and place in the configuration", async () => {
  const policy = new Administered().world.policy;
  const policies = [
    { ...policy, name: "tcp localhost:1883", accessList: "listeners.0" },
    { ...policy, name: "ws localhost:9001", accessList: "listeners.1" },
    { ...policy, name: "tcp 192.0.2.7:1883", accessList: "listeners.2" },
    { ...policy, name: "unix /tmp/m.sock", accessList: "listeners.3" },
  ];
  const admin = new Administered({ admin: { policies } });
  const asked = async (listener: string) => {
    const answer = await admin.ask(`/v1/acl?topic=a&listener=${encodeURIComponent(listener)}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  for (const word of ["ws localhost:9001", "localhost:9001", "9001", "listeners.1"]) {
    expect(await asked(word)).toMatchObject({ listener: "ws localhost:9001" });
  }
  expect(await asked("/tmp/m.sock")).toMatchObject({ listener: "unix /tmp/m.sock" });
  expect(await asked("1883")).toEqual({
    error: "listener: 1883 may be tcp localhost:1883 or tcp 192.0.2.7:1883",
    hint: "name one of them",
  });
  expect(await asked("9002")).toMatchObject({ hint: "did you mean ws localhost:9001?" });
});

test("an access list of a client that has gone is that of its last listener", async () => {
  const policy = new Administered().world.policy;
  const policies = [
    { ...policy, name: "tcp first:1", accessList: "listeners.0" },
    { ...policy, accessList: "listeners.1" },
  ];
  const admin = new Administered({ admin: { policies } });
  const client = admin.world.open({ accessList: "listeners.1" });
  client.connect({ clientId: "gone" });
  const asked = async (clientId: string): Promise<unknown> => {
    const answer = await admin.ask(`/v1/acl?topic=a&client=${clientId}`);
    return ((await answer.json()) as { listener: unknown }).listener;
  };
  expect(await asked("gone")).toBe(policy.name);
  client.send({ cmd: "disconnect" });
  expect(admin.context.broker.sessions.has("gone")).toBe(false);
  expect(await asked("gone")).toBe(policy.name);
  expect(await asked("stranger")).toBe("tcp first:1");
});

test.each([
  ["no JSON", "{", "the body is not JSON"],
  ["nothing", undefined, "the body is not JSON"],
  ["another value", '{"level":"loud"}', "level: found loud, allowed: error, warn, info or debug"],
  ["a key too many", '{"level":"info","more":1}', "unknown parameter more"],
  ["no object", "7", "found 7, allowed: an object"],
])("a body that is %s: 400", async (_, body, error) => {
  const answer = await new Administered().ask("/v1/log", { method: "PUT", ...(body && { body }) });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error });
});

test("a body that is too large: 413, with or without its length", async () => {
  const body = " ".repeat(65_537);
  const announced = await new Administered().ask("/v1/log", {
    ...{ method: "PUT", body },
    headers: { "content-length": String(body.length) },
  });
  expect(announced.status).toBe(413);
  let taken = 0;
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        taken += 1024;
        controller.enqueue(new Uint8Array(1024));
      },
    },
    { highWaterMark: 0 },
  );
  const answer = await new Administered().ask("/v1/log", { method: "PUT", body: endless });
  expect(answer.status).toBe(413);
  expect(taken).toBe(65 * 1024);
});

const ids = [
  ".",
  "..",
  "a/b",
  "/",
  "%",
  "%2e",
  "%41",
  "%252F",
  "a b",
  "späť",
  "日本",
  "🔥",
  "+",
  "?",
  "#",
];
const hard = [...ids, "&id=x", "\\", "a;b", "a?id=b", "..%2f..", "x".repeat(65_535)];

test.each(hard.map((id) => [id.slice(0, 20), id]))("a client with the id %s", async (_, id) => {
  const admin = new Administered();
  mortal(admin.world, { id, keepalive: 10, will: { topic: "wills/x" } });
  const encoded = encodeURIComponent(id);
  const asked = [`/v1/client?id=${encoded}`];
  // A URL treats these as steps in a path, encoded or not.
  if (!/^(\.|%2e){1,2}$/i.test(encoded)) asked.push(`/v1/clients/${encoded}`);
  for (const path of asked) {
    const answer = await admin.ask(path);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { clientId: string }).clientId).toBe(id);
  }
  const drop = await admin.ask(`/v1/client/drop?id=${encoded}`, {
    method: "POST",
    body: JSON.stringify({ how: "rst" }),
  });
  expect(await drop.json()).toMatchObject({ wasConnected: true });
  const kick = await admin.ask(`/v1/client?id=${encoded}`, { method: "DELETE" });
  expect(await kick.json()).toEqual({ wasConnected: false });
});

test("every client is found by its id, whatever the id", async () => {
  const text = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((id) => !/\p{Cc}|^\.{1,2}$/u.test(id));
  await fc.assert(
    fc.asyncProperty(text, async (id) => {
      const admin = new Administered();
      mortal(admin.world, { id, keepalive: 10, will: { topic: "wills/x" } });
      for (const path of ["/v1/clients/", "/v1/client?id="]) {
        const answer = await admin.ask(path + encodeURIComponent(id));
        expect(((await answer.json()) as { clientId: string }).clientId).toBe(id);
      }
    }),
    { numRuns: 100 },
  );
});

test("an unknown client: 404 with the nearest ids", async () => {
  const admin = new Administered();
  for (const id of ["dev-41", "dev-42", "other"]) mortal(admin.world, { id, keepalive: 10 });
  for (const init of [{}, { method: "DELETE" }]) {
    const answer = await admin.ask("/v1/clients/dev-43", init);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error: "no such client",
      hint: "similar client ids exist",
      nearest: ["dev-41", "dev-42"],
    });
  }
});

test("an unknown client: the nearest three, the earlier of equally near ones", async () => {
  const admin = new Administered();
  const ids = ["sensor-XYZ", "sensor-XbZ", "sensor-abZ", "sensor-aYc", "sensor-Xbc", "pump"];
  for (const id of ids) mortal(admin.world, { id, keepalive: 10 });
  const answer = await admin.ask("/v1/clients/sensor-abc");
  const nearest = ["sensor-abZ", "sensor-aYc", "sensor-Xbc"];
  expect(await answer.json()).toMatchObject({ nearest });
});

test("an unknown client: however long two ids take to compare, other work runs", async () => {
  const admin = new Administered();
  for (let n = 0; n < 10; n++) mortal(admin.world, { id: `dev-4${n}`, keepalive: 10 });
  let now = 0;
  using _ = spyOn(performance, "now").mockImplementation(() => (now += 3));
  using next = spyOn(Turns.prototype, "next");
  expect((await admin.ask("/v1/clients/dev-5")).status).toBe(404);
  expect(next.mock.calls.length).toBeGreaterThanOrEqual(10);
});
