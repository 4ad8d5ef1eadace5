import { expect, test } from "bun:test";
import { arm, never, result } from "../drop/report/results.ts";
import { printed } from "../drop/report/recordings.ts";
import { mqttd } from "./surroundings.ts";

const pass = printed([result("rst", { arms: [arm({ dueMs: 0, gotMs: 2 })] })]);
const fail = printed([result("rst", never)]);
const files = { "a.json": pass, "b.json": fail, "notes.txt": "rst was fine\n" };

const compared = async (...args: string[]) =>
  mqttd(["simulate-drop", "--compare", ...args], { files, env: {} });

test("two files: what got worse, and exit code 1", async () => {
  const { code, stdout, stderr, dropped } = await compared("a.json", "b.json");
  expect({ code, stderr, dropped }).toEqual({ code: 1, stderr: "", dropped: [] });
  expect(stdout).toContain("\nWorse:\n  rst (MQTT 3.1.1): pass +2 ms -> FAIL no will\n");
  expect(stdout).toEndWith("\n1 worse, 0 better, 0 appeared, 0 disappeared, 0 stayed\n");
  expect((await compared("b.json", "a.json")).code).toBe(0);
  expect((await compared("a.json", "a.json")).code).toBe(0);
});

test("colours and NDJSON, as in other reports", async () => {
  const colored = await compared("a.json", "b.json", "--color", "always");
  expect(colored.stdout).toContain("\u001b[");
  const { code, stdout } = await compared("a.json", "b.json", "--json");
  expect(code).toBe(1);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { type: "change", id: "rst", change: "worse" },
    { type: "comparison", worse: 1, exitCode: 1 },
  ]);
});

test("wrong arguments: exit 2, one line, and what is meant", async () => {
  const wrong = [
    ["a.json"],
    ["a.json", "none.json"],
    ["notes.txt", "b.json"],
    ["a.json", "b.json", "rst"],
    ["a.json", "b.json", "--port", "1884"],
    ["a.json", "b.json", "--color", "blue"],
  ];
  const outcomes = await Promise.all(wrong.map(async (args) => compared(...args)));
  expect(outcomes.map(({ code }) => code)).toEqual(wrong.map(() => 2));
  expect(`\n${outcomes.map(({ stderr }) => stderr).join("")}`).toMatchInlineSnapshot(`
    "
    mqttd: simulate-drop: --compare lacks its value (--compare BEFORE AFTER)
    mqttd: --compare: there is no file none.json
    mqttd: --compare: notes.txt: line 1: found "rst was fine", allowed: an object of JSON (it takes the standard output of mqttd simulate-drop --json)
    mqttd: --compare reads two files and plays nothing (only --json and --color go with it)
    mqttd: --compare reads two files and plays nothing (only --json and --color go with it)
    mqttd: --color: found "blue", allowed: "auto", "always" or "never"
    "
  `);
});

test("a folder and a file that can't be read are told", async () => {
  const read = async (readFile: NonNullable<Parameters<typeof mqttd>[1]>["readFile"] & {}) =>
    (await mqttd(["simulate-drop", "--compare", "a", "b"], { readFile })).stderr;
  expect(await read(() => ({ type: "folder" }))).toBe(
    "mqttd: --compare: a is a folder (name a file)\n",
  );
  expect(await read(() => ({ type: "unreadable", why: "permission denied" }))).toBe(
    "mqttd: --compare: a can't be read: permission denied\n",
  );
  const beginning = new Uint8Array();
  expect(await read(() => ({ type: "too large", beginning }))).toBe(
    "mqttd: --compare: a is too large (one run has less than 1 MiB)\n",
  );
});
