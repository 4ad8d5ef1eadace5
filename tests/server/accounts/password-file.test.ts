import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readPasswordFile } from "../../../src/server/accounts/password-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-accounts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hash = (n: number): string => {
  const salt = Buffer.alloc(12, n).toString("base64");
  return `$7$1$${salt}$${Buffer.alloc(64, n).toString("base64")}`;
};

function file(text: string | Uint8Array, mode = 0o600): string {
  const name = path.join(mkdtempSync(path.join(folder, "f-")), "passwd");
  writeFileSync(name, text);
  chmodSync(name, mode);
  return name;
}

function read(name: string, before: Parameters<typeof readPasswordFile>[1] = null) {
  const found = readPasswordFile(name, before);
  if ("problems" in found) throw new Error(JSON.stringify(found.problems));
  return found;
}

function problems(name: string): string[] {
  const found = readPasswordFile(name, null);
  if (!("problems" in found)) throw new Error("it was read");
  return found.problems.map(({ at, text }) => `${at.replace(name, "FILE")}: ${text}`);
}

test("comments, blank lines, CRLF, a byte order mark and any user name are read", () => {
  const text = `\uFEFF# accounts\r\n\r\nalice:${hash(1)}\r\n  \r\n#bob:x\r\nGrüße 1:${hash(2)}  `;
  const { accounts, warnings } = read(file(text));
  expect([...accounts.keys()]).toEqual(["alice", "Grüße 1"]);
  expect(warnings).toEqual([]);
  expect(read(file("")).accounts.size).toBe(0);
});

test("all problems are reported, by their lines, and no password is quoted", () => {
  const name = file(
    [
      `alice:${hash(1)}`,
      "bob:swordfish",
      "swordfish",
      "carol:",
      `:${hash(1)}`,
      `alice:${hash(2)}`,
      "dave:$7$swordfish",
    ].join("\n"),
  );
  expect(problems(name)).toEqual([
    "FILE:2: bob has a password that is not hashed ($6$, $7$ or $argon2id$); set it anew with mqttd passwd",
    "FILE:3: has no colon (its form is user:hash)",
    "FILE:4: carol has no password; set one with mqttd passwd",
    "FILE:5: has an empty user name",
    "FILE:6: alice has an account in line 1 already",
    "FILE:7: dave has a damaged hash (its form is $7$iterations$salt$hash); set it anew with mqttd passwd",
  ]);
});

test("a file that is missing, a folder, or too large is one problem", () => {
  const missing = path.join(folder, "missing");
  expect(problems(missing)).toEqual([
    "FILE: can't read the password file: no such file or directory (mqttd passwd creates one)",
  ]);
  const directory = path.join(folder, "directory");
  mkdirSync(directory);
  expect(problems(directory)).toEqual([
    "FILE: can't read the password file: it is not a regular file",
  ]);
  expect(problems(file(new Uint8Array(4 * 1024 * 1024 + 1).fill(0x23)))).toEqual([
    "FILE: can't read the password file: it is larger than 4194304 B",
  ]);
});

test("a user name that is not UTF-8 can't match any CONNECT, and is a problem", () => {
  const name = file(Buffer.concat([Buffer.from([0x61, 0xff]), Buffer.from(`:${hash(1)}`)]));
  expect(problems(name)).toEqual(["FILE:1: has a user name that is not UTF-8"]);
});

test("a file that every user of the machine can read or write is a warning", () => {
  const risks = (mode: number) => read(file(`alice:${hash(1)}\n`, mode)).warnings;
  expect(risks(0o640)).toEqual([]);
  expect(risks(0o644)).toEqual([
    expect.stringMatching(/^the password file \S+ is readable by every user .*: chmod o= \S+$/),
  ]);
  expect(risks(0o666)).toEqual([expect.stringContaining("is writable by every user")]);
});

test("read again, accounts with the same line stay the same objects", () => {
  const name = file(`alice:${hash(1)}\nbob:${hash(2)}\n`);
  const before = read(name);
  writeFileSync(name, `bob:${hash(3)}\n# moved\nalice:${hash(1)}\n`);
  const after = read(name, before);
  expect(after.accounts.get("alice")).toBe(before.accounts.get("alice") as never);
  expect(after.accounts.get("bob")).not.toBe(before.accounts.get("bob") as never);
});
