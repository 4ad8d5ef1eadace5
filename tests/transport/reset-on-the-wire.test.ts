import { describe, expect, test } from "bun:test";
import { dial, hasReset, listening, Recorder, say, transports } from "./transports.ts";

describe.each(transports)("%s", (name, make, at) => {
  test.if(hasReset(name))("reset is a RST", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      (await recorder.ready()).reset();
      expect(await peer.ended).toBe("reset");
    });
  });

  test("with unread data and unsent data too", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      peer.send(new Uint8Array(100_000));
      say(link, "lost or not");
      link.reset();
      expect(await peer.ended).toBe("reset");
    });
  });
});
