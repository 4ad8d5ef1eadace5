/**
 * `mqttd serve` within another program, which blocks their loop on command: `data 3000` in the
 * callback of a socket, `timer 3000` in that of a timer. It answers when the loop is free again.
 */
import type { Socket } from "bun";

const orders = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket: Socket, chunk) {
      const [where, text] = chunk.toString().split(" ");
      const block = (): void => {
        const until = performance.now() + Number(text);
        while (performance.now() < until);
        socket.write("free");
      };
      if (where === "data") block();
      // Planted: it blocks in a timer, and not while it reads.
      else setTimeout(block, 1);
    },
  },
});
process.stderr.write(`${JSON.stringify({ event: "blockable", port: orders.port })}\n`);
await import("../../src/main.ts");
