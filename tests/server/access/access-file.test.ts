import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { everybody } from "../../../src/core/access-list.ts";
import {
  accessFileMax,
  parseAccessFile,
  readAccessFile,
} from "../../../src/server/access/access-file.ts";
import { accessListOf } from "../../support/access-text.ts";

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-acl-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function problemsOf(text: string): string[] {
  const parsing = parseAccessFile({ path: "f.acl", text });
  for (let next = parsing.next(); ; next = parsing.next()) {
    if (next.done !== true) continue;
    if (!("problems" in next.value)) return [];
    return next.value.problems.map(({ at, text: problem }) => `${at}: ${problem}`);
  }
}

test("users, topics, patterns and comments", () => {
  const list = accessListOf([
    "\uFEFF# a comment",
    "topic read a/#\r",
    "",
    "user  ann smith ",
    " topic\tdeny  b c ",
    "topic read",
    "pattern write %c/+",
    "user bob",
    "# topic x",
    "user ann smith",
    "topic last",
  ]);
  expect(list.size).toBe(5);
  expect(list.linesOf(null)).toEqual([
    { line: 2, text: "topic read a/#", grant: "read", filter: "a/#", user: null },
  ]);
  expect(list.linesOf("ann smith").map(({ line, grant, filter }) => [line, grant, filter])).toEqual(
    [
      [5, "deny", "b c"],
      [6, "readwrite", "read"],
      [11, "readwrite", "last"],
    ],
  );
  expect(list.linesOf("bob")).toEqual([]);
  expect(list.patterns).toEqual([
    { line: 7, text: "pattern write %c/+", grant: "write", filter: "%c/+", user: everybody },
  ]);
  expect(list.namesUsers).toBe(true);
});

/** Lines that mosquitto refuses as well, but for the last two. */
const invalid = {
  topic: "topic: the topic is missing",
  pattern: "pattern: the topic is missing",
  user: "user: the name is missing",
  "toppic read a":
    'found "toppic", allowed: user, topic, pattern or a comment (#), did you mean topic?',
  "Topic read a":
    'found "Topic", allowed: user, topic, pattern or a comment (#), did you mean topic?',
  "a/b": 'found "a/b", allowed: user, topic, pattern or a comment (#)',
  "topic a b": 'found "a", allowed: read, write, readwrite or deny, before the topic',
  "topic raed a":
    'found "raed", allowed: read, write, readwrite or deny, before the topic, did you mean read?',
  "topic read a/#/b":
    'the topic "a/#/b" is no filter: # is not the whole last level of the Topic Filter',
  "topic a+": 'the topic "a+" is no filter: + is not a whole level of the Topic Filter',
  "topic a\0b": "has a U+0000",
  "topic a\uFFFDb": "has bytes that are not UTF-8",
} as const;

test.each(Object.entries(invalid))("%j is refused", (line, problem) => {
  expect(problemsOf(`topic a\n${line}\ntopic b`)).toEqual([`f.acl:2: ${problem}`]);
});

test("all problems of a file at once", () => {
  expect(problemsOf("topic\n# fine\nuser\ntopic fine\npattern x y z")).toEqual([
    "f.acl:1: topic: the topic is missing",
    "f.acl:3: user: the name is missing",
    'f.acl:5: found "x", allowed: read, write, readwrite or deny, before the topic',
  ]);
  const many = problemsOf("x\n".repeat(1500));
  expect(many).toHaveLength(1001);
  expect(many.at(-1)).toBe("f.acl: 500 more lines are invalid");
});

describe("the file itself", () => {
  const why = (file: string): string | null => {
    const read = readAccessFile(file);
    return "problems" in read ? (read.problems[0]?.text ?? "") : null;
  };

  test("one that is missing, a folder, or too large", () => {
    inFolder((folder) => {
      const place = (name: string): string => path.join(folder, name);
      expect(why(place("none"))).toBe("can't read the access list: no such file or directory");
      mkdirSync(place("folder"));
      expect(why(place("folder"))).toBe("can't read the access list: it is not a regular file");
      writeFileSync(place("large"), new Uint8Array(accessFileMax + 1));
      expect(why(place("large"))).toBe(
        `can't read the access list: it is larger than ${accessFileMax} B`,
      );
      writeFileSync(place("fine"), "topic a\n");
      expect(why(place("fine"))).toBeNull();
    });
  });
});
