import { describe, expect, test } from "bun:test";
import { dial, listening, Recorder, say, transports } from "./transports.ts";

describe.each(transports)("%s", (name, make, at) => {
  test("a full link accepts nothing more, reports room, and loses nothing", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.socket.pause();
      const link = await recorder.ready();
      const block = new Uint8Array(1 << 20).fill(1);
      let sent = 0;
      let taken = block.length;
      for (; taken === block.length; sent += taken) taken = link.write(block, 0, block.length);
      // The kernel may gain some room while it moves bytes to the peer, yet soon it is full.
      while (taken > 0) {
        taken = link.write(block, 0, block.length);
        sent += taken;
      }
      expect(taken).toBe(0);
      expect(recorder.log).toEqual(["opened"]);
      // What the TLS library holds is memory that somebody has to count.
      const unsent = link.unsent ?? 0;
      if (/tls|wss/i.test(name)) expect(unsent).toBeGreaterThan(64 * 1024);
      expect(unsent).toBeLessThan(2 * 1024 * 1024);
      peer.socket.resume();
      await recorder.told("drained");
      expect(say(link, "!")).toBe(1);
      link.end();
      await peer.ended;
      expect(peer.bytes.length).toBe(sent + 1);
      expect(peer.bytes.at(-1)).toBe("!".charCodeAt(0));
      expect(recorder.log).toEqual(["opened", "drained"]);
      peer.rst();
    });
  });

  test("a full link stays full over many turns while its peer reads nothing", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.socket.pause();
      const link = await recorder.ready();
      const block = new Uint8Array(1 << 20).fill(1);
      for (let turn = 0; turn < 100; turn++) {
        link.write(block, 0, block.length);
        await new Promise((resolve) => void setImmediate(resolve));
      }
      expect(link.unsent ?? 0).toBeLessThan(2 * 1024 * 1024);
      const above = (/tls/i.test(name) ? 15_000 : 0) + (/ws/i.test(name) ? 2000 : 0);
      expect(link.ownBytes ?? 0).toBeGreaterThanOrEqual(above);
      peer.rst();
    });
  }, 180_000);

  test("drained is not reported without a full link before", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      say(link, "x");
      link.pause();
      link.resume();
      peer.send("y");
      await recorder.told("data");
      peer.fin();
      await recorder.told("eof");
      expect(recorder.log).toEqual(["opened", "data", "eof"]);
      peer.rst();
    });
  });

  test("a paused link delivers no data until it resumes, even while it writes", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.socket.pause();
      const link = await recorder.ready();
      link.pause();
      const block = new Uint8Array(1 << 20);
      while (link.write(block, 0, block.length) > 0);
      peer.send("held back");
      peer.socket.resume();
      await recorder.told("drained");
      expect(recorder.log).toEqual(["opened", "drained"]);
      link.resume();
      await recorder.told("data");
      expect(recorder.text).toBe("held back");
      peer.rst();
    });
  });

  test("pausing inside the data callback holds the rest back", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      recorder.onData = (link) => link.pause();
      const peer = await dial(at(port));
      const link = await recorder.ready();
      peer.send("first");
      await recorder.told("data");
      peer.send("second");
      // A whole exchange on another connection: the second would have arrived by now.
      const other = await dial(at(port));
      (await recorder.ready(1)).end();
      await other.ended;
      other.rst();
      expect(recorder.text).toBe("first");
      link.resume();
      await recorder.until(() => recorder.text === "firstsecond");
      peer.rst();
    });
  });
});
