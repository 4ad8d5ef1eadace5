import { expect, test } from "bun:test";
import type { Answers, WillsAnswer } from "../../../src/api/api.ts";
import * as shapes from "../../../src/inspect/answers/answer-shape.ts";
import { clientLines, clientsLines } from "../../../src/inspect/views/client.ts";
import { configLines } from "../../../src/inspect/views/config.ts";
import { explain, explanationText, explainUnknown } from "../../../src/inspect/explain/explain.ts";
import { overviewLines } from "../../../src/inspect/views/overview.ts";
import { retainedLines } from "../../../src/inspect/views/retained.ts";
import {
  routeLines,
  sessionsLines,
  subscriptionsLines,
} from "../../../src/inspect/views/sessions.ts";
import type { Shape } from "../../../src/inspect/answers/shape.ts";
import { willsLines } from "../../../src/inspect/views/wills.ts";
import { jsonLine } from "../../../src/log/foreign.ts";
import { Administered } from "../../support/administered.ts";
import { plainStyle } from "../views/viewed.ts";

/** A broker with most of the events that an answer can contain. */
function busy(): Administered {
  const admin = new Administered({
    admin: {
      config: () => ({
        file: "mqttd.json",
        values: [
          { path: "log.level", value: "info", origin: "default" },
          { path: "listeners", value: [{ port: 1883 }], origin: "mqttd.json:1:2" },
        ],
      }),
    },
  });
  const { world } = admin;
  const will = { topic: "status", payload: "gone", qos: 1, retain: true } as const;
  const dev = world.open();
  dev.connect({
    ...{ clientId: "dev", protocolVersion: 5, keepalive: 10, username: "ann" },
    properties: { sessionExpiryInterval: 60 },
    will: { ...will, properties: { willDelayInterval: 20 } },
  });
  dev.subscribe({ topic: "status", qos: 1, nl: true }, { topic: "$share/some/news" });
  dev.publish("status", "here", { retain: true });
  const impostor = world.open();
  impostor.connect({ clientId: "dev", protocolVersion: 5, will: { ...will, topic: "a/#" } });
  const old = world.open();
  old.connect({ clientId: "dev-old", protocolVersion: 4, clean: false, keepalive: 10, will });
  old.subscribe({ topic: "news", qos: 1 });
  world.advance(3000);
  old.send({ cmd: "pingreq" });
  world.advance(3000);
  old.send({ cmd: "pingreq" });
  old.drop();
  world.open().sendBytes(Uint8Array.of(0x10, 0x04, 0x00, 0x02, 0x58, 0x58));
  const again = world.open();
  again.connect({ clientId: "dev-old", protocolVersion: 4, clean: false, keepalive: 10, will });
  world.advance(3000);
  dev.drop();
  world.advance(1000);
  return admin;
}

const now = 1_800_000_000_000;
const style = plainStyle(80);

interface View {
  readonly path: string;
  readonly shape: Shape<unknown>;
  /** The text for people of an answer that has the shape. */
  readonly lines: (answer: never) => readonly string[];
}

/** Each answer with everything made from it. */
const views: Readonly<Record<string, View>> = {
  overview: {
    path: "/v1/overview",
    shape: shapes.overviewShape,
    lines: (answer: Answers["overview"]) => [
      ...overviewLines(answer, style),
      explanationText(explainUnknown("dev", answer, []), style),
    ],
  },
  clients: {
    path: "/v1/clients",
    shape: shapes.clientsShape(),
    lines: ({ clients }: Answers["clients"]) => clientsLines(now, clients, style),
  },
  client: {
    path: "/v1/clients/dev",
    shape: shapes.clientShape,
    lines: (answer: Answers["client"]) => [
      ...clientLines(answer, style),
      explanationText(explain(answer), style),
    ],
  },
  "client that is back": {
    path: "/v1/clients/dev-old",
    shape: shapes.clientShape,
    lines: (answer: Answers["client"]) => [
      ...clientLines(answer, style),
      explanationText(explain(answer), style),
    ],
  },
  wills: {
    path: "/v1/wills",
    shape: shapes.willsShape(),
    lines: (answer: WillsAnswer) => willsLines(answer, style),
  },
  sessions: {
    path: "/v1/sessions",
    shape: shapes.sessionsShape(),
    lines: ({ sessions }: Answers["sessions"]) => sessionsLines(now, sessions, style),
  },
  subscriptions: {
    path: "/v1/subscriptions",
    shape: shapes.subscriptionsShape(),
    lines: ({ subscriptions }: Answers["subscriptions"]) =>
      subscriptionsLines(subscriptions, style),
  },
  route: {
    path: "/v1/route?topic=status",
    shape: shapes.routeShape,
    lines: (answer: Answers["route"]) => routeLines(answer, style),
  },
  retained: {
    path: "/v1/retained?filter=%23",
    shape: shapes.retainedShape(),
    lines: ({ retained }: Answers["retained"]) => retainedLines(now, retained, style),
  },
  config: {
    path: "/v1/config",
    shape: shapes.configShape,
    lines: (answer: Answers["config"]) => configLines(answer, style),
  },
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Moves a cursor (as ESC and as C1), starts a line, turns the reading direction, hides. */
const harm = "\u001b[2J\u009b1A\r\n\u202e\u2066\u200bx\u007f";
const unprintable = /[^\n\P{C}]|\p{Zl}|\p{Zp}/u;

/** The path of every value, with the value. */
function* placesIn(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, below] of Object.entries(value)) yield* placesIn(below, [...path, key]);
}

/** A copy with another value at that path; undefined: removed. */
function changed(value: Json, path: readonly (string | number)[], to: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return to ?? null;
  const copy = Array.isArray(value) ? [...value] : { ...(value as Record<string, Json>) };
  const at = copy as Record<string | number, Json>; // By its own keys.
  if (rest.length > 0) at[key] = changed(at[key] ?? null, rest, to);
  else if (to === undefined) delete at[key];
  else at[key] = to;
  return copy;
}

const others: readonly (Json | undefined)[] = [
  ...[undefined, null, true, 0, -1, 1.5, 1e300, "", "x", harm, [], [null], {}],
];

test.each(Object.entries(views))("answered: %s has its shape", async (_, { path, shape }) => {
  const answer: unknown = await (await busy().ask(path)).json();
  expect(shape.safeParse(answer).error?.issues ?? []).toEqual([]);
  // Additional keys of a newer broker do no harm.
  expect(shape.safeParse({ ...(answer as object), more: true, newKey: 1 }).success).toBe(true);
});

test.each(Object.entries(views))(
  "answered: whatever value is in any place of %s, it is refused or harmless",
  async (_, { path, shape, lines }) => {
    const answer = (await (await busy().ask(path)).json()) as Json;
    let refused = 0;
    let shown = 0;
    for (const place of placesIn(answer)) {
      for (const other of others) {
        const value = changed(answer, place, other);
        if (!shape.safeParse(value).success) {
          refused += 1;
          continue;
        }
        shown += 1;
        const text = lines(value as never).join("\n");
        expect(text, `${place.join(".")}: ${JSON.stringify(other)}`).not.toMatch(unprintable);
        expect(jsonLine({ value })).not.toMatch(/\p{C}/u);
      }
    }
    expect(refused).toBeGreaterThan(10);
    expect(shown).toBeGreaterThan(1);
  },
  180_000,
);

test("answered: a list has at most the requested number of items", async () => {
  const answer: unknown = await (await busy().ask("/v1/clients")).json();
  expect(shapes.clientsShape(2).safeParse(answer).success).toBe(true);
  expect(shapes.clientsShape(1).safeParse(answer).success).toBe(false);
});

test("answered: the answer to an order has its shape", async () => {
  const admin = busy();
  const ask = async (path: string, method: string, body?: object): Promise<unknown> =>
    (
      await admin.ask(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
    ).json();
  const answers: [Shape<unknown>, unknown][] = [
    [shapes.dropShape, await ask("/v1/clients/dev-old/drop", "POST", { how: "silent" })],
    [shapes.kickShape, await ask("/v1/clients/dev-old", "DELETE")],
    [shapes.reloadShape, await ask("/v1/reload", "POST")],
    [shapes.logShape, await ask("/v1/log", "PUT", { level: "info" })],
    [shapes.refusalShape, await ask("/v1/clients/dev-ol", "GET")],
  ];
  for (const [shape, answer] of answers) {
    expect(shape.safeParse(answer).error?.issues ?? [], JSON.stringify(answer)).toEqual([]);
  }
});
