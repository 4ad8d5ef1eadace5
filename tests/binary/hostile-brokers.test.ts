import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";
import { Folder } from "../support/executable.ts";
import { drip, type Hostility, HostileServer, pour } from "../support/hostile-server.ts";
import { measured } from "../support/measured.ts";

// `simulate-drop` accepts any broker as its target: whatever that sends, it ends with the exit code
// that its help names, reports the error in one line, and uses little memory.

/** 245 to 320 MB with messages of 200 KiB to all scenarios at once; without bounds there is no end. */
const peakMost = 450_000_000;
const limitMs = 180_000;

const letters = Buffer.alloc(64 * 1024, "a");
/** The first byte of a packet, and the largest Remaining Length. */
const announced = (first: number): Buffer => Buffer.of(first, 0xff, 0xff, 0xff, 0x7f);

/** A broker's reply to a client's CONNECT. */
interface Greeting {
  readonly what: string;
  readonly server: Hostility;
  readonly code: number;
  /** URL stands for the address. */
  readonly line: string;
}

const strange = (why: string): string =>
  `mqttd: URL does not speak MQTT as a broker does: ${why} (is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://)`;
const useless =
  "mqttd: URL: the broker closed the connection before its CONNACK (is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://)";
const mute =
  "mqttd: URL accepts connections but does not answer: no CONNACK within 5 s (is it an MQTT broker?)";
const tooLarge = "it announced a packet of 256 MiB, and the limit is 256 KiB";

function flood(start: Uint8Array, bytes: Uint8Array): Hostility {
  return (socket) => {
    socket.write(start);
    pour(socket, bytes);
  };
}

function says(bytes: Uint8Array | string): Hostility {
  return (socket) => void socket.end(bytes);
}

const greetings: readonly Greeting[] = [
  { what: "silence", server: () => {}, code: 5, line: mute },
  { what: "an end at once", server: (socket) => void socket.end(), code: 3, line: useless },
  { what: "a reset", server: (socket) => void socket.resetAndDestroy(), code: 3, line: useless },
  {
    what: "a CONNACK that comes byte by byte, and does not end",
    server: (socket) => {
      socket.write(Uint8Array.of(0x20, 100));
      drip(socket, "\0", 200);
    },
    code: 5,
    line: mute,
  },
  {
    what: "half a CONNACK, then the end",
    server: says(Uint8Array.of(0x20, 2, 0)),
    code: 3,
    line: useless,
  },
  {
    what: "an announced CONNACK of 256 MiB",
    server: flood(announced(0x20), letters),
    code: 4,
    line: strange(tooLarge),
  },
  {
    what: "an announced PUBLISH of 256 MiB, and nothing of it",
    server: (socket) => void socket.write(announced(0x30)),
    code: 4,
    line: strange(tooLarge),
  },
  {
    what: "a Remaining Length without an end",
    server: flood(Buffer.of(0x30), Buffer.alloc(65_536, 0xff)),
    code: 4,
    line: strange("Remaining Length takes more than four bytes"),
  },
  {
    what: "what only a client sends",
    server: says(Uint8Array.of(0x82, 6, 0, 1, 0, 1, 0x74, 0)),
    code: 4,
    line: strange("a broker does not send SUBSCRIBE"),
  },
  {
    what: "a TLS alert",
    server: says(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70)),
    code: 4,
    line: strange("it answered with a TLS alert"),
  },
  {
    what: "an answer of HTTP",
    server: says(`HTTP/1.1 400 Bad Request\r\n\r\n${"x".repeat(200)}`),
    code: 4,
    line: strange("it answered with HTTP"),
  },
];

/** A broker that accepts clients, and then answers a SUBSCRIBE like this. */
interface Treatment {
  readonly what: string;
  readonly after: (socket: Socket) => void;
  /** The invalid part of it. */
  readonly line: string | RegExp;
}

function publish(payload: string, options: object = {}): Buffer {
  const packet = {
    cmd: "publish",
    topic: "t",
    payload,
    qos: 0,
    retain: false,
    dup: false,
  } as const;
  return generate({ ...packet, ...options });
}

const treatments: readonly Treatment[] = [
  {
    what: "an announced PUBLISH of 256 MiB",
    after: (socket) => {
      socket.write(announced(0x30));
      pour(socket, letters);
    },
    line: tooLarge,
  },
  {
    what: "small messages without an end",
    after: (socket) => pour(socket, Buffer.alloc(7000, publish("x"))),
    line: /\d+ messages, 1\.\d MiB/,
  },
  {
    what: "messages of 200 KiB without an end",
    after: (socket) => pour(socket, publish("x".repeat(200 * 1024))),
    line: /\d messages, 1\.\d MiB/,
  },
  {
    what: "the same QoS 2 message without an end, whose answers it does not read",
    after: (socket) => {
      socket.pause();
      pour(socket, Buffer.alloc(9000, publish("x", { qos: 2, messageId: 7 })));
    },
    line: "4097 unsolicited packets",
  },
  {
    what: "PINGRESPs without an end",
    after: (socket) => pour(socket, Buffer.alloc(8000, Buffer.of(0xd0, 0))),
    line: "4097 unsolicited packets",
  },
];

/** A broker as far as CONNACK, PUBACK and SUBACK; `after` follows a SUBACK. */
function lettingIn(after: (socket: Socket) => void): Hostility {
  return (socket, first) => {
    const reading = parser({ protocolVersion: 4 });
    reading.on("packet", (packet: Packet) => {
      if (packet.cmd === "connect") socket.write(Uint8Array.of(0x20, 2, 0, 0));
      const [high, low] = [(packet.messageId ?? 0) >> 8, (packet.messageId ?? 0) & 0xff];
      if (packet.cmd === "publish" && packet.qos > 0)
        socket.write(Uint8Array.of(0x40, 2, high, low));
      if (packet.cmd !== "subscribe") return;
      socket.write(Uint8Array.of(0x90, 3, high, low, 2));
      after(socket);
    });
    const read = (bytes: Buffer): void => void reading.parse(bytes);
    read(Buffer.from(first, "latin1"));
    socket.on("data", read);
  };
}

async function play(server: Hostility, args: readonly string[]) {
  using folder = new Folder();
  await using hostile = await HostileServer.start(server);
  const ended = await measured(
    folder,
    ["simulate-drop", ...args, "--port", String(hostile.port), "--wait", "1"],
    limitMs,
  );
  expect(ended.isPrintable).toBe(true);
  expect(ended.peakBytes).toBeGreaterThan(1024 * 1024);
  expect(ended.peakBytes).toBeLessThan(peakMost);
  const url = `mqtt://localhost:${hostile.port}`;
  return { code: ended.code, stdout: ended.stdout, stderr: ended.stderr.replaceAll(url, "URL") };
}

describe("simulate-drop, hostile greetings", () => {
  for (const { what, server, code, line } of greetings) {
    test(
      what,
      async () => {
        expect(await play(server, ["rst", "-V", "3.1.1"])).toEqual({
          ...{ code, stdout: "", stderr: `${line}\n` },
        });
      },
      limitMs,
    );
  }

  test(
    "a refusal that would move the cursor and begin lines",
    async () => {
      const refusal = generate(
        {
          ...{ cmd: "connack", reasonCode: 0x87, sessionPresent: false },
          properties: { reasonString: "no\u001b[2J\r\n\u202eyes" },
        },
        { protocolVersion: 5 },
      );
      expect(await play(says(refusal), ["rst", "-V", "5"])).toEqual({
        ...{ code: 4, stdout: "" },
        stderr:
          'mqttd: URL refused the connection: not authorized (0x87), "no\\u001b[2J\\r\\n\\u202eyes" (log in with -u USER -P PASSWORD)\n',
      });
    },
    limitMs,
  );
});

describe("simulate-drop, brokers that accept clients", () => {
  for (const { what, after, line } of treatments) {
    test(
      what,
      async () => {
        const { code, stdout } = await play(lettingIn(after), ["rst", "-V", "3.1.1"]);
        const told = stdout.replace(/\s+/g, " ");
        const [, why = told] = /inconclusive rst \(.*?\): (.*?)\. /.exec(told) ?? [];
        expect(why).toStartWith("invalid data from the broker: ");
        expect(why).toMatch(line);
        expect(code).toBe(5);
      },
      limitMs,
    );
  }

  for (const { what, after, line } of treatments) {
    test(
      `every scenario at the same time, and each client gets: ${what}`,
      async () => {
        const { code, stdout } = await play(lettingIn(after), ["--all", "-V", "3.1.1"]);
        expect(stdout.replace(/\s+/g, " ")).toMatch(line);
        expect(stdout).toContain("No scenario could be judged");
        expect(code).toBe(5);
      },
      limitMs,
    );
  }
});
