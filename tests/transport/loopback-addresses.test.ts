import { describe, expect, test } from "bun:test";
import { listenOn, type Bind } from "../../src/transport/listen-addresses.ts";
import { ListenError } from "../../src/transport/transport.ts";
import { Peer, Recorder, tcpTransports } from "./transports.ts";

const tcp = { keepAliveMs: 60_000, userTimeoutMs: 30_000 };

describe.each(tcpTransports)("%s", (_, make) => {
  test("no host: both loopback addresses share one free port, and report the client's address", async () => {
    const recorder = new Recorder();
    const socket = await make().listen({ host: null, port: 0, tcp, events: recorder });
    expect(socket.port).toBeGreaterThan(0);
    expect(socket.addresses).toEqual([`127.0.0.1:${socket.port}`, `[::1]:${socket.port}`]);
    const four = await Peer.dial(socket.port);
    expect((await recorder.link(0)).remote).toBe(four.local);
    const six = await Peer.dial({ hostname: "::1", port: socket.port });
    expect((await recorder.link(1)).remote).toBe(`[::1]:${six.socket.localPort}`);
    socket.close();
    four.rst();
    six.rst();
  });

  test("an IPv4 client of an IPv6 socket has its IPv4 address", async () => {
    const recorder = new Recorder();
    const socket = await make().listen({ host: "::", port: 0, tcp, events: recorder });
    expect(socket.addresses).toEqual([`[::]:${socket.port}`]);
    const peer = await Peer.dial(socket.port);
    expect((await recorder.link()).remote).toBe(peer.local);
    socket.close();
    peer.rst();
  });

  test("the remote address is still known after the end", async () => {
    const recorder = new Recorder();
    const socket = await make().listen({ host: "127.0.0.1", port: 0, tcp, events: recorder });
    const peer = await Peer.dial(socket.port);
    const link = await recorder.link();
    peer.rst();
    await recorder.told("reset");
    expect(link.remote).toBe(peer.local);
    socket.close();
  });

  test("close accepts no more, frees the port, and keeps open links", async () => {
    const recorder = new Recorder();
    const options = { host: null, tcp, events: recorder };
    const transport = make();
    const socket = await transport.listen({ ...options, port: 0 });
    const peer = await Peer.dial(socket.port);
    await recorder.link();
    socket.close();
    const again = await transport.listen({ ...options, port: socket.port });
    peer.send("still here");
    await recorder.until(() => recorder.text === "still here");
    again.close();
    peer.rst();
  });
});

/** A machine whose ports the test defines. */
function machine(refuse: (address: string, port: number, attempt: number) => string | null) {
  const open: string[] = [];
  let attempt = 0;
  let next = 5000;
  const bind: Bind = async (address, port) => {
    attempt += 1;
    const code = refuse(address, port, attempt);
    if (code !== null) throw Object.assign(new Error(code), { code });
    const got = port === 0 ? next++ : port;
    open.push(`${address}:${got}`);
    return {
      port: got,
      descriptor: null,
      close: async () => void open.splice(open.indexOf(`${address}:${got}`), 1),
    };
  };
  return { bind, open };
}

test("a free port in use on ::1 is released, and another one is tried", async () => {
  const { bind, open } = machine((address, port) =>
    address === "::1" && port < 5003 ? "EADDRINUSE" : null,
  );
  const socket = await listenOn(null, 0, bind);
  expect(socket.addresses).toEqual(["127.0.0.1:5003", "[::1]:5003"]);
  expect(open).toEqual(["127.0.0.1:5003", "::1:5003"]);
});

test("it gives up after some attempts and leaves nothing open", async () => {
  const { bind, open } = machine((address) => (address === "::1" ? "EADDRINUSE" : null));
  expect(listenOn(null, 0, bind)).rejects.toThrow(ListenError);
  await listenOn(null, 0, bind).catch(() => {});
  expect(open).toEqual([]);
});

test("a given port in use on ::1 is refused, and 127.0.0.1 is released", async () => {
  const { bind, open } = machine((address) => (address === "::1" ? "EADDRINUSE" : null));
  const error = await listenOn(null, 1883, bind).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "EADDRINUSE", address: "::1", port: 1883 });
  expect(open).toEqual([]);
});

test.each(["EADDRNOTAVAIL", "EAFNOSUPPORT"])(
  "without IPv6 (%s) 127.0.0.1 is enough",
  async (code) => {
    const { bind, open } = machine((address) => (address === "::1" ? code : null));
    const socket = await listenOn(null, 0, bind);
    expect(socket.addresses).toEqual(["127.0.0.1:5000"]);
    socket.close();
    expect(open).toEqual([]);
  },
);

test("localhost is both loopback addresses too; brackets are removed", async () => {
  const { bind } = machine(() => null);
  expect((await listenOn("localhost", 1883, bind)).addresses.length).toBe(2);
  expect((await listenOn("[::1]", 1884, bind)).addresses).toEqual(["[::1]:1884"]);
});
