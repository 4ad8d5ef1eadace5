import { describe, expect, test } from "bun:test";
import { clientBytes, dial, listening, Recorder, say, transports } from "./transports.ts";
import { expectInTime } from "../support/held-up.ts";
import { now } from "../support/inbox.ts";

/** Every byte encodes its position, so that a moved or overwritten one shows. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

describe.each(transports)("%s", (_, make, at) => {
  test("bytes arrive both ways", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      peer.send("ping");
      await recorder.until(() => recorder.text === "ping");
      expect(say(link, "pong")).toBe(4);
      link.end();
      expect(await peer.ended).toBe("eof");
      expect(peer.text).toBe("pong");
      peer.rst();
    });
  });

  test("chunks stay unchanged while more follow", async () => {
    const recorder = new Recorder();
    const sent = pattern(6_000_000);
    await listening(make(), recorder, async (port) => {
      const bytes = clientBytes(at(port), sent);
      let offset = 0;
      const socket = await Bun.connect({
        ...(at(port) as { unix: string }),
        socket: { data() {}, drain: (s) => void (offset += s.write(bytes.subarray(offset))) },
      });
      offset += socket.write(bytes);
      await recorder.until(() => recorder.received === sent.length);
      expect(recorder.chunks.length).toBeGreaterThan(5);
      expect(Buffer.compare(Buffer.concat(recorder.chunks), sent)).toBe(0);
      socket.terminate();
    });
  });

  test("a part of a larger array is written, and only that", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      const whole = new TextEncoder().encode("__abcdefgh__").subarray(2, 10);
      expect(link.write(whole, 2, 5)).toBe(3);
      expect(link.write(whole, 5, 5)).toBe(0);
      link.end();
      await peer.ended;
      expect(peer.text).toBe("cde");
      peer.rst();
    });
  });

  test("the caller may reuse the array once write has returned", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.socket.pause();
      const link = await recorder.ready();
      const scratch = new Uint8Array(65_536);
      let sent = 0;
      for (let fill = 1; fill < 256; fill += 1) {
        scratch.fill(fill);
        const taken = link.write(scratch, 0, scratch.length);
        scratch.fill(0);
        sent += taken;
        if (taken < scratch.length) break;
      }
      peer.socket.resume();
      link.end();
      await peer.ended;
      expect(peer.bytes.length).toBe(sent);
      expect(peer.bytes.includes(0)).toBe(false);
      peer.rst();
    });
  });

  test("small writes are not delayed to be combined", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      // With Nagle's algorithm the second write of a pair waits for the delayed acknowledgement of
      // the first, 40 ms on Linux.
      recorder.onData = () => {
        say(link, "a");
        say(link, "b");
      };
      const start = now();
      for (let round = 1; round <= 10; round += 1) {
        peer.send("x");
        while (peer.text.length < 2 * round) await new Promise(setImmediate);
      }
      expectInTime("ten round trips", now() - start, 300);
      peer.rst();
    });
  });
});
