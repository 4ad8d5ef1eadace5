import { expect, test } from "bun:test";
import { dial } from "../../src/client/dial.ts";
import type { Target } from "../../src/client/target.ts";
import { spawn } from "../support/child.ts";
import { Folder } from "../support/executable.ts";
import { patienceMs } from "../support/inbox.ts";

const node = Bun.which("node");
const why = node === null ? " (skipped: there is no node)" : "";

/** Listens with a queue of one, stands still until there is a file `go`, then accepts all. */
const program = `
  const server = require("node:net").createServer((socket) => socket.write("x"));
  server.listen({ path: "full.sock", backlog: 1 }, () => {
    console.log("ready");
    while (!require("node:fs").existsSync("go"));
  });
`;

test.skipIf(node === null)(`a unix socket whose queue is full is tried again${why}`, async () => {
  using folder = new Folder();
  await using child = spawn([node ?? "", "-e", program], { cwd: folder.path, stdout: "pipe" });
  await child.stdout.getReader().read();
  const none = { host: "", port: 0, username: null, password: null, tls: null };
  const target: Target = { ...none, transport: "unix", path: folder.file("full.sock") };
  const nothing = { data: () => {}, closed: () => {} };
  const dials = Array.from({ length: 10 }, async () => dial(target, patienceMs, () => nothing));
  // The others have found the queue full by now.
  await Promise.any(dials);
  folder.write("go", "");
  const wires = await Promise.all(dials);
  expect(wires).toHaveLength(10);
  for (const wire of wires) wire.reset();
});
