import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { spawn } from "../support/child.ts";
import { type Ended, Folder } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { isAlive } from "../support/left-behind.ts";

/** .ci/run beside a README.md of its own: its effect on the command in that file. */

// The packages that it would install are present, so that a test installs nothing.
const needed = ["bash", "script", "setsid", "zsh", "mosquitto_pub"];
const isUnable = needed.some((name) => Bun.which(name) === null);
const why = isUnable ? ` (skipped: needs ${needed.join(", ")})` : "";
const fence = "```";

function project(command: string): Folder {
  const readme = `# it\n\n<!-- test -->\n\n${fence}sh\n${command}\n${fence}\n`;
  const folder = new Folder({ "README.md": readme });
  mkdirSync(folder.file(".ci"));
  copyFileSync(path.resolve(import.meta.dir, "../../.ci/run"), folder.file(".ci/run"));
  chmodSync(folder.file(".ci/run"), 0o755);
  return folder;
}

/** Runs it with a command line for sh, both streams joined. */
async function run(folder: Folder, how = "exec .ci/run 2>&1"): Promise<Omit<Ended, "stderr">> {
  await using child = spawn(["sh", "-c", how], { cwd: folder.path });
  const stdout = await child.stdout.text();
  await child.exited;
  return { code: child.exitCode, stdout };
}

const command =
  "tty && stty size && printf '\\033[31mred\\033[0m\\r\\n1 of 2\\r2 of 2\\n5 passed, 0 failed, 2 skipped\\nmore\\n' && exit";
const shown = /\/dev\/\S+\n40 120\nred\n2 of 2\nmore\n5 passed, 0 failed, 2 skipped\n$/;

describe.skipIf(isUnable)(`.ci/run${why}`, () => {
  for (const [surroundings, how] of [
    ["with a standard input that is empty", "exec .ci/run 2>&1"],
    ["without a standard input", "exec .ci/run 2>&1 <&-"],
    ["without a terminal, as a machine starts it", "CI=true TERM= exec setsid -w .ci/run 2>&1 <&-"],
    ["in a terminal", "exec script -qefc .ci/run /dev/null </dev/null 2>&1"],
  ] as const) {
    test.concurrent(
      `${surroundings}: the command has a terminal, and the closing line is last`,
      async () => {
        using folder = project(`${command} 0`);
        const { code, stdout } = await run(folder, how);
        expect(stdout.replaceAll("\r\n", "\n")).toMatch(shown);
        expect(code).toBe(0);
        using failing = project(`${command} 3`);
        expect(await run(failing, how)).toMatchObject({ code: 3 });
      },
    );
  }

  test.concurrent("a command without a closing line has failed", async () => {
    using wrong = project("false && npm test");
    const end =
      "the test command printed no closing line; its exit code is 1\n0 passed, 1 failed\n";
    expect(await run(wrong)).toEqual({ code: 1, stdout: `+ false && npm test\n${end}` });
    using silent = project("true");
    expect(await run(silent)).toMatchObject({ code: 1 });
    using killed = project("kill -KILL $$");
    expect(await run(killed)).toMatchObject({ code: 137 });
    using none = new Folder({ "README.md": "# it\n" });
    mkdirSync(none.file(".ci"));
    copyFileSync(path.resolve(import.meta.dir, "../../.ci/run"), none.file(".ci/run"));
    expect(await run(none, "exec bash .ci/run")).toEqual({
      code: 1,
      stdout:
        "README.md has no test command: a fenced block under <!-- test -->\n0 passed, 1 failed\n",
    });
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const) {
    test.concurrent(`${signal} in the middle: nothing of the command is left`, async () => {
      using folder = project("sleep 1000 & echo $! >pid && wait");
      await using child = spawn([".ci/run"], { cwd: folder.path, stdout: "ignore" });
      const isThere = (): boolean =>
        folder.names().includes("pid") && folder.text("pid").endsWith("\n");
      await eventually(isThere, () => folder.names().join(", "));
      const pid = Number(folder.text("pid"));
      expect(isAlive(pid)).toBe(true);
      child.kill(signal);
      await child.exited;
      expect(child.exitCode).toBe(code);
      await eventually(
        () => !isAlive(pid),
        () => `${pid} is alive`,
      );
    });
  }
});
