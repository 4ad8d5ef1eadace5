import { expect, test } from "bun:test";
import { createServer } from "node:net";
import path from "node:path";
import { listensOn } from "../../src/transport/port-holder.ts";
import { Folder } from "../support/executable.ts";

const isLinux = process.platform === "linux";
const why = isLinux ? "" : " (skipped: only Linux tells)";

test.skipIf(!isLinux)(`whether a process listens on a port or a unix socket${why}`, async () => {
  using folder = new Folder();
  const file = folder.file("a b.sock");
  const [tcp, unix] = [createServer(), createServer()];
  await new Promise<void>((resolve) => void tcp.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => void unix.listen(file, resolve));
  try {
    const address = tcp.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const parent = process.ppid;
    expect(listensOn(process.pid, { port })).toBe(true);
    expect(listensOn(process.pid, { path: file })).toBe(true);
    expect(listensOn(process.pid, { path: path.relative(process.cwd(), file) })).toBe(true);
    expect(listensOn(process.pid, { path: folder.file("other.sock") })).toBe(false);
    // Only the process that listens.
    expect(listensOn(parent, { port })).not.toBe(true);
    expect(listensOn(parent, { path: file })).not.toBe(true);
  } finally {
    tcp.close();
    unix.close();
  }
});
