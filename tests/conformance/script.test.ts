import { expect, test } from "bun:test";
import path from "node:path";
import { spawn } from "../support/child.ts";

const script = path.resolve(import.meta.dir, "../../scripts/conformance.ts");

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: readonly string[]): Promise<Answer> {
  await using child = spawn([process.execPath, script, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, err };
}

test("a run reports each group, and exits with 0 when all passed", async () => {
  const { code, out } = await run("--in-process", "--only", "v5-3.1.2-22", "--only", "v4-3.12.4-1");
  expect(out).toMatchInlineSnapshot(`
    "mqttd in this process: 6 checks
      Keep Alive and session state         4 of 4 passed
      will                                 1 of 1 passed
      UNSUBSCRIBE, UNSUBACK and PINGREQ    1 of 1 passed

    6 passed, 0 disagree, 0 skipped
    "
  `);
  expect(code).toBe(0);
});

test("--json writes a line for each check, and one for the totals", async () => {
  const { code, out } = await run("--in-process", "--json", "--only", "v5-3.12.4-1");
  expect(out).toMatchInlineSnapshot(`
    "{"type":"check","group":"UNSUBSCRIBE, UNSUBACK and PINGREQ","title":"each PINGREQ is answered by a PINGRESP","protocol":"5","statements":["v5-3.12.4-1"],"verdict":"passed"}
    {"type":"summary","target":"mqttd in this process","passed":1,"disagree":0,"skipped":0}
    "
  `);
  expect(code).toBe(0);
});

test("wrong usage gives one line and exit code 2, an unreachable broker 3", async () => {
  const answers = [
    await run(),
    await run("--in-process", "--only", "v5-3.1.2-222"),
    await run("--in-process", "--only", "v5-3.1.2-20"),
    await run("--in-process", "--patience", "5"),
    await run("--url", "http://localhost"),
    await run("--colour"),
    await run("--url", "mqtt://127.0.0.1:1"),
  ];
  const texts = answers.map(({ code, out, err }) => `${code} ${out}${err}`);
  expect(texts.join("")).toMatchInlineSnapshot(`
    "2 choose the broker by one of --url and --in-process
    2 there is no statement v5-3.1.2-222 (did you mean v5-3.1.2-22?)
    2 no check names v5-3.1.2-20: binds the client
    2 --patience takes a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d)
    2 --url: found "http://localhost", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean ws://?
    2 Unknown option '--colour'
    3 nothing listens on mqtt://127.0.0.1:1
    "
  `);
});
