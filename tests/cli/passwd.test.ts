import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readPasswordFile } from "../../src/server/accounts/password-file.ts";
import { mqttd } from "./surroundings.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-passwd-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The name of a file in a folder of its own. */
function place(text?: string, mode = 0o600): string {
  const file = path.join(mkdtempSync(path.join(folder, "p-")), "passwd");
  if (text !== undefined) {
    writeFileSync(file, text);
    chmodSync(file, mode);
  }
  return file;
}

const secret = "swordfish";
const cheap = ["--iterations", "10"];
const typed = (...texts: readonly string[]) =>
  texts.map((text) => ({ type: "typed", text }) as const);

async function passes(file: string, username: string, password: string): Promise<boolean> {
  const read = readPasswordFile(file, null);
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  const account = read.accounts.get(username);
  return account !== undefined && account.hash.matches(Buffer.from(password));
}

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const others = (file: string): string[] => readdirSync(path.dirname(file)).toSorted();

test("adds an account to a new file, for this user only", async () => {
  const file = place();
  const outcome = await mqttd(["passwd", file, "alice", ...cheap], { input: `${secret}\n` });
  expect(outcome).toMatchObject({
    code: 0,
    stdout:
      `added alice in ${file} (pbkdf2-sha512)\n` +
      `next: mqttd serve --set auth.passwordFile=${file}\n`,
    stderr: "",
  });
  expect(mode(file)).toBe("600");
  expect(readFileSync(file, "utf8")).toMatch(/^alice:\$7\$10\$[^$\n]{16}\$[^$\n]{88}\n$/);
  expect(await passes(file, "alice", secret)).toBe(true);
  expect(others(file)).toEqual(["passwd"]);
});

test("changes a password, and leaves the rest of the file and its mode alone", async () => {
  const before = "# lab\r\nbob:x\r\n\r\nalice:old\r\ncarol:y\r\nalice:older";
  const file = place(before, 0o640);
  const outcome = await mqttd(["passwd", file, "alice", ...cheap], { input: secret });
  expect(outcome).toMatchObject({ code: 0, stdout: `changed alice in ${file} (pbkdf2-sha512)\n` });
  const after = readFileSync(file, "utf8");
  expect(after.replace(/^alice:.*\r$/m, "alice:NEW\r")).toBe(
    "# lab\r\nbob:x\r\n\r\nalice:NEW\r\ncarol:y\r\n",
  );
  expect(mode(file)).toBe("640");
});

test("several at a time: every account is there afterwards", async () => {
  const file = place();
  const users = Array.from({ length: 12 }, (_, at) => `user${at}`);
  const outcomes = await Promise.all(
    users.map(async (user) => mqttd(["passwd", file, user, ...cheap], { input: secret })),
  );
  expect(outcomes.map(({ code }) => code)).toEqual(users.map(() => 0));
  const { stdout } = await mqttd(["passwd", file, "--list"]);
  expect(stdout.match(/^user\d+/gm)?.toSorted()).toEqual(users.toSorted());
  expect(outcomes.filter((outcome) => outcome.stdout.includes("next:"))).toHaveLength(1);
  const link = `${file}.link`;
  symlinkSync(file, link);
  const removed = await Promise.all(
    users.map(async (user, at) => mqttd(["passwd", at % 2 === 0 ? file : link, user, "--delete"])),
  );
  expect(removed.map(({ code }) => code)).toEqual(users.map(() => 0));
  expect((await mqttd(["passwd", file, "--list"])).stdout).toBe("");
  expect(others(file)).toEqual(["passwd", "passwd.link"]);
});

test("waits for the change of another process", async () => {
  const file = place("");
  writeFileSync(`${file}.lock`, "");
  let isDone = false;
  const waits = mqttd(["passwd", file, "alice", ...cheap], { input: secret }).finally(() => {
    isDone = true;
  });
  writeFileSync(file, "bob:x\n");
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  rmSync(`${file}.lock`);
  expect(await waits).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toMatch(/^bob:x\nalice:/);
});

test("a symbolic link stays one", async () => {
  const file = place("");
  const link = `${file}.link`;
  symlinkSync(file, link);
  expect(await mqttd(["passwd", link, "alice", ...cheap], { input: secret })).toMatchObject({
    code: 0,
  });
  expect(await passes(file, "alice", secret)).toBe(true);
  expect(others(file)).toEqual(["passwd", "passwd.link"]);
});

test("argon2id, and user names of any kind", async () => {
  const file = place();
  const args = ["passwd", file, "Grüße 1", "--scheme", "argon2id"];
  expect(await mqttd(args, { input: secret })).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toStartWith("Grüße 1:$argon2id$v=19$m=47104,t=1,p=1$");
  expect(await passes(file, "Grüße 1", secret)).toBe(true);
});

test("on a terminal it asks twice", async () => {
  const file = place();
  const args = ["passwd", file, "alice", ...cheap];
  const outcome = await mqttd(args, { typed: typed(secret, secret) });
  expect(outcome).toMatchObject({ code: 0, stderr: "Password of alice: Again: " });
  expect(await passes(file, "alice", secret)).toBe(true);
});

const unchanged = "alice:old\n";

const refusals: readonly [string, Parameters<typeof mqttd>[1], number, string][] = [
  ["different answers", { typed: typed("one", "two") }, 2, "the two passwords differ"],
  ["no answer", { typed: [{ type: "ended" }] }, 2, "no password was typed"],
  ["empty answers", { typed: typed("", "") }, 2, "the password is empty"],
  ["Ctrl-C", { typed: [...typed("one"), { type: "interrupted", exitCode: 130 }] }, 130, ""],
  ["empty input", { input: "\n" }, 2, "the password is empty"],
  ["two lines", { input: "a\nb\n" }, 2, "standard input holds several lines"],
  ["a password of 65,536 bytes", { input: "x".repeat(65_536) }, 2, "more than 65535 bytes"],
];

for (const [what, given, code, text] of refusals) {
  test(`after ${what} the file is unchanged`, async () => {
    const file = place(unchanged);
    const outcome = await mqttd(["passwd", file, "alice", ...cheap], given);
    expect(outcome).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(text) });
    expect(readFileSync(file, "utf8")).toBe(unchanged);
    expect(others(file)).toEqual(["passwd"]);
  });
}

test("a password among the arguments is refused, and not repeated", async () => {
  const file = place();
  for (const args of [
    [file, "alice", secret],
    ["-b", file, "alice", secret],
    [file, "alice", secret, "more"],
    [file, "alice", `--password=${secret}`],
    [file, "alice", `-P${secret}`],
  ]) {
    const { code, stdout, stderr } = await mqttd(["passwd", ...args], { input: secret });
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
    expect(stderr).not.toContain(secret);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
  expect((await mqttd(["passwd", file, "alice", secret])).stderr).toContain(
    `or: mqttd passwd ${file} alice < FILE_WITH_THE_PASSWORD`,
  );
  expect(existsSync(file)).toBe(false);
});

test("deletes an account, whatever its line holds", async () => {
  const file = place("# lab\nalice:plain\nbob:x\n");
  expect(await mqttd(["passwd", file, "alice", "--delete"])).toMatchObject({
    code: 0,
    stdout: `removed alice from ${file}\n`,
  });
  expect(readFileSync(file, "utf8")).toBe("# lab\nbob:x\n");
  expect(await mqttd(["passwd", file, "bobb", "-D"])).toMatchObject({
    code: 2,
    stderr: `mqttd: passwd: bobb has no account in ${file} (did you mean bob?)\n`,
  });
});

test("lists accounts, and names those that are quick to guess", async () => {
  const file = place();
  for (const [user, iterations] of [
    ["alice", "1000"],
    ["bob smith", "101"],
  ] as const) {
    await mqttd(["passwd", file, user, "-I", iterations], { input: secret });
  }
  expect(await mqttd(["passwd", file, "--list"])).toMatchObject({
    code: 0,
    stdout: "alice (pbkdf2-sha512)\n'bob smith' (pbkdf2-sha512, quick to guess: set it anew)\n",
  });
  writeFileSync(file, `alice:${secret}\nbob\n`);
  const { code, stderr } = await mqttd(["passwd", file, "--list"]);
  expect({ code, lines: stderr.trim().split("\n").length }).toEqual({ code: 2, lines: 2 });
  expect(stderr).not.toContain(secret);
});

test("errors in usage", async () => {
  const file = place("bob:x\n");
  const folderName = path.join(path.dirname(file), "folder");
  mkdirSync(folderName);
  const cases: readonly [readonly string[], string][] = [
    [[], "the file is missing"],
    [[file], "the user name is missing"],
    [[file, "a:b"], "a colon"],
    [[file, "#a"], "starts with #"],
    [[file, ""], "an empty user name"],
    [[file, "a", "--scheme", "sha512-pbkdf2"], "did you mean pbkdf2-sha512?"],
    [[file, "a", "--scheme", "bcrypt"], "allowed: pbkdf2-sha512, argon2id"],
    [[file, "a", "-I", "0"], "allowed: 1 to 10000000"],
    [[file, "a", "-I", "1e3"], "allowed: 1 to"],
    [[file, "a", "-H", "argon2id", "-I", "5"], "argon2id has none"],
    [[file, "a", "--create"], "exists"],
    [[file, "a", "--list"], "--list takes no user name"],
    [[file, "--list", "-D"], "--list changes nothing, and takes no --delete"],
    [[folderName, "a"], "it is not a regular file"],
    [[path.join(file, "x"), "a"], "can't"],
    [[path.join(folder, "none", "x"), "a"], "can't write"],
  ];
  for (const [args, text] of cases) {
    const { code, stderr } = await mqttd(["passwd", ...args], { input: secret });
    expect([args, code, stderr]).toEqual([args, 2, expect.stringContaining(text)]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
  expect(readFileSync(file, "utf8")).toBe("bob:x\n");
});
