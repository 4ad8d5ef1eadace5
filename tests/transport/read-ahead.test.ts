import { expect, test } from "bun:test";
import { loadTcpControl } from "../../src/transport/tcp-bun-control.ts";
import type { DataWatch } from "../../src/transport/socket-poll.ts";
import { bunTcp } from "../../src/transport/tcp-bun.ts";
import { dial, listening, Recorder } from "./transports.ts";

// Data that a SocketPoll has seen can be read before the loop comes to it. Linux only.

const isLinux = process.platform === "linux";

test.if(isLinux)("data is read inside the call, what follows it afterwards, in order", async () => {
  const recorder = new Recorder();
  const watch = await dataWatch();
  await listening(bunTcp(), recorder, async (port) => {
    const peer = await dial({ hostname: "127.0.0.1", port });
    const link = await recorder.ready();
    watch.add(7, link.descriptor ?? -1);
    expect(watch.find()).toEqual([]);
    peer.send("first, ");
    busyUntil(() => watch.find().length > 0);
    expect(watch.find()).toEqual([7]);
    expect(recorder.text).toBe("");
    link.readAhead?.();
    expect(recorder.text).toBe("first, ");
    expect(watch.find()).toEqual([]);
    link.readAhead?.();
    peer.send("second");
    await recorder.until(() => recorder.text === "first, second");
    peer.rst();
    await recorder.told("reset");
    expect(recorder.log).toEqual(["opened", "data", "reset"]);
  });
});

test.if(isLinux)("data with an end behind it is left to the loop", async () => {
  for (const how of ["fin", "rst"] as const) {
    const recorder = new Recorder();
    const watch = await dataWatch();
    await listening(bunTcp(), recorder, async (port) => {
      const peer = await dial({ hostname: "127.0.0.1", port });
      const other = await dial({ hostname: "127.0.0.1", port });
      await recorder.until(() => recorder.links.length === 2);
      for (const [at, { descriptor }] of recorder.links.entries()) watch.add(at, descriptor ?? -1);
      const ended = recorder.links.findIndex(({ remote }) => remote === peer.local);
      peer.send("last words");
      peer[how]();
      other.send("more");
      busyUntil(() => watch.find().length > 0);
      expect(watch.find()).toEqual([1 - ended]);
      watch.delete(1 - ended);
      expect(watch.find()).toEqual([]);
      await recorder.told(how === "fin" ? "eof" : "reset");
      expect(recorder.text).toContain("last words");
      other.rst();
    });
  }
});

test.if(isLinux)("of hundreds of sockets those with data are found", async () => {
  const recorder = new Recorder();
  const watch = await dataWatch();
  await listening(bunTcp(), recorder, async (port) => {
    const peers = await Promise.all(
      Array.from({ length: 300 }, () => dial({ hostname: "127.0.0.1", port })),
    );
    await recorder.until(() => recorder.links.length === peers.length);
    const places = new Map(recorder.links.map(({ remote }, at) => [remote, at]));
    for (const [at, { descriptor }] of recorder.links.entries()) watch.add(at, descriptor ?? -1);
    const some = peers.filter((_, at) => [3, 255, 256, 299].includes(at));
    const expected = some.map((peer) => places.get(peer.local) ?? -1).toSorted((a, b) => a - b);
    for (const peer of some) peer.send("x");
    busyUntil(() => watch.find().length === some.length);
    expect(watch.find()).toEqual(expected);
    for (const peer of peers) peer.rst();
  });
});

async function dataWatch(): Promise<DataWatch> {
  const watch = (await loadTcpControl())?.watchData?.();
  if (watch === undefined) throw new Error("this system can't tell");
  return watch;
}

/** Waits without a turn of the loop. */
function busyUntil(holds: () => boolean): void {
  const until = performance.now() + 10_000;
  while (!holds() && performance.now() < until);
}
