import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { targetOf } from "../../src/client/target.ts";
import { openWebSocket } from "../../src/load/web-sockets.ts";
import { closeFrame } from "../../src/websocket/frames.ts";
import { FrameReader } from "../../src/websocket/frame-reader.ts";
import { answerUpgrade } from "../../src/websocket/handshake.ts";
import { HeadReader } from "../../src/websocket/http-head.ts";

const nobody = { data() {}, drain() {}, ended() {} };

/** A server that accepts one upgrade, sends `first` with its answer, and then does what `then` says. */
async function upgrading(first: Uint8Array, then: (socket: Socket) => void) {
  const server = createServer((socket) => {
    const head = new HeadReader();
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => {
      const read = head.feed(chunk);
      if (read === null) throw new Error("half a head");
      const { answer } = answerUpgrade(read.head, { path: null, origins: null });
      socket.write(Buffer.concat([Buffer.from(answer, "latin1"), first]));
      then(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const target = targetOf(`ws://127.0.0.1:${typeof address === "object" ? address?.port : 0}/mqtt`);
  if (typeof target === "string") throw new Error(target);
  return { target, [Symbol.dispose]: () => void server.close() };
}

test("a WebSocket that ends sends all that it took before, and its Close frame", async () => {
  const { promise: paused, resolve: pauses } = Promise.withResolvers<Socket>();
  using server = await upgrading(new Uint8Array(), (socket) => {
    socket.pause();
    pauses(socket);
  });
  const socket = await openWebSocket(server.target, nobody);
  // More than the buffers of both kernels.
  const payload = new Uint8Array(32 * 1024 * 1024).fill(7);
  expect(socket.write(payload)).toBe(payload.length);
  socket.end();
  const frames = new FrameReader(true, 2 * payload.length);
  let received = 0;
  const peer = await paused;
  const { promise: ended, resolve: ends } = Promise.withResolvers<void>();
  peer.on("data", (chunk: Buffer) => {
    frames.begin(chunk);
    frames.read(0, chunk.length);
    received += frames.take().length;
  });
  peer.on("close", () => ends());
  peer.resume();
  await ended;
  expect({ received, code: frames.close?.code }).toEqual({ received: payload.length, code: 1000 });
});

test("a broker that closes the WebSocket with its answer is not connected to", async () => {
  using server = await upgrading(closeFrame(1001, false), (socket) => socket.end());
  const connected = openWebSocket(server.target, nobody).then(
    () => null,
    (error: unknown) => String(error),
  );
  expect(await connected).toBe("Error: WebSocket: the connection ended");
});
