import { expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { type Ended, executable, Folder } from "../support/executable.ts";

const isAbsent = Bun.which("mosquitto_sub") === null;
const why = isAbsent ? " (skipped: mosquitto_sub is not installed)" : "";

const fence = "```";

/** The fenced block below a comment of README.md. */
function block(comment: string): string {
  const readme = readFileSync(path.resolve(import.meta.dir, "../../README.md"), "utf8");
  const [, after] = readme.split(`<!-- ${comment} -->\n\n${fence}sh\n`);
  const [script] = after?.split(`\n${fence}\n`) ?? [];
  if (script === undefined) throw new Error(`README.md has no block below "${comment}"`);
  return script;
}

/** Runs a script as a user would who has saved it, with `mqttd` on the PATH. */
async function runScript(script: string): Promise<Ended> {
  using folder = new Folder({ "test.sh": script });
  symlinkSync(executable(), folder.file("mqttd"));
  const child = Bun.spawn(["sh", "test.sh"], {
    cwd: folder.path,
    env: {
      PATH: `${folder.path}:${process.env["PATH"] ?? ""}`,
      HOME: folder.path,
      TMPDIR: folder.path,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

test.skipIf(isAbsent)(
  `the README's test in shell passes${why}`,
  async () => {
    const { code, stdout } = await runScript(block("a user's test"));
    const steady = stdout.replace(/\d[\d.]* (?:ms|s) (ago|late)/g, "TIME $1").replace(/ +/g, " ");
    expect({ code, steady: `\n${steady}` }).toMatchInlineSnapshot(`
      {
        "code": 0,
        "steady": 
      "
      dev-42: reset
      CLIENT WHEN WILL
      dev-42 TIME ago published on home/dev-42/status (nobody subscribed, q0, TIME late): connection reset (RST) [v4-3.1.2-8]
      "
      ,
      }
    `);
  },
  30_000,
);

test.skipIf(isAbsent)(
  `it fails where the broker loses the will${why}`,
  async () => {
    const script = block("a user's test");
    const faulty = script.replace("mqttd serve", "mqttd serve --like B1-reset-publishes-nothing");
    expect(faulty).not.toBe(script);
    const { code, stderr } = await runScript(faulty);
    expect(code).toBe(1);
    expect(stderr).toContain("mqttd: expected a will that was published, the newest discarded\n");
  },
  30_000,
);
