import { describe, expect, test } from "bun:test";
import type { Link } from "../../src/transport/transport.ts";
import { dial, hasReset, listening, Recorder, say, transports } from "./transports.ts";
import { spawn } from "../support/child.ts";

/**
 * A whole exchange on another connection: every report about the first one has been made by then.
 */
async function afterwards(at: object, recorder: Recorder): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const before = recorder.links.length;
    const peer = await dial(at);
    const link = await recorder.ready(before);
    link.end();
    await peer.ended;
    peer.rst();
  }
}

function ends(recorder: Recorder): string[] {
  return recorder.log.filter((event) => !["opened", "data", "drained"].includes(event));
}

describe.each(transports)("%s", (name, make, at) => {
  test("FIN is eof, once", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      await recorder.ready();
      peer.fin();
      await recorder.told("eof");
      peer.rst();
      await afterwards(at(port), recorder);
      expect(ends(recorder)).toEqual(["eof"]);
    });
  });

  test.if(hasReset(name))("RST is reset, once", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      await recorder.ready();
      peer.rst();
      await recorder.told("reset");
      await afterwards(at(port), recorder);
      expect(ends(recorder)).toEqual(["reset"]);
    });
  });

  test.if(hasReset(name))("RST before the connection was accepted", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.rst();
      await recorder.until(() => ends(recorder).length > 0);
      expect(recorder.log[0]).toBe("opened");
      expect(ends(recorder)).toEqual(["reset"]);
    });
  });

  test.if(!name.startsWith("ws"))("a killed peer ends like one that closes", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const script = `await Bun.connect({...${JSON.stringify(at(port))},socket:{data(){},open(s){s.write("here")}}})`;
      await using child = spawn([process.execPath, "-e", script], { stderr: "inherit" });
      await recorder.until(() => recorder.text === "here");
      child.kill("SIGKILL");
      const how = name.startsWith("tls") ? "tlsCut" : "eof";
      await recorder.told(how);
      expect(recorder.log).toEqual(["opened", "data", how]);
    });
  });

  test.if(hasReset(name))(
    "a write that meets the reset returns -1; the end is reported later, once, with its cause",
    async () => {
      const recorder = new Recorder();
      await listening(make(), recorder, async (port) => {
        const peer = await dial(at(port));
        const link = await recorder.ready();
        peer.send("before");
        peer.rst();
        // The reset is in the kernel, but has not been reported.
        let inside = true;
        recorder.onClosed = () => expect(inside).toBe(false);
        const first = say(link, "x");
        const second = say(link, "x");
        inside = false;
        await recorder.told("reset");
        await afterwards(at(port), recorder);
        expect(ends(recorder)).toEqual(["reset"]);
        expect(say(link, "x")).toBe(-1);
        // node:net accepts the bytes, detects the reset later, and then drops unread data.
        if (name.endsWith("node")) return;
        expect([first, second]).toEqual([-1, -1]);
        expect(recorder.log.slice(0, 3)).toEqual(["opened", "data", "reset"]);
      });
    },
  );

  test("a write on a paused link that meets the reset: the end is still reported", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      peer.rst();
      say(link, "x");
      await recorder.told("reset");
      await afterwards(at(port), recorder);
      expect(ends(recorder)).toEqual(["reset"]);
    });
  });

  test.if(hasReset(name))("RST to a paused link is reported", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      peer.rst();
      await recorder.told("reset");
      expect(ends(recorder)).toEqual(["reset"]);
    });
  });

  const ways: [string, (link: Link) => void][] = [
    ["end", (link) => link.end()],
    ["reset", (link) => link.reset()],
  ];
  test.each(ways)("nothing is reported after %s, and calls do nothing", async (_way, finish) => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      peer.send("not to be told");
      finish(link);
      const told = [...recorder.log];
      expect(say(link, "x")).toBe(-1);
      link.pause();
      link.resume();
      link.watch(1000);
      link.watch(null);
      await peer.ended;
      peer.fin();
      link.end();
      link.reset();
      await afterwards(at(port), recorder);
      expect(told).toEqual(["opened"]);
      expect(recorder.log.filter((event) => event !== "opened")).toEqual([]);
    });
  });

  test.each(ways)("%s inside the data callback", async (_way, finish) => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      recorder.onData = finish;
      const peer = await dial(at(port));
      peer.send("x");
      await peer.ended;
      peer.rst();
      await afterwards(at(port), recorder);
      expect(recorder.log.slice(0, 2)).toEqual(["opened", "data"]);
      expect(ends(recorder)).toEqual([]);
    });
  });

  test.each(ways)("%s inside the opened callback", async (way, finish) => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      recorder.onOpened = (link) => {
        say(link, "no");
        finish(link);
      };
      const peer = await dial(at(port));
      const ended = await peer.ended;
      // In the middle of a handshake nothing can be said.
      if (!/^(?:tls|ws)/.test(name)) {
        expect(ended).toBe(way === "reset" && hasReset(name) ? "reset" : "eof");
        if (way === "end") expect(peer.text).toBe("no");
      }
      peer.rst();
      expect(recorder.log).toEqual(["opened"]);
    });
  });
});
