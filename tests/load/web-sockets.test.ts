import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { targetOf } from "../../src/client/target.ts";
import { openWebSocket } from "../../src/load/web-sockets.ts";
import { closeFrame } from "../../src/websocket/frames.ts";
import { FrameReader } from "../../src/websocket/frame-reader.ts";
import { answerUpgrade } from "../../src/websocket/handshake.ts";
import { HeadReader } from "../../src/websocket/http-head.ts";
import { HostileServer } from "../support/hostile-server.ts";

const nobody = { data() {}, drain() {}, ended() {} };

/** A server that accepts one upgrade, sends `first` with its answer, and then does what `then` says. */
async function upgrading(first: Uint8Array, then: (socket: Socket) => void) {
  const server = await HostileServer.start((socket, asked) => {
    const read = new HeadReader().feed(Buffer.from(asked, "latin1"));
    if (read === null) throw new Error("half a head");
    const { answer } = answerUpgrade(read.head, { path: null, origins: null });
    socket.write(Buffer.concat([Buffer.from(answer, "latin1"), first]));
    then(socket);
  });
  const target = targetOf(`ws://127.0.0.1:${server.port}/mqtt`);
  if (typeof target === "string") throw new Error(target);
  return { target, [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose]() };
}

test("a WebSocket that ends sends all that it took before, and its Close frame", async () => {
  const { promise: paused, resolve: pauses } = Promise.withResolvers<Socket>();
  await using server = await upgrading(new Uint8Array(), (socket) => {
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
  await using server = await upgrading(closeFrame(1001, false), (socket) => socket.end());
  const connected = openWebSocket(server.target, nobody).then(
    () => null,
    (error: unknown) => String(error),
  );
  expect(await connected).toBe("Error: WebSocket: the connection ended");
});
