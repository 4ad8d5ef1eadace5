import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openAccess } from "../../../src/core/access.ts";
import type { ListenerSettings } from "../../../src/config/settings.ts";
import { AccessFiles, accessListName } from "../../../src/server/access/access-files.ts";

function listener(aclFile: string | null, passwordFile: string | null = null): ListenerSettings {
  return {
    ...{ transport: "tcp", path: null, tls: null, webSocket: null, port: 1883, host: null },
    ...{
      allowAnonymous: true,
      passwordFile,
      aclFile,
      mountPoint: "",
      connections: Infinity,
      proxies: null,
    },
  };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-acl-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const noAccounts = (): undefined => undefined;
const namedByNothing = (): null => null;
const noPause = async (): Promise<void> => {};

test("a file that has not changed keeps its list; one that is invalid puts none in force", async () => {
  await inFolder(async (folder) => {
    const [a, b] = ["a", "b"].map((name) => path.join(folder, name)) as [string, string];
    writeFileSync(a, "topic a\n");
    writeFileSync(b, "topic b\n");
    const files = new AccessFiles();
    const listeners = [listener(a), listener(null), listener(b), listener(a)];
    const first = await files.read(listeners, noAccounts, noPause, namedByNothing);
    if ("problems" in first) throw new Error("they are valid");
    expect([...first.byListener.keys()]).toEqual(["listeners.0", "listeners.2", "listeners.3"]);
    expect(first.byListener.get("listeners.3")).toBe(first.byListener.get("listeners.0"));
    expect(first.changed.map(({ lines }) => lines)).toEqual([1, 1]);
    first.apply();
    writeFileSync(b, "topic b\ntopic c\n");
    const second = await files.read(listeners, noAccounts, noPause, namedByNothing);
    if ("problems" in second) throw new Error("they are valid");
    expect(second.byListener.get("listeners.0")).toBe(first.byListener.get("listeners.0"));
    expect(second.changed).toEqual([{ file: b, lines: 2 }]);
    writeFileSync(a, "tropic\n");
    writeFileSync(b, "user\n");
    expect(await files.read(listeners, noAccounts, noPause, namedByNothing)).toMatchObject({
      // A long path is cut.
      problems: [
        { at: expect.stringMatching(/:1$/), text: expect.stringContaining('found "tropic"') },
        { at: expect.stringMatching(/:1$/), text: "user: the name is missing" },
      ],
    });
  });
});

test("a long file gives the loop back many times", async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, "long");
    writeFileSync(
      file,
      Array.from({ length: 100_000 }, (_, place) => `topic t/${place}/+`).join("\n"),
    );
    let pauses = 0;
    const read = await new AccessFiles().read(
      [listener(file)],
      noAccounts,
      async () => {
        pauses += 1;
      },
      namedByNothing,
    );
    expect("problems" in read).toBe(false);
    expect(pauses).toBeGreaterThan(10);
  });
});

test("lines for user names that nothing checks are a warning", async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, "users");
    writeFileSync(file, "user ann\ntopic a\n");
    const listeners = [listener(file), listener(file, "passwd")];
    const read = await new AccessFiles().read(listeners, noAccounts, noPause, namedByNothing);
    expect("warnings" in read ? read.warnings : []).toEqual([
      `listeners.0 (port 1883): ${file} has lines for user names, which any client may claim, since ` +
        "no password file checks them; create one: mqttd passwd FILE USER",
    ]);
  });
});

describe("what is valid, in mosquitto too, but hardly meant", () => {
  const odd = [
    "topic read",
    "topic read dev/%c/x",
    "topic a/50%/b",
    "user anm",
    "topic deny",
    "pattern write",
    "pattern read dev/%d/x",
    "pattern read news/#",
    "pattern %C/%c",
    "user bob",
    "topic b",
    "topic read",
    "pattern readwrite news/+",
  ];
  const accounts: ReadonlyMap<string, ReadonlyMap<string, null>> = new Map([
    ["pw", new Map([...["ann", "bob"].map((name) => [name, null] as const)])],
    ["other", new Map([["anm", null]])],
  ]);

  const reading = async (
    folder: string,
    lines: readonly string[],
    passwordFiles: readonly (string | null)[],
  ) => {
    const file = path.join(folder, "lab");
    writeFileSync(file, lines.join("\n"));
    const files = new AccessFiles();
    const listeners = passwordFiles.map((passwordFile) => listener(file, passwordFile));
    const read = await files.read(listeners, (one) => accounts.get(one), noPause, namedByNothing);
    if ("problems" in read) throw new Error("they are valid");
    read.apply();
    const list = read.byListener.get(accessListName(0));
    if (list === undefined) throw new Error("the listener has a list");
    const short = (text: string): string => text.replaceAll(file, "lab");
    return {
      warnings: read.warnings.map(short),
      /** Of `inspect acl`, for one topic. */
      asked: (username: string | null, topic: string) => {
        const verdict = list.rightsOf({ clientId: "c", username }).verdict("read", topic);
        return files.warningsFor(list, username, [verdict]).map(short);
      },
      open: files.warningsFor(openAccess, "ann", [{ allowed: false, rule: null }]),
    };
  };

  test("a warning for each kind, with all its lines", async () => {
    await inFolder(async (folder) => {
      const { warnings } = await reading(folder, odd, ["pw"]);
      expect(warnings).toEqual([
        "lab:1 'topic read' allows to read and write a topic of that name: the topic after it is " +
          "missing (also lines 5, 6, 12)",
        "lab:2 'topic read dev/%c/x' takes %c and %u for themselves: only pattern lines fill them in",
        "lab:7 'pattern read dev/%d/x' has a placeholder that is none: %c is the client id, %u the " +
          "user name (also line 9)",
        "lab:8 'pattern read news/#' is for every client: it has neither %c nor %u (also line 13)",
        "lab:4 'user anm' has no account in pw, did you mean ann?",
      ]);
    });
  });

  test("many lines and many users are counted", async () => {
    await inFolder(async (folder) => {
      const users = Array.from({ length: 12 }, (_, place) => `user u${place}x${place}`);
      const lines = users.flatMap((user) => [user, "topic deny"]);
      const { warnings } = await reading(folder, lines, ["pw"]);
      expect(warnings).toHaveLength(12);
      expect(warnings[0]).toEndWith("(also lines 4, 6, 8, 10, 12, 6 more)");
      expect(warnings.at(-1)).toBe("lab: 2 more users have no account");
    });
  });

  test("a user may have its account in the password file of any listener with the list", async () => {
    await inFolder(async (folder) => {
      const warned = async (...passwordFiles: (string | null)[]) =>
        (await reading(folder, ["user anm", "topic a"], passwordFiles)).warnings;
      expect(await warned("pw", "other")).toEqual([]);
      expect(await warned("other")).toEqual([]);
      // Nothing checks them: that is another warning.
      expect((await warned("pw", null)).join("\n")).not.toContain("has no account");
    });
  });

  test("inspect acl gets those that may be behind its answer", async () => {
    await inFolder(async (folder) => {
      const { asked, open } = await reading(folder, odd, ["pw"]);
      const kinds = (warnings: readonly string[]) => warnings.map((text) => text.split(" ")[0]);
      // Denied: its own lines, those of all, and a user who was probably meant.
      expect(kinds(asked("ann", "x"))).toEqual(["lab:6", "lab:7", "lab:4"]);
      expect(kinds(asked("bob", "x"))).toEqual(["lab:6", "lab:7"]);
      expect(kinds(asked(null, "x"))).toEqual(["lab:1", "lab:2", "lab:7"]);
      // Allowed: the line that decides.
      expect(asked("bob", "b")).toEqual([]);
      expect(kinds(asked("bob", "news/a"))).toEqual(["lab:8"]);
      expect(open).toEqual([]);
    });
  });
});
