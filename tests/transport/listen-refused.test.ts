import { describe, expect, test } from "bun:test";
import { listenError } from "../../src/transport/listen-error.ts";
import { portHolder } from "../../src/transport/port-holder.ts";
import { ListenError } from "../../src/transport/transport.ts";
import { Recorder, tcpTransports } from "./transports.ts";
import { spawn } from "../support/child.ts";

const onLinux = process.platform === "linux";

async function refused(
  transport: (typeof tcpTransports)[number][1],
  host: string | null,
  port: number,
) {
  const tcp = { keepAliveMs: 0, userTimeoutMs: 0 };
  try {
    const socket = await transport().listen({ host, port, tcp, events: new Recorder() });
    socket.close();
  } catch (error) {
    if (error instanceof ListenError) return error;
    throw error;
  }
  throw new Error("it listens");
}

/** A separate process that listens on a free port. */
function squatter(hostname: string) {
  const script = `console.log(Bun.listen({hostname:"${hostname}",port:0,socket:{data(){}}}).port)`;
  return spawn([process.execPath, "-e", script]);
}

/** Its output: the port. */
async function portOf({ stdout }: ReturnType<typeof squatter>): Promise<number> {
  for await (const chunk of stdout) return Number(new TextDecoder().decode(chunk));
  throw new Error("no port");
}

describe.each(tcpTransports)("%s", (_, make) => {
  test.each(["127.0.0.1", "::1", "0.0.0.0", "::"])("port in use on %s: its owner", async (host) => {
    await using child = squatter(host);
    const port = await portOf(child);
    const error = await refused(make, host.includes(".") ? "127.0.0.1" : "::1", port);
    expect(error.code).toBe("EADDRINUSE");
    expect(error.port).toBe(port);
    expect(error.message).toContain(`port ${port}`);
    if (onLinux) expect(error.message).toEndWith(` (pid ${child.pid})`);
  });

  test("port in use on the second loopback address: the first is released", async () => {
    await using child = squatter("::1");
    const port = await portOf(child);
    const error = await refused(make, null, port);
    expect([error.code, error.address]).toEqual(["EADDRINUSE", "::1"]);
    const first = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    first.stop();
  });

  test("a port that this process already uses", async () => {
    const tcp = { keepAliveMs: 0, userTimeoutMs: 0 };
    const events = new Recorder();
    const socket = await make().listen({ host: "127.0.0.1", port: 0, tcp, events });
    const error = await refused(make, "127.0.0.1", socket.port);
    socket.close();
    expect(error.code).toBe("EADDRINUSE");
    if (onLinux) expect(error.message).toContain("another listener of this process");
  });

  test("an address of another machine", async () => {
    const error = await refused(make, "192.0.2.1", 0);
    expect(error.code).toBe("EADDRNOTAVAIL");
    expect(error.message).toBe("192.0.2.1 is not an address of this machine");
  });

  test("an invalid name", async () => {
    // Too long for a label, so that no name server is queried.
    const name = "x".repeat(64);
    const error = await refused(make, name, 0);
    expect(error.message).toStartWith(`the host name "${name}" has no address (E`);
  });

  test("an invalid port", async () => {
    const error = await refused(make, null, 70_000);
    expect(error.message).toBe("port 70000 is not between 0 and 65535");
  });
});

test("no permission", () => {
  const denied = Object.assign(new Error("denied"), { code: "EACCES" });
  const error = listenError(denied, "127.0.0.1", 80);
  expect([error.code, error.address, error.port]).toEqual(["EACCES", "127.0.0.1", 80]);
  expect(error.message).toBe(
    "no permission to listen on port 80: ports below 1024 are reserved, use a higher one",
  );
});

test("other messages of the system are passed on", () => {
  const error = listenError(Object.assign(new Error("too many"), { code: "EMFILE" }), "::1", 1883);
  expect(error.message).toBe("can't listen on ::1 port 1883: too many (EMFILE)");
});

test("a free port has no owner", () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const port = listener.port;
  if (onLinux) expect(portHolder("127.0.0.1", port)?.pid).toBe(process.pid);
  // A listener on another address is not in the way.
  expect(portHolder("127.0.0.2", port)).toBeNull();
  listener.stop();
  expect(portHolder("127.0.0.1", port)).toBeNull();
});
