import type { Hono } from "hono";
import { adminApp } from "../../src/server/admin/routes.ts";
import { Clock } from "../../src/server/driver/clock.ts";
import { EventHub } from "../../src/server/event-hub.ts";
import { Vitals } from "../../src/server/vitals.ts";
import type { Dice } from "../support/dice.ts";
import { World } from "../support/world.ts";
import { Broken } from "./hostile-link.ts";
import { hostileText } from "./strings.ts";

/** The administration interface of a broker with a little of everything in it, without a socket. */
export class AdminUnderFuzz {
  readonly #app: Hono;
  readonly #hub = new EventHub({ note: () => {}, logs: () => false });

  constructor() {
    const world = new World();
    const client = world.open();
    const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true } as const;
    client.connect({ clientId: "a", protocolVersion: 5, keepalive: 10, will });
    client.subscribe("t/#");
    client.publish("t", "x", { retain: true });
    world.open().connect({ clientId: "\u001b[31m/?#%", clean: false });
    const hub = this.#hub;
    this.#app = adminApp({
      ...{ broker: world.broker, clock: new Clock(), hub, vitals: new Vitals(), streams: 2 },
      streamBytes: 64 * 1024,
      ...{ guard: { token: null }, listeners: ["mqtt://localhost:1883"], like: null },
      ...{
        predecessor: null,
        restarts: [],
        storeFile: null,
        policies: [world.policy],
        accessWarnings: () => [],
      },
      ...{ logLevel: () => "info", setLogLevel: () => {}, kick: () => true, drop: () => true },
      publish: () => ({ delivered: 0, queued: 0, dropped: 0, away: 0, retained: null }),
      reload: async () => ({
        ...{ ok: true, file: null, changed: [], later: [], problems: [] },
        ...{ warnings: [], accounts: [], access: [] },
      }),
      store: async () => null,
      config: () => ({ file: null, values: [] }),
    });
  }

  /** `parts`: method, path with query, headers as lines, body. */
  async judge(parts: readonly Uint8Array[]): Promise<void> {
    const [method = "GET", path = "/", headers = "", body = ""] = parts.map((part) =>
      new TextDecoder().decode(part),
    );
    const request = requestOf(method, path, headers, body);
    if (request === null) return;
    const response = await this.#app.fetch(request);
    const type = response.headers.get("content-type") ?? "";
    // An event stream does not end.
    if (type.startsWith("text/event-stream")) {
      await response.body?.cancel();
      if (this.#hub.listening > 0) throw new Broken(`${path}: the stream goes on without a reader`);
      return;
    }
    const text = await response.text();
    if (response.status >= 500) throw new Broken(`${method} ${path}: ${response.status} ${text}`);
    if (response.headers.get("mqttd-api") === null) throw new Broken(`${path}: no mqttd-api`);
    if (type.startsWith("application/json") && method !== "HEAD") JSON.parse(text);
  }
}

/** Null: no HTTP client could send it. */
function requestOf(method: string, path: string, lines: string, body: string): Request | null {
  try {
    const headers = new Headers({ host: "localhost" });
    for (const line of lines.split("\n")) {
      const [name = "", value = ""] = line.split(": ");
      if (name !== "") headers.set(name, value);
    }
    const hasBody = method !== "GET" && method !== "HEAD" && body !== "";
    return new Request(`http://localhost${path}`, { method, headers, ...(hasBody && { body }) });
  } catch {
    return null;
  }
}

const paths = [
  ...["/v1/overview", "/v1/clients", "/v1/clients/a", "/v1/clients/a/drop", "/v1/wills"],
  ...["/v1/sessions", "/v1/subscriptions", "/v1/route", "/v1/acl", "/v1/retained", "/v1/config"],
  ...["/v1/events", "/metrics", "/healthz", "/readyz", "/v1/reload", "/v1/log", "/", "/v2", "//"],
];
const queries = [
  ...["limit=1", "limit=0", "limit=-1", "limit=1e9", "limit=", "limit=1&limit=2", "topic=t"],
  ...[
    "topic=%23",
    "topic=",
    "filter=%23",
    "filter=%2B/%2B",
    "filter=a%23",
    "client=a",
    "event=ended",
  ],
  ...[
    "which=pending",
    "which=x",
    "wait=1ms",
    "wait=1",
    "wait=99h",
    "wait=",
    "__proto__=1",
    "x=%ff",
  ],
];
const headerLines = [
  ...["host: evil.example", "host: [::1]:1888", "host: ", "origin: http://evil.example"],
  ...["origin: null", "sec-fetch-site: cross-site", "content-length: 999999999", "accept: */*"],
  ...["content-type: application/json", "authorization: Bearer x", "last-event-id: -1"],
];
const bodies = [
  "",
  "{}",
  "null",
  "[]",
  '{"how":"rst"}',
  '{"how":1}',
  '{"level":"debug"}',
  '{"level":',
];

/** A request as parts: see `judge`. */
export function drawRequest(dice: Dice): Uint8Array[] {
  const encoder = new TextEncoder();
  const method = dice.pick([
    "GET",
    "GET",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
  ]);
  const part = (): string => encodeURIComponent(text(hostileText(dice)));
  let path = dice.pick(paths);
  if (dice.chance(20)) path = `${path}/${dice.chance(50) ? part() : "%ff%00"}`;
  const given = Array.from({ length: dice.pick([0, 0, 1, 2]) }, () =>
    dice.chance(80) ? dice.pick(queries) : `${dice.pick(["topic", "filter", "client"])}=${part()}`,
  );
  const query = given.length === 0 ? "" : `?${given.join("&")}`;
  const headers = Array.from({ length: dice.pick([0, 0, 0, 1, 2]) }, () => dice.pick(headerLines));
  const body = dice.chance(90) ? dice.pick(bodies) : text(hostileText(dice));
  return [method, path + query, headers.join("\n"), body].map((one) => encoder.encode(one));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
