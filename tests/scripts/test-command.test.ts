import { describe, expect, test } from "bun:test";
import path from "node:path";
import { spawn } from "../support/child.ts";
import { Folder } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { isAlive } from "../support/left-behind.ts";

/** The test command, with planted tests: its output, and that nothing of it is left. */

const root = path.resolve(import.meta.dir, "../..");
const command = path.join(root, "scripts/test.ts");
const limitMs = 180_000;
const boundMs = 180_000;

const heldUp = `import { HeldUp } from "${root}/tests/support/held-up.ts";`;

function planted(source: string): Folder {
  return new Folder({ "planted.test.ts": `import { expect, test } from "bun:test";\n${source}` });
}

/** Runs it to its end. */
async function run(folder: Folder, more: readonly string[] = [], env = {}) {
  const files = [folder.file("planted.test.ts"), ...more];
  await using child = spawn([process.execPath, command, "--tests-only", ...files], {
    env: { ...process.env, ...env },
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  const lines = stdout.trimEnd().split("\n");
  return { code: child.exitCode, closing: lines.at(-1), lines, stderr };
}

test.concurrent(
  "the closing line counts each test once, and is the last",
  async () => {
    // By this name a search for tests that are skipped finds none of ours.
    using folder = planted(`
      test("right", () => {});
      test("wrong > here", () => expect(1).toBe(2));
      test["skip"]("counted as skipped", () => {});
    `);
    const { code, closing } = await run(folder);
    expect({ code, closing }).toEqual({ code: 1, closing: "1 passed, 1 failed, 1 skipped" });
  },
  limitMs,
);

test.concurrent(
  "a file that does not load is a failure, and so is a run without tests",
  async () => {
    using unloadable = planted('import "./missing.ts";\ntest("right", () => {});');
    expect(await run(unloadable)).toMatchObject({ code: 1, closing: "0 passed, 1 failed" });
    // Nor does a held-up test hide it.
    const held = `import { test } from "bun:test";\n${heldUp}
      test("held up", () => { throw new HeldUp("it", 0, Date.now() - 1000) });`;
    unloadable.write("held.test.ts", held);
    expect(await run(unloadable, [unloadable.file("held.test.ts")])).toMatchObject({
      ...{ code: 1, closing: "0 passed, 1 failed, 1 skipped" },
    });
    using empty = planted("expect(1).toBe(1);");
    expect(await run(empty)).toMatchObject({ code: 1, closing: "0 passed, 1 failed" });
  },
  limitMs,
);

test.concurrent(
  "a test held up while the machine was busy is repeated, alone, and no other failure is",
  async () => {
    // A loss of no time at all is true of each machine; 100 s in one second of none.
    using folder = planted(`${heldUp}
      import { appendFileSync, readFileSync } from "node:fs";
      function times(name: string): number {
        const file = \`\${import.meta.dir}/\${name}\`;
        appendFileSync(file, "x");
        return readFileSync(file).length;
      }
      test("once (a+b)", () => {
        if (times("once") === 1) throw new HeldUp("it", 0, Date.now() - 1000);
      });
      test("then wrong", () => {
        if (times("wrong") === 1) throw new HeldUp("it", 0, Date.now() - 1000);
        expect(1).toBe(2);
      });
      test("always", () => {
        times("always");
        throw new HeldUp("it", 0, Date.now() - 1000);
      });
      test("by itself", () => {
        times("itself");
        throw new HeldUp("it", 100_000, Date.now() - 1000);
      });
      test("not by time", () => expect(times("time")).toBe(0));
    `);
    const { code, lines } = await run(folder);
    expect(code).toBe(1);
    const name = (test: string): string => `  ${folder.file("planted.test.ts")} > ${test}`;
    expect(lines.slice(lines.findIndex((line) => line.startsWith("held up on")))).toEqual([
      ...["held up on a busy machine; passed when played again alone:", name("once (a+b)"), ""],
      "FAILED: held up, and the machine was not busy or it failed alone:",
      ...[name("by itself"), name("then wrong"), ""],
      ...["not run: the machine was busy each of 4 times:", name("always")],
      "1 passed, 3 failed, 1 skipped",
    ]);
    const played = ["once", "wrong", "always", "itself", "time"].map(
      (file) => folder.text(file).length,
    );
    expect(played).toEqual([2, 2, 4, 1, 1]);
  },
  limitMs,
);

test.concurrent(
  "more than five that were never judged are red",
  async () => {
    const tests = (count: number): string => `${heldUp}
      for (let number = 1; number <= ${count}; number++) {
        test(\`\${number}\`, () => { throw new HeldUp("it", 0, Date.now() - 1000) });
      }
      test("right", () => {});
    `;
    using five = planted(tests(5));
    expect(await run(five)).toMatchObject({ code: 0, closing: "1 passed, 0 failed, 5 skipped" });
    using six = planted(tests(6));
    expect(await run(six)).toMatchObject({ code: 1, closing: "1 passed, 6 failed" });
  },
  limitMs,
);

test.concurrent(
  "a test and its programs see nothing of the caller's environment",
  async () => {
    using folder = planted(`
      import { spawn } from "${root}/tests/support/child.ts";
      import { spawn as spawnByNode } from "node:child_process";
      const shown = ["CI", "HOME", "LANG", "MQTTD_RUN_DIR", "PATH", "TMPDIR", "TZ"];
      const names = (text: string) => text.trim().split("\\n").map((line) => line.split("=")[0]);
      test("here", () => {
        const set = Object.keys(process.env).filter((name) => process.env[name] !== undefined);
        expect(set.sort()).toEqual(shown);
        expect(process.env.HOME).not.toBe("/nowhere");
        expect(new Date(0).getHours()).toBe(0);
      });
      test("in a program", async () => {
        await using child = spawn(["env"]);
        expect(names(await child.stdout.text()).sort()).toEqual(shown);
      });
      test("in a program that the code under test starts", async () => {
        const child = spawnByNode("env");
        const said = await Array.fromAsync(child.stdout);
        expect(names(Buffer.concat(said).toString()).sort()).toEqual(shown);
      });
    `);
    const env = {
      ...{ FORCE_COLOR: "3", NO_COLOR: "", CLICOLOR_FORCE: "1", COLUMNS: "20", TERM: "xterm" },
      ...{ LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", TZ: "Asia/Kathmandu", HOME: "/nowhere" },
      ...{ XDG_CONFIG_HOME: "/nowhere", XDG_RUNTIME_DIR: "/nowhere", MQTTD_CONFIG: "nope.json" },
      ...{ MQTTD_LOG__LEVEL: "error", MQTTD_RUN_DIR: "/nowhere", http_proxy: "http://127.0.0.1:9" },
    };
    const { stderr, closing } = await run(folder, [], env);
    expect(closing, stderr).toBe("3 passed, 0 failed");
  },
  limitMs,
);

test.concurrent(
  "wrong usage gives one line and exit code 2",
  async () => {
    await using child = spawn([process.execPath, command, "--sed", "1"], { stderr: "pipe" });
    expect(await child.stderr.text()).toMatch(/^Unknown option '--sed'.* \(--help\)\n$/);
    expect(await child.exited).toBe(2);
  },
  limitMs,
);

/** Three endless programs: a child, a child's child, and one in its own session. */
const forEver = `
  const { spawn } = await import("node:child_process");
  const child = spawn("sh", ["-c", "trap '' HUP INT TERM; sleep 1000 & wait"], { stdio: "ignore" });
  const apart = spawn("sleep", ["1000"], { stdio: "ignore", detached: true });
  const { descendants } = await import("${root}/scripts/descendants.ts");
  const { eventually } = await import("${root}/tests/support/inbox.ts");
  const sleeping = () =>
    descendants().filter(({ command }) => command === "sleep 1000").map(({ pid }) => pid);
  const seen = () => \`of two that sleep there are: \${sleeping()}\`;
  await eventually(() => sleeping().length === 2, seen, ${boundMs});
  const pids = [child.pid, apart.pid, sleeping().find((pid) => pid !== apart.pid)];
  await Bun.write(\`\${import.meta.dir}/pids\`, pids.join(" "));
`;

/** A test that goes on until it is killed; the sleep ends one that nobody kills. */
const long = `test("long", async () => { ${forEver} await Bun.sleep(20_000); });`;

/** Waits until the three exist. */
async function pidsOf(folder: Folder, said: () => string): Promise<number[]> {
  const isThere = (): boolean =>
    folder.names().includes("pids") && folder.text("pids").split(" ").length === 3;
  await eventually(isThere, said, boundMs);
  const pids = folder.text("pids").split(" ").map(Number);
  expect(pids.map((pid) => pid > 0)).toEqual([true, true, true]);
  return pids;
}

async function expectGone(pids: readonly number[]): Promise<void> {
  await eventually(
    () => !pids.some(isAlive),
    () => `alive: ${pids.filter(isAlive).join(", ")}`,
  );
}

describe.if(process.platform === "linux")("no program that a test started keeps running", () => {
  test.concurrent(
    "when the test fails, and it is named",
    async () => {
      using folder = planted(`test("wrong", async () => { ${forEver} expect(1).toBe(2); });`);
      const { code, closing, stderr } = await run(folder);
      const pids = await pidsOf(folder, () => stderr);
      expect(pids.filter(isAlive)).toEqual([]);
      // The test itself, and the message that it left a program behind.
      expect({ code, closing }).toEqual({ code: 1, closing: "0 passed, 2 failed" });
      expect(stderr).toContain(`left running by a test of this file: sh -c trap`);
    },
    limitMs,
  );

  test.concurrent(
    "when its parent has ended before it, and it is named",
    async () => {
      using folder = planted(`test("right", async () => {
        ${forEver}
        child.kill("SIGKILL");
        apart.kill("SIGKILL");
      });`);
      const { code, closing, stderr, lines } = await run(folder);
      const pids = await pidsOf(folder, () => stderr);
      expect(pids.filter(isAlive)).toEqual([]);
      expect({ code, closing }).toEqual({ code: 1, closing: "1 passed, 1 failed" });
      expect(lines).toContain(`FAILED left running by a test: sleep 1000 (pid ${pids[2]})`);
    },
    limitMs,
  );

  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGKILL"] as const) {
    test.concurrent(
      `when the command gets ${signal} in the middle`,
      async () => {
        using folder = planted(long);
        const file = folder.file("planted.test.ts");
        const words = [process.execPath, command, "--tests-only", file];
        await using child = spawn(words, { stdout: "ignore", stderr: "ignore" });
        const pids = await pidsOf(folder, () => "");
        child.kill(signal);
        await child.exited;
        const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, SIGKILL: null } as const;
        expect(child.exitCode).toBe(codes[signal]);
        await expectGone(pids);
      },
      limitMs,
    );
  }

  test.concurrent(
    "at repeated SIGINTs",
    async () => {
      using folder = planted(long);
      const file = folder.file("planted.test.ts");
      const words = [process.execPath, command, "--tests-only", file];
      await using child = spawn(words, { stdout: "ignore", stderr: "pipe" });
      const pids = await pidsOf(folder, () => "");
      // The impatient user's own rhythm.
      const impatience = setInterval(() => child.kill("SIGINT"), 1);
      await child.exited.finally(() => clearInterval(impatience));
      expect(child.exitCode).toBe(130);
      expect(await child.stderr.text()).not.toContain("ESRCH");
      await expectGone(pids);
    },
    limitMs,
  );

  test.concurrent(
    "at Ctrl-C in the terminal of npm test",
    async () => {
      using folder = planted(long);
      const file = folder.file("planted.test.ts");
      let said = "";
      await using child = spawn(["npm", "test", "--", "--tests-only", file], {
        cwd: root,
        env: { ...process.env, TERM: "xterm", npm_config_update_notifier: "false" },
        terminal: { data: (_, bytes) => void (said += Buffer.from(bytes).toString()) },
      });
      const pids = await pidsOf(folder, () => said);
      child.terminal?.write("\u0003");
      await child.exited;
      expect(child.exitCode).not.toBe(0);
      await expectGone(pids);
    },
    limitMs,
  );
});
