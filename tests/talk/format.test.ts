import { expect, test } from "bun:test";
import type { ReceivedPublish } from "../../src/client/machine.ts";
import { formatted, readFormat } from "../../src/talk/format.ts";
import { jsonMessage } from "../../src/talk/message-json.ts";
import { printed } from "../../src/talk/printer.ts";
import { strftime } from "../../src/talk/strftime.ts";
import { linesOf } from "../../src/talk/source.ts";
import { spawnSync } from "../support/child.ts";

const packet: ReceivedPublish = {
  ...{ cmd: "publish", topic: "home/lamp", payload: Buffer.from("ä1"), qos: 1, messageId: 7 },
  ...{ retain: true, dup: false },
  properties: {
    ...{ topicAlias: 3, contentType: "text/plain", correlationData: Buffer.from("id") },
    ...{ messageExpiryInterval: 60, payloadFormatIndicator: true, responseTopic: "re/x" },
    ...{ subscriptionIdentifier: 9, userProperties: { a: ["1", "2"], b: "3" } },
  },
  userProperties: [
    ["a", "1"],
    ["b", "3"],
    ["a", "2"],
  ],
};
const atMicros = Date.UTC(2026, 10, 30, 7, 18, 27) * 1000 + 156_203;

function text(format: string, of: ReceivedPublish = packet): string {
  const pieces = readFormat(format);
  if (typeof pieces === "string") return pieces;
  const parts = formatted(pieces, { packet: of, atMicros }, false);
  if ("wrong" in parts) return parts.wrong;
  return Buffer.concat(parts.map((part) => Buffer.from(part))).toString();
}

test("each field of a message", () => {
  expect(text("%t %p %q %r %m %l")).toBe("home/lamp ä1 1 1 7 3");
  expect(text("%x %X")).toBe("c3a431 C3A431");
  expect(text("%A %C %D %E %F %R %S %P")).toBe("3 text/plain id 60 1 re/x 9 a:1 b:3 a:2");
  const { properties: _, ...rest } = packet;
  const bare = { ...rest, userProperties: [] };
  expect(text("[%A%C%D%E%F%R%S%P]", bare)).toBe("[]");
  expect(text("%U")).toBe("1796023107.156203000");
});

test("widths and flags", () => {
  expect(text("%12t|%-12t|%.4t|%6.4t|")).toBe("   home/lamp|home/lamp   |home|  home|");
  expect(text("%04l|%-04l|%4l|%04m|%012x|%4q")).toBe("0003|3   |   3|0007|000000c3a431|1");
  // Bytes, of which two make the first letter.
  expect(text("%5p|%-5p|%2p")).toBe("  ä1|ä1  |ä1");
});

test("text, escapes and times", () => {
  expect(text("a%%b@@c\\\\d")).toBe("a%b@c\\d");
  expect(text("\\0\\a\\e\\n\\r\\t\\v")).toBe("\0\x07\x1b\n\r\t\v");
  expect(text("@N")).toBe("156203000");
  expect(text("@s")).toBe("1796023107");
  // What strftime does not know stays as it is.
  expect(text("@E")).toBe("%E");
  expect(text("%I")).toMatch(/^2026-(11-30|12-01|11-29)T\d\d:\d\d:27[+-]\d{4}$/);
});

test("a format that can't be read says where", () => {
  expect(text("%Z")).toBe("%Z, and the fields are %ACDEFIJPRSUXjlmpqrtx");
  expect(text("a%")).toBe("% at the end or before a character that names no field");
  expect(text("a%5")).toBe("%5 at the end or before a character that names no field");
  expect(text("a@")).toBe("@ at the end");
  expect(text("a\\")).toBe("\\ at the end");
  expect(text("\\q")).toBe("\\q, and there are \\\\ \\0 \\a \\e \\n \\r \\t \\v");
  expect(text("%99999t")).toBe("a width above 10000");
});

test("JSON: payloads that are no JSON or no UTF-8 are told", () => {
  expect(text("%J")).toBe("its payload is not JSON");
  expect(text("%J", { ...packet, payload: Buffer.from("[1]") })).toContain('"payload":[1]');
  expect(JSON.parse(text("%j"))).toMatchObject({ topic: "home/lamp", mid: 7, payload: "ä1" });
  expect(JSON.parse(jsonMessage({ packet, atMicros }, false))).toEqual({
    ...{ at: 1_796_023_107_156.203, topic: "home/lamp", qos: 1, retain: true, dup: false },
    ...{ packetId: 7, payload: "ä1" },
    properties: {
      ...{ topicAlias: 3, contentType: "text/plain", messageExpiryInterval: 60 },
      ...{ payloadFormatIndicator: true, responseTopic: "re/x", subscriptionIdentifier: 9 },
      correlationData: "aWQ=",
      userProperties: [
        ["a", "1"],
        ["b", "3"],
        ["a", "2"],
      ],
    },
  });
  const binary = { ...packet, payload: Buffer.from([0xff, 0]) };
  expect(JSON.parse(jsonMessage({ packet: binary, atMicros }, false))).toMatchObject({
    payloadBase64: "/wA=",
  });
});

test("--json --pretty: the same object over lines, with no other line feed and nothing unprintable", () => {
  const odd = { ...packet, payload: Buffer.from("a\nb\u202e\u{e0001}") };
  const pretty = jsonMessage({ packet: odd, atMicros }, true);
  expect(JSON.parse(pretty)).toEqual(JSON.parse(jsonMessage({ packet: odd, atMicros }, false)));
  expect(pretty.split("\n")[1]).toBe('  "at": 1796023107156.203,');
  expect(pretty).not.toMatch(/[^\x20-\x7e\n]/);
});

test("payload and verbose lines; an empty message", () => {
  const line = (type: "payload" | "verbose", of: ReceivedPublish, endsLines: boolean): string => {
    const parts = printed({ packet: of, atMicros }, { form: { type }, endsLines });
    return "wrong" in parts ? parts.wrong : parts.map((part) => Buffer.from(part)).join("");
  };
  const empty = { ...packet, payload: Buffer.alloc(0) };
  expect(line("payload", packet, true)).toBe("ä1\n");
  expect(line("payload", packet, false)).toBe("ä1");
  expect(line("verbose", packet, true)).toBe("home/lamp ä1\n");
  expect(line("payload", empty, true)).toBe("");
  expect(line("verbose", empty, true)).toBe("home/lamp (null)\n");
});

test("lines of standard input, however it is cut", async () => {
  const input = Buffer.from("one\n\ntwo\r\nthree");
  for (const size of [1, 2, 3, 5, 100]) {
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
    };
    const lines: string[] = [];
    for await (const line of linesOf(chunks())) lines.push(line.toString());
    expect(lines).toEqual(["one", "", "two\r", "three"]);
  }
});

const conversions = Array.from("aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYz");

/** Whether `date` is GNU's. */
const isGnu = spawnSync(["date", "--version"]).stdout.toString().includes("GNU");

test.skipIf(!isGnu)(
  `each conversion prints what date(1) prints${isGnu ? "" : " (skipped: date is not GNU's)"}`,
  () => {
    // The days around a new year, where weeks and years differ; noon and midnight.
    for (const at of [1_796_023_107, 1_767_225_599, 1_735_689_600, 1_709_208_000, 1_704_067_199]) {
      const format = conversions.map((conversion) => `%${conversion}`).join("|");
      const { stdout } = spawnSync(["env", "LC_ALL=C", "date", "-d", `@${at}`, `+${format}`]);
      const ours = conversions.map((conversion) => strftime(conversion, new Date(at * 1000)));
      expect(ours.join("|")).toBe(stdout.toString().trimEnd());
    }
  },
);
