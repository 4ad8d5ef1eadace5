import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { spawn } from "../support/child.ts";

const root = resolve(import.meta.dir, "../..");

test("tcp-node serves one connection's life under Deno", async () => {
  await using deno = spawn(
    ["node_modules/.bin/deno", "run", "-A", "tests/transport/tcp-node-smoke.ts"],
    {
      cwd: root,
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [out, err] = await Promise.all([deno.stdout.text(), deno.stderr.text()]);
  expect(err).not.toContain("Error");
  expect(out).toBe("ok\n");
}, 180_000);
