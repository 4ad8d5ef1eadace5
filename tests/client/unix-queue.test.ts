import { expect, test } from "bun:test";
import { dial } from "../../src/client/dial.ts";
import type { Target } from "../../src/client/target.ts";
import { spawn } from "../support/child.ts";
import { Folder } from "../support/executable.ts";

const node = Bun.which("node");
const why = node === null ? " (skipped: there is no node)" : "";

/** Listens with a queue of one, stands still for a while, then accepts all. */
const program = `
  const server = require("node:net").createServer((socket) => socket.write("x"));
  server.listen({ path: "full.sock", backlog: 1 }, () => {
    console.log("ready");
    const until = Date.now() + 300;
    while (Date.now() < until);
  });
`;

test.skipIf(node === null)(`a unix socket whose queue is full is tried again${why}`, async () => {
  using folder = new Folder();
  await using child = spawn([node ?? "", "-e", program], { cwd: folder.path, stdout: "pipe" });
  await child.stdout.getReader().read();
  const none = { host: "", port: 0, username: null, password: null, tls: null };
  const target: Target = { ...none, transport: "unix", path: folder.file("full.sock") };
  const nothing = { data: () => {}, closed: () => {} };
  const all = Array.from({ length: 10 }, async () => dial(target, 4000, () => nothing));
  const wires = await Promise.all(all);
  expect(wires).toHaveLength(10);
  for (const wire of wires) wire.reset();
});
