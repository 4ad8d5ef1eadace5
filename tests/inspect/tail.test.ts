import { expect, test } from "bun:test";
import fc from "fast-check";
import pc from "picocolors";
import type { StreamedEvent } from "../../src/api/api.ts";
import { CliError } from "../../src/config/cli-error.ts";
import { renderHuman } from "../../src/log/render.ts";
import { now, samples } from "../log/samples.ts";
import { streamedEvent } from "../../src/server/event-hub.ts";
import { type Missed, tailLine, toldBy } from "../../src/inspect/tail.ts";

const event: StreamedEvent = {
  at: 1_800_000_000_123,
  level: "info",
  event: "ended",
  text: "dev-42 disconnected: connection reset (RST)",
  facts: { client: "dev-42", cause: "resetByPeer" },
};

/** The broker's stream: a greeting, an event, three that are missed, a heartbeat, an event. */
const sent =
  `: mqttd\n\nid: 1\ndata: ${JSON.stringify(event)}\n\nevent: missed\ndata: 3\n\n` +
  `: still here\n\nid: 2\ndata: ${JSON.stringify({ ...event, text: "灯-三" })}\n\n`;

/** A stream that yields `chunks`, and then ends as `end` says. */
function streamOf(
  chunks: readonly Uint8Array[],
  end: "closes" | "fails" | "hangs" = "closes",
): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull: async (controller) => {
      const chunk = left.shift();
      if (chunk !== undefined) return controller.enqueue(chunk);
      if (end === "closes") return controller.close();
      if (end === "fails") return controller.error(new Error("ECONNRESET"));
      return new Promise(() => {});
    },
  });
}

async function all(
  stream: ReadableStream<Uint8Array>,
  silenceMs?: number,
): Promise<(StreamedEvent | Missed)[]> {
  const told: (StreamedEvent | Missed)[] = [];
  for await (const one of toldBy(stream, silenceMs)) told.push(one);
  return told;
}

const bytes = new TextEncoder().encode(sent);
const expected = [event, { missed: 3 }, { ...event, text: "灯-三" }];

test("tail: events, however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })),
      async (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.slice(places[index], end));
        expect(await all(streamOf(chunks))).toEqual(expected);
      },
    ),
    { numRuns: 200 },
  );
});

test("tail: a stream that breaks off, one that hangs, and an answer that is none", async () => {
  const error = async (stream: ReadableStream<Uint8Array>, silenceMs?: number): Promise<string> => {
    const thrown: unknown = await all(stream, silenceMs).then(
      () => null,
      (error: unknown) => error,
    );
    if (!(thrown instanceof CliError)) throw thrown;
    return `${thrown.text.trimEnd()} (exit code ${thrown.exitCode})`;
  };
  const garbled = new TextEncoder().encode("data: {\n\n");
  expect([
    await error(streamOf([bytes], "fails")),
    await error(streamOf([bytes], "hangs"), 20),
    await error(streamOf([garbled])),
    await error(streamOf(Array.from({ length: 5 }, () => new Uint8Array(1024 * 1024).fill(0x41)))),
  ]).toMatchInlineSnapshot(`
    [
      "mqttd: the broker's events broke off (the broker has gone, or the link is down) (exit code 3)",
      "mqttd: the broker has sent nothing for 0.02 s (is it stopped, or the link down?) (exit code 5)",
      "mqttd: among the broker's events one is of another kind (no broker of this version of mqttd sends that) (exit code 4)",
      "mqttd: among the broker's events one has no end (no broker of this version of mqttd sends that) (exit code 4)",
    ]
  `);
});

test.each([
  ["a number", "data: 5"],
  ["null", "data: null"],
  ["no facts", `data: ${JSON.stringify({ ...event, facts: undefined })}`],
  ["another level", `data: ${JSON.stringify({ ...event, level: "loud" })}`],
  ["a time that no clock shows", `data: ${JSON.stringify({ ...event, at: 1e300 })}`],
  ["tones of no length", `data: ${JSON.stringify({ ...event, tones: [{ tone: "good" }] })}`],
  ["misses of no number", "event: missed\ndata: many"],
])("tail: what is no event ends it: %s", async (_, block) => {
  const told = all(streamOf([new TextEncoder().encode(`${block}\n\n`)]));
  expect(await told.catch((error: unknown) => error)).toMatchObject({
    message: "among the broker's events one is of another kind",
    exitCode: 4,
  });
});

test("tail: the log's lines", () => {
  const style = { colors: pc.createColors(false), zone: "utc", like: null, json: false } as const;
  const lines = [
    tailLine({ ...event, text: "dev-42 disconnected" }, style, 0),
    tailLine({ ...event, level: "warn", text: "a warning" }, { ...style, like: "rumqttd-0.19" }, 0),
    tailLine({ missed: 1 }, style, event.at),
    tailLine({ missed: 12 }, style, event.at),
    tailLine({ missed: 12 }, { ...style, json: true }, event.at),
    tailLine({ ...event, text: "\u001b[2J" }, { ...style, json: true }, event.at),
  ];
  expect(`\n${lines.join("")}`).toMatchInlineSnapshot(`
    "
    08:00:00.123 dev-42 disconnected
    08:00:00.123 [like rumqttd-0.19] Warning: a warning
    08:00:00.123 Warning: 1 event missed: the reader of this output is too slow
    08:00:00.123 Warning: 12 events missed: the reader of this output is too slow
    {"event":"missed","missed":12}
    {"at":1800000000123,"level":"info","event":"ended","text":"\\u001b[2J","facts":{"client":"dev-42","cause":"resetByPeer"}}
    "
  `);
});

/** The log's samples as the log writes them, and as the stream sends them. */
test("tail: the colours are the log's own", () => {
  const style = { colors: pc.createColors(true), zone: "utc", like: null, json: false } as const;
  const events = Object.values(samples).flat();
  expect(events.length).toBeGreaterThan(30);
  for (const sample of events) {
    const sent: StreamedEvent = JSON.parse(JSON.stringify(streamedEvent(sample, now)));
    expect(tailLine(sent, style, 0)).toBe(`${renderHuman(sample, now, style)}\n`);
  }
});

test("tail: tones colour the text and change nothing in it", () => {
  const style = { colors: pc.createColors(true), zone: "utc", like: null, json: false } as const;
  const toned = (text: string, ...tones: readonly (readonly [number, string | null])[]): string => {
    const parts = tones.map(([length, tone]) => ({ length, tone }));
    return tailLine({ ...event, text, tones: parts }, style, 0)
      .trimEnd()
      .split(" ")
      .slice(1)
      .join(" ");
  };
  const marks = "x\u0301\u0301\u0301\u0301\u0301";
  expect([
    toned("New client connected", [10, "good"], [1, null], [9, "will"]),
    toned("shorter than told", [7, "bad"], [1000, "aside"]),
    toned("longer than told", [6, "caution"]),
    toned("a later version's tone", [1, null], [6, "sparkle"], [5, "toString"]),
    // Between the two halves of a pair, and where combining marks would pile up part by part.
    toned("灯🔥", [2, "good"], [1, "bad"]),
    toned(marks, [4, "good"], [2, "bad"]),
  ]).toEqual([
    "\u001b[32mNew client\u001b[39m \u001b[35mconnected\u001b[39m",
    "\u001b[31mshorter\u001b[39m\u001b[2m than told\u001b[22m",
    "\u001b[33mlonger\u001b[39m than told",
    "a later version's tone",
    "灯🔥",
    "x\u0301\u0301\u0301\\u0301\\u0301",
  ]);
});

test("tail: JSON has no tones", () => {
  const style = { colors: pc.createColors(true), zone: "utc", like: null, json: true } as const;
  const told = { ...event, tones: [{ length: 6, tone: "good" }] };
  expect(tailLine(told, style, 0)).toBe(tailLine(event, style, 0));
});

test("tail: no output of the broker moves a terminal", () => {
  const style = { colors: pc.createColors(false), zone: "utc", like: null, json: false } as const;
  const harm = fc.string({ unit: fc.constantFrom("\u001b", "[2J", "\n", "\u202e", " · ", "x") });
  const tones = fc.array(fc.record({ length: fc.nat(20), tone: fc.constantFrom(null, "good") }));
  fc.assert(
    fc.property(harm, tones, (text, told) => {
      const line = tailLine({ ...event, text, tones: told }, style, 0);
      expect(line.slice(0, -1)).not.toMatch(/\p{C}/u);
      expect(line).toBe(tailLine({ ...event, text }, style, 0));
    }),
    { numRuns: 500 },
  );
});
