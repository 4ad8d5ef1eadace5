/** An idle server that returns every byte: how late this machine alone makes an answer. */
export async function serveEcho(): Promise<{ readonly port: number; stop(): void }> {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
      },
      data(socket, chunk) {
        socket.write(chunk);
      },
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}
