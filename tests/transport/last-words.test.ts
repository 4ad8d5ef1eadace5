import { describe, expect, test } from "bun:test";
import { dial, hasReset, listening, Recorder, say, transports } from "./transports.ts";

describe.each(transports)("%s", (name, make, at) => {
  test("data and FIN at once: the data, then eof", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      await recorder.ready();
      peer.send("last words");
      peer.fin();
      await recorder.told("eof");
      expect(recorder.log).toEqual(["opened", "data", "eof"]);
      expect(recorder.text).toBe("last words");
      peer.rst();
    });
  });

  test("a connection that sends and closes before it is accepted reports everything in order", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.send("last words");
      peer.fin();
      await recorder.told("eof");
      expect(recorder.log).toEqual(["opened", "data", "eof"]);
      peer.rst();
    });
  });

  test.if(hasReset(name))("data and RST at once: the data, then reset", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      await recorder.ready();
      peer.send("last words");
      peer.rst();
      await recorder.told("reset");
      expect(recorder.log).toEqual(["opened", "data", "reset"]);
      expect(recorder.text).toBe("last words");
    });
  });

  test("megabytes before the FIN all arrive first", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      let sent = 0;
      const block = new Uint8Array(1 << 20);
      for (let taken = block.length; taken === block.length;) {
        taken = peer.socket.write(block);
        sent += taken;
      }
      peer.fin();
      link.resume();
      await recorder.told("eof");
      expect(recorder.received).toBe(sent);
      expect(sent).toBeGreaterThan(100_000);
      peer.rst();
    });
  });

  // Bun closes TLS as a whole when close_notify comes.
  test.if(!name.includes("tls"))(
    "an answer to the last data reaches a peer that has half-closed",
    async () => {
      const recorder = new Recorder();
      await listening(make(), recorder, async (port) => {
        recorder.onData = (link) => void say(link, "answer");
        const peer = await dial(at(port));
        peer.send("last words");
        peer.fin();
        expect(await peer.ended).toBe("eof");
        expect(peer.text).toBe("answer");
        peer.rst();
      });
    },
  );
});
