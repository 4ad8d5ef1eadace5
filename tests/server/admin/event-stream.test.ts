import { expect, test } from "bun:test";
import { serveHttp } from "../../../src/server/admin/http.ts";
import { Administered } from "../../support/administered.ts";
import { HttpSocket } from "../../support/http-socket.ts";
import { eventually } from "../../support/inbox.ts";
import { mortal } from "../../support/mortal.ts";

/** The output of one stream, read piece by piece. */
class Reading implements AsyncDisposable {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #text = "";

  static async of(admin: Administered, query = ""): Promise<Reading> {
    const { status, headers, body } = await admin.ask(`/v1/events${query}`);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    if (body === null) throw new Error("there is no stream");
    return new Reading(body);
  }

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  /** Everything received, once it contains this text. */
  async until(text: string): Promise<string> {
    while (!this.#text.includes(text)) {
      const { value, done } = await this.#pieces.next();
      if (done) throw new Error(`it ended after ${this.#text}`);
      this.#text += Buffer.from(value).toString();
    }
    return this.#text;
  }

  async end(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#pieces.next();
      if (done) return this.#text;
      this.#text += Buffer.from(value).toString();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return?.();
  }
}

function eventsOf(text: string) {
  return [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map(([, id, data]) => ({
    id: Number(id),
    ...(JSON.parse(data ?? "") as { event: string; text: string; facts: { client: string } }),
  }));
}

test("events are sent in order, with the log's words", async () => {
  const admin = new Administered();
  await using reading = await Reading.of(admin);
  const client = mortal(admin.world, { id: "dev-42", keepalive: 10 });
  client.drop();
  const events = eventsOf(await reading.until('"event":"ended"'));
  expect(events.map(({ id, event }) => `${id} ${event}`).slice(0, 2)).toEqual([
    "1 connected",
    "2 ended",
  ]);
  expect(events[1]?.text).toContain("dev-42 disconnected");
});

test.each([
  ["?client=a", ["connected a", "subscribed a", "ended a", "clientFault a"]],
  ["?event=connected", ["connected a", "connected b"]],
  ["?event=connected&client=b", ["connected b"]],
  ["?topic=news/%2B", ["subscribed a"]],
  ["?topic=wills/b", ["connected b", "ended b", "clientFault b"]],
])("%s: only what was asked for", async (query, expected) => {
  const admin = new Administered();
  await using reading = await Reading.of(admin, query);
  for (const id of ["a", "b"]) {
    const client = mortal(admin.world, { id, keepalive: 10 });
    client.subscribe(id === "a" ? "news/today" : "weather");
    client.drop();
  }
  admin.hub.close();
  const told = eventsOf(await reading.end());
  expect(told.map(({ event, facts }) => `${event} ${facts.client}`)).toEqual([...expected]);
});

test("a stream whose reader has closed stops listening", async () => {
  const admin = new Administered();
  const reading = await Reading.of(admin);
  expect(admin.hub.listening).toBe(1);
  await reading[Symbol.asyncDispose]();
  expect(admin.hub.listening).toBe(0);
});

test("HEAD opens no stream, however often it is sent", async () => {
  const admin = new Administered();
  for (let asked = 0; asked < 100; asked++) {
    const answer = await admin.ask("/v1/events", { method: "HEAD" });
    expect(answer.status).toBe(200);
  }
  expect(admin.hub.listening).toBe(0);
});

test("one stream above the limit is refused, and a closed one makes room", async () => {
  const admin = new Administered({ admin: { streams: 2 } });
  const readings = [await Reading.of(admin), await Reading.of(admin)];
  // A reader that reads what was sent keeps its place.
  for (const reading of readings) await reading.until(": mqttd");
  expect(admin.hub.evictSlowest(performance.now() + 60_000)).toBe(false);
  const answer = await admin.ask("/v1/events");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({
    error: "all 2 streams are in use",
    hint: "admin.streams sets the limit",
  });
  await readings.pop()?.[Symbol.asyncDispose]();
  readings.push(await Reading.of(admin));
  for (const reading of readings) await reading[Symbol.asyncDispose]();
});

test("at the limit of streams, the one whose reader has read nothing for the longest makes room", async () => {
  const admin = new Administered({ admin: { streams: 2 } });
  await using first = await Reading.of(admin);
  await using second = await Reading.of(admin);
  for (const reading of [first, second]) await reading.until(": mqttd");
  const began = performance.now();
  mortal(admin.world, { id: "dev-1", keepalive: 10 });
  // The second one has read that, and has had unread output only since then.
  await second.until("dev-1");
  mortal(admin.world, { id: "dev-2", keepalive: 10 });
  expect(admin.hub.evictSlowest(began)).toBe(false);
  expect(admin.hub.evictSlowest(performance.now() + 1000)).toBe(true);
  expect(admin.hub.listening).toBe(1);
  await using third = await Reading.of(admin);
  await third.until(": mqttd");
  expect(await first.until("dev-1").catch(String)).toBe("StreamEvicted: the reader took no data");
  expect(await second.until("dev-2")).toContain("dev-2");
});

test("a reader that reads nothing misses events above the limit, and gets their number", async () => {
  const streamBytes = 4096;
  const admin = new Administered({ admin: { streamBytes } });
  await using reading = await Reading.of(admin);
  await reading.until(": mqttd");
  for (let round = 0; round < 100; round++) mortal(admin.world, { keepalive: 10 }).drop();
  const text = await reading.until("event: missed");
  const told = eventsOf(text).length;
  const missed = admin.world.events.length - told;
  expect(text.length).toBeLessThan(2 * streamBytes);
  expect(text).toEndWith(`event: missed\ndata: ${missed}\n\n`);
  expect(admin.hub.missed).toBe(missed);
  mortal(admin.world, { id: "later", keepalive: 10 });
  const after = eventsOf(await reading.until("later"));
  expect(after.map(({ id }) => id)).toEqual(Array.from(after, (_, at) => at + 1));
});

test("an event above the limit is missed, and those after it are sent", async () => {
  const admin = new Administered({ admin: { streamBytes: 1024 } });
  await using reading = await Reading.of(admin);
  await reading.until(": mqttd");
  const missed = reading.until("event: missed");
  admin.hub.note({ event: "warning", text: "x".repeat(3000) }, admin.world.clock.now());
  expect(await missed).toEndWith("event: missed\ndata: 1\n\n");
  admin.hub.note({ event: "warning", text: "small" }, admin.world.clock.now());
  expect(eventsOf(await reading.until("small"))).toHaveLength(1);
});

test("when the broker stops, the number of missed events is sent, too", async () => {
  const admin = new Administered({ admin: { streamBytes: 4096 } });
  await using reading = await Reading.of(admin);
  for (let round = 0; round < 100; round++) mortal(admin.world, { keepalive: 10 }).drop();
  admin.hub.close();
  expect(admin.hub.missed).toBeGreaterThan(0);
  expect(await reading.end()).toEndWith(`event: missed\ndata: ${admin.hub.missed}\n\n`);
});

test("packets are sent only to streams that request them", async () => {
  const admin = new Administered();
  let traced = 0;
  admin.hub.onTrace = () => (traced += 1);
  await using plain = await Reading.of(admin);
  expect([admin.hub.logs("debug"), traced]).toEqual([false, 0]);
  const packets = await Reading.of(admin, "?event=packet");
  expect([admin.hub.logs("debug"), traced]).toEqual([true, 1]);
  await packets[Symbol.asyncDispose]();
  expect([admin.hub.logs("debug"), traced]).toEqual([false, 2]);
  await plain.until(": mqttd");
});

test("when the broker stops, waiting events are sent and the stream ends", async () => {
  const admin = new Administered();
  await using reading = await Reading.of(admin);
  mortal(admin.world, { id: "last", keepalive: 10 });
  admin.hub.close();
  expect(eventsOf(await reading.end()).map(({ facts }) => facts.client)).toEqual(["last"]);
  expect(admin.hub.listening).toBe(0);
});

test("over a socket: a reader that stalls misses events above the limit, then resumes", async () => {
  const streamBytes = 256 * 1024;
  const admin = new Administered({ admin: { streamBytes } });
  const faults: unknown[] = [];
  const server = await serveHttp({
    ...{
      host: "127.0.0.1",
      port: 0,
      connections: 4,
      requestTimeoutMs: 60_000,
      stallTimeoutMs: 60_000,
    },
    fetch: (request) => admin.fetch(request),
    onFault: (fault) => void faults.push(fault),
  });
  using reader = await HttpSocket.connect(server.port);
  reader.stall();
  reader.ask("GET /v1/events");
  await eventually(
    () => admin.hub.listening === 1,
    () => "no stream was opened",
  );
  // The kernel accepts some MiB.
  for (let round = 0; round < 10_000; round++) {
    mortal(admin.world, { keepalive: 10 }).drop();
    // The stream writes in turns of its own.
    if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(admin.hub.missed).toBeGreaterThan(0);
  reader.resume();
  const text = await reader.until("event: missed");
  expect(text).toMatch(/event: missed\ndata: \d+\n\n/);
  reader.close();
  await eventually(
    () => admin.hub.listening === 0,
    () => "the stream goes on without a reader",
  );
  await server.close();
  expect(faults).toEqual([]);
}, 180_000);
