import { describe, expect, test } from "bun:test";
import { eventually } from "../support/inbox.ts";
import { clientBytes, dial, listening, Recorder, say, transports } from "./transports.ts";

describe.each(transports)("%s", (_, make, at) => {
  test("the last answer reaches the peer although the link has unread data", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      link.pause();
      peer.send(new Uint8Array(100_000));
      say(link, "refused");
      link.end();
      peer.send(new Uint8Array(100_000));
      expect(await peer.ended).toBe("eof");
      expect(peer.text).toBe("refused");
      peer.rst();
    });
  });

  test("everything that the kernel accepted is delivered before the FIN", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const peer = await dial(at(port));
      peer.socket.pause();
      const link = await recorder.ready();
      const block = new Uint8Array(1 << 20).fill(7);
      let sent = 0;
      for (let taken = block.length; taken === block.length;) {
        taken = link.write(block, 0, block.length);
        sent += taken;
      }
      link.end();
      peer.socket.resume();
      expect(await peer.ended).toBe("eof");
      expect(peer.bytes.length).toBe(sent);
      peer.rst();
    });
  });

  test("a peer that never closes is reset after the linger time", async () => {
    const recorder = new Recorder();
    await listening(make({ lingerMs: 30 }), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      const start = performance.now();
      link.end();
      expect(await peer.ended).toBe("eof");
      // A RST in reply to a write shows that the other side has closed the connection.
      await eventually(
        () => peer.socket.write("x") === -1,
        () => "the peer can still write",
      );
      expect(performance.now() - start).toBeGreaterThan(25);
    });
  });

  test("a link that waits for its peer to close can be reset, which ends the wait", async () => {
    const recorder = new Recorder();
    await listening(make({ lingerMs: 60_000 }), recorder, async (port) => {
      const peer = await dial(at(port));
      const link = await recorder.ready();
      const closed = Promise.withResolvers<void>();
      link.end(() => closed.resolve());
      expect(await peer.ended).toBe("eof");
      link.reset();
      await closed.promise;
      await eventually(
        () => peer.socket.write("x") === -1,
        () => "the peer can still write",
      );
    });
  });

  test("a peer that closes in time is not reset", async () => {
    const recorder = new Recorder();
    await listening(make(), recorder, async (port) => {
      const closed = Promise.withResolvers<Error | undefined>();
      await Bun.connect({
        ...(at(port) as { unix: string }),
        socket: {
          open: (socket) => void socket.write(clientBytes(at(port), new Uint8Array(0))),
          data() {},
          close: (_socket, error) => closed.resolve(error),
        },
      });
      (await recorder.ready()).end();
      expect(await closed.promise).toBeUndefined();
    });
  });
});
