import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dial } from "../../src/client/dial.ts";
import { isWebSocket, plainTls, type Target } from "../../src/client/target.ts";
import type { Wire, WireEnd } from "../../src/client/wire.ts";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { EchoServer } from "../support/echo-server.ts";
import { EchoWebSocket } from "../support/echo-websocket.ts";
import { eventually, patienceMs } from "../support/inbox.ts";
import { type Place, Relay } from "../support/relay.ts";

/** The client's transports: each does the same, down to what TCP shows of it. */

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-wires-"));
const authority = opensslMissing === null ? new Authority() : null;
const server = authority?.issue("server", ["DNS:localhost"]) ?? null;
afterAll(() => {
  authority?.[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Kind {
  readonly transport: Target["transport"];
  readonly missing: string | null;
  /** What the client sends last, beyond its bytes, before the FIN of `end`. */
  readonly goodbye: RegExp;
}

const kinds: readonly Kind[] = [
  { transport: "tcp", missing: null, goodbye: /^$/ },
  { transport: "unix", missing: null, goodbye: /^$/ },
  // A record of TLS 1.3 with 19 bytes: an alert of two, its type and a tag of 16.
  { transport: "tls", missing: opensslMissing, goodbye: /^1703030013/ },
  // A Close frame with a mask and a status.
  { transport: "ws", missing: null, goodbye: /^8882[\da-f]{12}$/ },
  // The same 8 bytes in a record of TLS 1.3, and an alert.
  { transport: "wss", missing: opensslMissing, goodbye: /^1703030019[\da-f]{50}1703030013/ },
];

/** A connected wire through a relay to an echo server. */
class Line implements AsyncDisposable {
  heard = "";
  end: WireEnd | null = null;
  readonly wire: Wire;
  readonly relay: Relay;
  readonly #server: AsyncDisposable;

  static async open({ transport }: Kind): Promise<Line> {
    const isUnix = transport === "unix";
    const at = (name: string): string | undefined =>
      isUnix ? path.join(folder, `${crypto.randomUUID().slice(0, 8)}.${name}`) : undefined;
    const echo = isWebSocket(transport)
      ? await EchoWebSocket.start(transport === "wss" ? server : null)
      : await EchoServer.start(transport === "tls" ? server : null, at("echo"));
    const relay = await Relay.start(echo.place, at("relay"));
    let line: Line | null = null;
    const wire = await dial(targetAt(transport, relay.place), patienceMs, () => ({
      data: (chunk) => {
        if (line !== null) line.heard += Buffer.from(chunk).toString();
      },
      closed: (how) => {
        if (line !== null) line.end = how;
      },
    }));
    return (line = new Line(wire, relay, echo));
  }

  private constructor(wire: Wire, relay: Relay, echo: AsyncDisposable) {
    this.wire = wire;
    this.relay = relay;
    this.#server = echo;
  }

  /** Sends a text, and waits for its echo. */
  async say(text: string): Promise<void> {
    this.wire.send(Buffer.from(text));
    const all = this.heard + text;
    await eventually(
      () => this.heard === all,
      () => `heard ${this.heard.length} of ${all.length} characters`,
    );
  }

  /** What follows at the level of TCP: bytes in hexadecimal, and the end. */
  async after(act: (wire: Wire) => void): Promise<[string, string | null]> {
    const before = this.relay.bytes.length;
    act(this.wire);
    await eventually(
      () => this.relay.end !== null,
      () => "the client's side has no end",
    );
    return [this.relay.bytes.subarray(before).toString("hex"), this.relay.end];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.wire.reset();
    await this.relay[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

function targetAt(transport: Target["transport"], place: Place): Target {
  const tls = { ...plainTls, ca: authority?.root.cert ?? null };
  return {
    transport,
    host: "path" in place ? "" : "localhost",
    port: "port" in place ? place.port : 0,
    path: "path" in place ? place.path : "/mqtt",
    username: null,
    password: null,
    tls: transport === "tls" || transport === "wss" ? tls : null,
  };
}

for (const kind of kinds) {
  const why = kind.missing === null ? "" : ` (skipped: ${kind.missing})`;
  describe.skipIf(kind.missing !== null)(`${kind.transport}${why}`, () => {
    test("bytes arrive in order, in both directions", async () => {
      await using line = await Line.open(kind);
      await line.say("hello");
      await line.say("x".repeat(300_000));
    });

    test("end: the transport's own goodbye, then FIN", async () => {
      await using line = await Line.open(kind);
      await line.say("hello");
      const [bytes, end] = await line.after((wire) => wire.end());
      expect(end).toBe("FIN");
      expect(bytes).toMatch(kind.goodbye);
    });

    for (const how of ["end", "cut"] as const) {
      test(`what was sent right before: ${how}`, async () => {
        await using line = await Line.open(kind);
        await line.say("hello");
        const words = "last words".repeat(10_000);
        const [bytes] = await line.after((wire) => {
          wire.send(Buffer.from(words));
          wire[how]();
        });
        expect(bytes.length).toBeGreaterThanOrEqual(words.length * 2);
      });
    }

    test("cut: FIN, and nothing before it", async () => {
      await using line = await Line.open(kind);
      await line.say("hello");
      expect(await line.after((wire) => wire.cut())).toEqual(["", "FIN"]);
    });

    test("reset: RST", async () => {
      await using line = await Line.open(kind);
      await line.say("hello");
      const rst = kind.transport === "unix" ? "FIN" : "RST";
      expect(await line.after((wire) => wire.reset())).toEqual(["", rst]);
    });

    test("paused: nothing is read; resumed: all of it", async () => {
      await using line = await Line.open(kind);
      await line.say("hello");
      line.wire.pause();
      line.wire.send(Buffer.from("later"));
      // The echo is on its way long before another connection is open and has its own.
      await using other = await Line.open(kind);
      await other.say("hello");
      expect(line.heard).toBe("hello");
      line.wire.resume();
      await eventually(
        () => line.heard === "hellolater",
        () => line.heard,
      );
    });

    for (const [what, act, how] of [
      ["its orderly end", (line: Line) => line.wire.send(Buffer.from("bye")), "eof"],
      ["a bare FIN", (line: Line) => line.relay.fin(), "eof"],
      ["a reset", (line: Line) => line.relay.reset(), "reset"],
    ] as const) {
      test(`the broker's end is told once: ${what}`, async () => {
        await using line = await Line.open(kind);
        await line.say("hello");
        act(line);
        await eventually(
          () => line.end !== null,
          () => "no end",
        );
        // A unix socket is closed, never reset.
        expect(line.end).toBe(kind.transport === "unix" ? "eof" : how);
      });
    }
  });
}
