import { describe, expect, test } from "bun:test";
import { eventually } from "../support/inbox.ts";
import { dial, listening, Recorder, transports } from "./transports.ts";

const known = transports.filter(([name]) => /^(tcp|unix)-bun$/.test(name));

describe.if(process.platform === "linux").each(known)("%s", (_, make, at) => {
  test("a peer has left when its FIN is all that is unread", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      expect([link.hasPeerClosed?.(), link.hasPeerLeft?.()]).toEqual([false, false]);
      peer.fin();
      await eventually(
        () => link.hasPeerClosed?.() === true,
        () => "no FIN",
      );
      expect(link.hasPeerLeft?.()).toBe(true);
      link.resume();
      await recorder.told("eof");
      expect(recorder.log).toEqual(["opened", "eof"]);
      expect(link.hasPeerLeft?.()).toBe(false);
      peer.rst();
    });
  });

  test("it has not while bytes wait before the FIN", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      peer.send("last words");
      peer.fin();
      await eventually(
        () => link.hasPeerClosed?.() === true,
        () => "no FIN",
      );
      expect(link.hasPeerLeft?.()).toBe(false);
      link.resume();
      await recorder.told("eof");
      expect(recorder.text).toBe("last words");
      peer.rst();
    });
  });
});
