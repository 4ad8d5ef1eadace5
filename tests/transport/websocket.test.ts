import { describe, expect, test } from "bun:test";
import type { Link, Transport } from "../../src/transport/transport.ts";
import { type FrameShape, frameOf } from "../websocket/frame-stream.ts";
import { spoken, upgrade } from "../websocket/server-bytes.ts";
import { listening, packetSize, Peer, Recorder, say, transports } from "./transports.ts";
import { sendFrame } from "./websocket-peer.ts";

/** What only a WebSocket has; the suite of all transports runs over these too. */
const kinds = transports.filter(([name]) => name.startsWith("ws on tcp"));

/** A client that has asked for a WebSocket, and whose frames a test writes as it likes. */
async function upgraded(port: number): Promise<Peer> {
  const peer = await Peer.dial(port);
  peer.send(upgrade);
  return peer;
}

/** Plays with a fresh listener; `details` are those of ends. */
async function played(
  make: () => Transport,
  play: (port: number, recorder: Recorder) => Promise<void>,
): Promise<Recorder> {
  const recorder = new Recorder();
  await listening(make(), recorder, (port) => play(port, recorder));
  return recorder;
}

/** Resolves when the peer has got what `found` looks for. */
async function got(peer: Peer, found: (said: ReturnType<typeof spoken>) => boolean): Promise<void> {
  await peer.until(() => found(spoken(peer.bytes)));
}

describe.each(kinds)("%s", (_, make) => {
  test("frames in and out", async () => {
    const { log } = await played(make, async (port, recorder) => {
      recorder.onData = (link, chunk) =>
        void say(link, Buffer.from(chunk).toString().toUpperCase());
      const peer = await upgraded(port);
      sendFrame(peer, "hello ");
      sendFrame(peer, "wor", { fin: false });
      sendFrame(peer, "ld", { opcode: 0 });
      await got(peer, ({ text }) => text === "HELLO WORLD");
      expect(spoken(peer.bytes).status).toBe("101");
      peer.rst();
      await recorder.told("reset");
    });
    expect(log).toEqual(["opened", "data", "reset"]);
  });

  test("what one write carries is one frame, of any size", async () => {
    await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      const link = await recorder.ready();
      const drains = (): number => recorder.log.filter((event) => event === "drained").length;
      for (const size of [1, 125, 126, 16_370, 16_385, 65_535, 65_536, 200_000]) {
        const before = spoken(peer.bytes);
        const bytes = new Uint8Array(size).fill(97);
        let at = 0;
        while (at < size) {
          const before = drains();
          at += link.write(bytes, at, size);
          if (at < size) await recorder.until(() => drains() > before);
        }
        await got(peer, ({ text }) => text.length === before.text.length + size);
        expect(spoken(peer.bytes).dataFrames).toBe(before.dataFrames + 1);
      }
      peer.rst();
    });
  });

  test("an orderly end: Close 1000 after the last bytes, then FIN", async () => {
    const { log } = await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      const link = await recorder.ready();
      say(link, "last words");
      const closed = new Promise<void>((resolve) => link.end(resolve));
      expect(await peer.ended).toBe("eof");
      expect(spoken(peer.bytes)).toMatchObject({ text: "last words", close: 1000 });
      peer.send(frameOf(Uint8Array.of(3, 232), { opcode: 8 }));
      peer.fin();
      await closed;
    });
    expect(log).toEqual(["opened"]);
  });

  test("the peer's Close: answered with its status, and told", async () => {
    const { log, details } = await played(make, async (port, recorder) => {
      recorder.onClosed = (link) => link.end();
      const peer = await upgraded(port);
      sendFrame(peer, "before");
      peer.send(frameOf(Uint8Array.of(3, 233), { opcode: 8 }));
      expect(await peer.ended).toBe("eof");
      expect(spoken(peer.bytes).close).toBe(1001);
      expect(recorder.text).toBe("before");
      peer.fin();
    });
    expect(log).toEqual(["opened", "data", "webSocketClosed"]);
    expect(details).toEqual(["1001, going away"]);
  });

  test("FIN and RST without Close stay what they are", async () => {
    for (const way of ["fin", "rst"] as const) {
      const { log } = await played(make, async (port, recorder) => {
        const peer = await upgraded(port);
        await recorder.ready();
        peer[way]();
        await recorder.told(way === "fin" ? "eof" : "reset");
      });
      expect(log).toEqual(["opened", way === "fin" ? "eof" : "reset"]);
    }
  });

  test("Pings are answered, one for all that came together; a Pong is not", async () => {
    const { text } = await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      await recorder.ready();
      sendFrame(peer, "unasked", { opcode: 10 });
      sendFrame(peer, "one", { opcode: 9 });
      await got(peer, ({ pongs }) => pongs.includes("one"));
      peer.send(
        Buffer.concat(["two", "three"].map((ping) => frameOf(Buffer.from(ping), { opcode: 9 }))),
      );
      await got(peer, ({ pongs }) => pongs.includes("three"));
      expect(spoken(peer.bytes).pongs).toEqual(["one", "three"]);
      peer.rst();
    });
    expect(text).toBe("");
  });

  test("a Ping while the link is full is answered behind the frame that has begun", async () => {
    await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      const link = await recorder.ready();
      peer.socket.pause();
      const sent = fill(link);
      sendFrame(peer, "late", { opcode: 9 });
      sendFrame(peer, "seen");
      await recorder.until(() => recorder.text === "seen");
      peer.socket.resume();
      for (let at = sent.taken; at < sent.bytes.length;) {
        await recorder.told("drained");
        recorder.log.length = 0;
        at += link.write(sent.bytes, at, sent.bytes.length);
      }
      link.end();
      await peer.ended;
      const { text, pongs, close } = spoken(peer.bytes);
      expect([text.length, pongs, close]).toEqual([sent.total, ["late"], 1000]);
      peer.rst();
    });
  });

  test.each([
    ["text", { opcode: 1 }, "textFrame", 1003],
    ["no mask", { mask: null }, "webSocketFailed", 1002],
    ["a giant frame", { announced: BigInt(packetSize * 4) }, "frameTooLarge", 1009],
  ] as const)("%s: a Close frame, then FIN, and told once", async (_name, shape, loss, code) => {
    const { log, text } = await played(make, async (port, recorder) => {
      recorder.onClosed = (link) => link.end();
      const peer = await upgraded(port);
      sendFrame(peer, "before");
      sendFrame(peer, "x", shape);
      sendFrame(peer, "behind");
      expect(await peer.ended).toBe("eof");
      expect(spoken(peer.bytes).close).toBe(code);
      peer.fin();
    });
    expect(log).toEqual(["opened", "data", loss]);
    expect(text).toBe("before");
  });

  test.each([
    ["a plain GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a plain HTTP request", "HTTP/1.1 426 "],
    [
      "an MQTT client",
      "\x10\x0c\0\x04MQTT",
      "an MQTT CONNECT, and this listener takes WebSocket only",
      "",
    ],
    ["a TLS client", "\x16\x03\x01", "a TLS handshake, and this listener takes WebSocket only", ""],
    [
      "noise",
      "\xff\xff",
      "bytes that are no HTTP request, and this listener takes WebSocket only",
      "",
    ],
    [
      "a long head",
      `GET / HTTP/1.1\r\nX: ${"y".repeat(9000)}`,
      "an HTTP request with a head above 8 KiB",
      "HTTP/1.1 431 ",
    ],
  ])("%s: told at once, and answered if that helps", async (_name, first, detail, answer) => {
    const { log, details } = await played(make, async (port, recorder) => {
      recorder.onClosed = (link) => link.end();
      const peer = await Peer.dial(port);
      peer.send(Buffer.from(first, "latin1"));
      expect(await peer.ended).toBe("eof");
      expect(peer.text.slice(0, answer.length)).toBe(answer);
      if (answer === "") expect(peer.text).toBe("");
      peer.fin();
    });
    expect(log).toEqual(["opened", "webSocketFailed"]);
    expect(details).toEqual([detail]);
  });

  test("frames that come with the request, and a request byte by byte", async () => {
    await played(make, async (port, recorder) => {
      const together = await Peer.dial(port);
      together.send(Buffer.concat([Buffer.from(upgrade), frameOf(Buffer.from("early"))]));
      await recorder.until(() => recorder.text === "early");
      const slow = await Peer.dial(port);
      for (const letter of upgrade) slow.send(letter);
      sendFrame(slow, "late");
      await recorder.until(() => recorder.text === "earlylate");
      together.rst();
      slow.rst();
    });
  });

  test("a flood of frames is read over several turns, and what follows it is not lost", async () => {
    await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      const link = await recorder.ready();
      let behind = 0;
      recorder.onData = (one) => {
        if (one.isBehind === true) behind += 1;
        if (one.isBehind === true) expect(one.held).toBeGreaterThan(0);
      };
      const one = frameOf(Buffer.from("."));
      const flood = Array.from({ length: 20_000 }, () => one);
      const dots = ".".repeat(flood.length);
      peer.send(Buffer.concat([...flood, frameOf(Buffer.from("end"))]));
      await recorder.until(() => recorder.text === `${dots}end`);
      expect(behind).toBeGreaterThan(0);
      expect(link.isBehind).toBe(false);
      // An end behind a flood comes after all of it.
      peer.send(Buffer.concat([...flood, frameOf(Buffer.from("!"))]));
      peer.fin();
      await recorder.told("eof");
      expect(recorder.text).toBe(`${dots}end${dots}!`);
    });
  });

  const bare: readonly (readonly [string, FrameShape])[] = [
    ["empty frames", {}],
    ["Pings", { opcode: 9 }],
    ["Pongs", { opcode: 10 }],
  ];
  test.each(bare)("a flood of %s ends its connection: 1008", async (_what, shape) => {
    const { log, details } = await played(make, async (port, recorder) => {
      recorder.onClosed = (link) => link.end();
      const peer = await upgraded(port);
      await recorder.ready();
      const frame = frameOf(new Uint8Array(0), shape);
      // Some at a time are no flood, however many they are.
      for (let round = 0; round < 30; round++) {
        peer.send(Buffer.concat(Array.from({ length: 100 }, () => frame)));
        sendFrame(peer, "+");
        await recorder.until(() => recorder.text === "+".repeat(round + 1));
      }
      peer.send(Buffer.concat(Array.from({ length: 20_000 }, () => frame)));
      expect(await peer.ended).toBe("eof");
      expect(spoken(peer.bytes).close).toBe(1008);
      peer.fin();
    });
    expect(log).toEqual(["opened", "data", "webSocketFailed"]);
    expect(details).toEqual([
      "a flood of WebSocket frames without a byte in them, such as Pings (limits.webSocketEmptyFrames)",
    ]);
  });

  test("a paused link hands on nothing until it resumes", async () => {
    await played(make, async (port, recorder) => {
      const peer = await upgraded(port);
      const link = await recorder.ready();
      link.pause();
      sendFrame(peer, "held");
      const other = await Peer.dial(port);
      (await recorder.link(1)).end();
      await other.ended;
      expect(recorder.text).toBe("");
      link.resume();
      await recorder.until(() => recorder.text === "held");
      peer.rst();
      other.rst();
    });
  });

  test("what it waits for before MQTT is known", async () => {
    await played(make, async (port, recorder) => {
      const peer = await Peer.dial(port);
      const link = await recorder.link();
      expect(link.preparing).toBe("WebSocket handshake");
      peer.send(upgrade);
      await recorder.ready();
      expect(link.preparing).toBe(null);
      peer.rst();
    });
  });
});

/** Writes until the link is full. */
function fill(link: Link): { bytes: Uint8Array; taken: number; total: number } {
  const bytes = new Uint8Array(1 << 20).fill(1);
  for (let total = bytes.length; ; total += bytes.length) {
    const taken = link.write(bytes, 0, bytes.length);
    if (taken < bytes.length) return { bytes, taken, total };
  }
}
