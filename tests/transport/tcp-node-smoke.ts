/**
 * Run by Deno or Node: one connection's life over tcp-node.ts. Prints `ok` and exits, or fails with
 * the error.
 */
import { connect } from "node:net";
import { once } from "node:events";
import process from "node:process";
import { nodeTcp } from "../../src/transport/tcp-node.ts";
import { ListenError, type Link } from "../../src/transport/transport.ts";
import { eventually } from "../support/inbox.ts";

const told: string[] = [];
const links: Link[] = [];
const tcp = { keepAliveMs: 60_000, userTimeoutMs: 30_000 };
const listening = await nodeTcp().listen({
  host: null,
  port: 0,
  tcp,
  events: {
    opened(link) {
      links.push(link);
      told.push("opened");
      link.watch(15_000);
    },
    data(link, chunk) {
      const text = new TextDecoder().decode(chunk);
      told.push(text);
      if (text === "reset") link.reset();
      if (text === "end") {
        link.write(new TextEncoder().encode("..bye.."), 2, 5);
        link.end();
      }
    },
    drained() {
      told.push("drained");
    },
    closed(_link, how) {
      told.push(how);
    },
  },
});

async function exchange(text: string, host: string): Promise<string> {
  const socket = connect({ host, port: listening.port });
  let got = "";
  socket.on("data", (chunk: Uint8Array) => (got += new TextDecoder().decode(chunk)));
  socket.on("error", () => (got += "(reset)"));
  await once(socket, "connect");
  socket.write(text);
  if (text === "fin") socket.end();
  await new Promise((resolve) => socket.once("close", resolve));
  return got;
}

/**
 * Writes to a client that does not read until the link accepts no more, overwriting the array each
 * time: the bytes that node keeps must not change with it.
 */
async function overfill(): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: listening.port }).pause();
  await once(socket, "connect");
  await eventually(
    () => links.length >= 4,
    () => `${links.length} links of 4`,
  );
  const link = links[3];
  if (link === undefined) throw new Error("no link");
  const scratch = new Uint8Array(1 << 20);
  let sent = 0;
  for (let taken = scratch.length; taken === scratch.length && sent < 64 << 20;) {
    scratch.fill(1);
    taken = link.write(scratch, 0, scratch.length);
    scratch.fill(0);
    sent += taken;
  }
  link.end();
  let got = 0;
  let zeros = 0;
  socket.on("data", (chunk: Uint8Array) => {
    got += chunk.length;
    if (chunk.includes(0)) zeros += 1;
  });
  socket.resume();
  await once(socket, "close");
  return got === sent && zeros === 0 ? "whole" : `${got} of ${sent}, ${zeros} chunks overwritten`;
}

function same(what: string, got: unknown, wanted: unknown): void {
  if (JSON.stringify(got) === JSON.stringify(wanted)) return;
  throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
}

same("end", await exchange("end", "127.0.0.1"), "bye");
same("fin", await exchange("fin", "::1"), "");
same("reset", await exchange("reset", "127.0.0.1"), "(reset)");
same("told", told, ["opened", "end", "opened", "fin", "eof", "opened", "reset"]);
same("remote", links[1]?.remote.startsWith("[::1]:"), true);
try {
  await nodeTcp().listen({ host: "::1", port: listening.port, tcp, events: unheard() });
  throw new Error("the port is shared");
} catch (error) {
  if (!(error instanceof ListenError)) throw error;
  same("code", error.code, "EADDRINUSE");
}
same("full link", await overfill(), "whole");
listening.close();
console.log("ok");
process.exit(0);

function unheard() {
  const nothing = () => {};
  return { opened: nothing, data: nothing, drained: nothing, closed: nothing };
}
