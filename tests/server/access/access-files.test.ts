import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ListenerSettings } from "../../../src/config/settings.ts";
import { AccessFiles } from "../../../src/server/access/access-files.ts";

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

const noPause = async (): Promise<void> => {};

test("a file that has not changed keeps its list; one that is invalid puts none in force", async () => {
  await inFolder(async (folder) => {
    const [a, b] = ["a", "b"].map((name) => path.join(folder, name)) as [string, string];
    writeFileSync(a, "topic a\n");
    writeFileSync(b, "topic b\n");
    const files = new AccessFiles();
    const listeners = [listener(a), listener(null), listener(b), listener(a)];
    const first = await files.read(listeners, noPause);
    if ("problems" in first) throw new Error("they are valid");
    expect([...first.byListener.keys()]).toEqual(["listeners.0", "listeners.2", "listeners.3"]);
    expect(first.byListener.get("listeners.3")).toBe(first.byListener.get("listeners.0"));
    expect(first.changed.map(({ lines }) => lines)).toEqual([1, 1]);
    first.apply();
    writeFileSync(b, "topic b\ntopic c\n");
    const second = await files.read(listeners, noPause);
    if ("problems" in second) throw new Error("they are valid");
    expect(second.byListener.get("listeners.0")).toBe(first.byListener.get("listeners.0"));
    expect(second.changed).toEqual([{ file: b, lines: 2 }]);
    writeFileSync(a, "tropic\n");
    writeFileSync(b, "user\n");
    expect(await files.read(listeners, noPause)).toMatchObject({
      problems: [{ at: `${a}:1` }, { at: `${b}:1` }],
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
    const read = await new AccessFiles().read([listener(file)], async () => {
      pauses += 1;
    });
    expect("problems" in read).toBe(false);
    expect(pauses).toBeGreaterThan(10);
  });
});

test("lines for user names that nothing checks are a warning", async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, "users");
    writeFileSync(file, "user ann\ntopic a\n");
    const read = await new AccessFiles().read([listener(file), listener(file, "passwd")], noPause);
    expect("warnings" in read ? read.warnings : []).toEqual([
      `listeners.0 (port 1883): ${file} has lines for user names, which any client may claim, since ` +
        "no password file checks them; create one: mqttd passwd FILE USER",
    ]);
  });
});
