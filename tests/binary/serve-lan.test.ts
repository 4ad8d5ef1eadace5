import { expect, test } from "bun:test";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder, run } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

test("serve --lan --anonymous: reachable by both families, and says at which address", async () => {
  using folder = new Folder();
  const args = ["serve", "--lan", "--anonymous", "--port", "0", "--ready-file", "ready"];
  await using child = spawn([executable(), ...args, "--set", "admin.port=off"], {
    cwd: folder.path,
    env: environment(folder),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  await eventually(
    () => folder.names().includes("ready"),
    () => "the ready file",
  );
  const [, port = ""] = /:(\d+)\n/.exec(folder.text("ready")) ?? [];
  for (const hostname of folder.text("ready").includes("[::]")
    ? ["127.0.0.1", "::1"]
    : ["127.0.0.1"]) {
    const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
    socket.terminate();
  }
  child.kill("SIGTERM");
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(await child.exited).toBe(0);
  expect(stdout).toMatch(/For your firmware: mqtt:\/\/[\d.]+:\d+\n|no address in a network/);
  expect(stderr).toContain("without a password");
});

test("serve --lan on a terminal: Ctrl-C at the question ends it", async () => {
  using folder = new Folder();
  let output = "";
  const decoder = new TextDecoder();
  await using child = spawn([executable(), "serve", "--lan", "--port", "0"], {
    cwd: folder.path,
    env: { ...environment(folder), TERM: "xterm" },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_, bytes) => {
        output += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await eventually(
    () => output.includes("Password file: "),
    () => `the question; the terminal has: ${output}`,
  );
  child.terminal?.write("lab\u0003");
  expect(await child.exited).toBe(130);
});

test.each([
  ["--config", "none.json"],
  ["--set", "auth.passwordFile=none"],
  ["--set", "auth.aclFile=none", "--anonymous"],
  ["--anonymous", "--set", "limits.packetSize=many"],
  [],
])("serve --lan %p: one line, before any address is open", async (...flags) => {
  using folder = new Folder();
  const args = ["serve", "--lan", "--port", "0", "--ready-file", "ready", ...flags];
  const { code, stdout, stderr } = await run(folder, args);
  expect({ code, stdout, lines: stderr.split("\n").length }).toEqual({
    code: 2,
    stdout: "",
    lines: 2,
  });
  expect(stderr).toStartWith("mqttd: ");
  expect(stderr).not.toContain("istening");
  expect(folder.names()).not.toContain("ready");
});
