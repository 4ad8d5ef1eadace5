import { expect, test } from "bun:test";
import { chmodSync, chownSync, readFileSync, symlinkSync } from "node:fs";
import { type OwnFileRules, readOwnFile, tokenRules } from "../../src/api/own-file.ts";
import { processStart } from "../../src/api/process-start.ts";
import { spawn, spawnSync } from "../support/child.ts";
import { Folder } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

const isWindows = process.platform === "win32";
const isRoot = process.geteuid?.() === 0;

/** The content of a file, or why it is not read. */
function read(folder: Folder, name: string, rules: Partial<OwnFileRules> = {}): string {
  try {
    return readOwnFile(folder.file(name), { ...tokenRules, ...rules });
  } catch (error) {
    return String(error).replaceAll(folder.path, "FOLDER");
  }
}

function secret(text = "correct-horse\n"): Folder {
  const folder = new Folder({ secret: text });
  chmodSync(folder.file("secret"), 0o600);
  return folder;
}

test("a plain file of the same user", () => {
  using folder = secret();
  expect(read(folder, "secret")).toBe("correct-horse\n");
});

test.skipIf(isWindows)("a file that others can read is no secret", () => {
  using folder = secret();
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(folder.file("secret"), mode);
    expect(read(folder, "secret")).toBe("OwnFileError: is readable by other users");
    expect(read(folder, "secret", { isSecret: false })).toBe("correct-horse\n");
  }
});

test.skipIf(!isRoot)("a file of another user is not trusted", () => {
  using folder = secret();
  chownSync(folder.file("secret"), 12_345, 12_345);
  expect(read(folder, "secret")).toBe("OwnFileError: belongs to another user");
});

test("a file above the limit is not read", () => {
  using folder = secret("x".repeat(tokenRules.maxBytes + 1));
  expect(read(folder, "secret")).toBe(`OwnFileError: is larger than ${tokenRules.maxBytes} bytes`);
  expect(read(folder, "secret", { maxBytes: tokenRules.maxBytes + 1 })).toHaveLength(
    tokenRules.maxBytes + 1,
  );
});

test.skipIf(isWindows)("a pipe, a folder, a device: none blocks", () => {
  using folder = secret();
  spawnSync(["mkfifo", folder.file("pipe")]);
  symlinkSync("/dev/zero", folder.file("zero"));
  symlinkSync(folder.path, folder.file("folder"));
  for (const name of ["pipe", "zero", "folder"]) {
    expect(read(folder, name)).toBe("OwnFileError: is not a regular file");
  }
});

test.skipIf(isWindows)(
  "a link is followed if the user named it, and not in the program's own paths",
  () => {
    using folder = secret();
    symlinkSync("secret", folder.file("link"));
    expect(read(folder, "link")).toBe("correct-horse\n");
    expect(read(folder, "link", { isNamedByUs: true })).toContain("ELOOP");
  },
);

test.skipIf(process.platform !== "linux")(
  "the start time of a process distinguishes it from another",
  async () => {
    await using another = spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
    const own = processStart(process.pid);
    expect(own).toMatch(/^[\da-f-]{36} \d+$/);
    expect(processStart(process.pid)).toBe(own);
    expect(processStart(another.pid)).not.toBe(own);
    another.kill("SIGKILL");
    await another.exited;
    expect(processStart(another.pid)).toBeNull();
  },
);

test.skipIf(process.platform !== "linux")("a zombie does not count as running", async () => {
  // The shell becomes a program that never waits for its child. Only then is the child told to end.
  await using parent = spawn(["sh", "-c", "exec 3<&0; cat <&3 & echo $!; exec sleep 1000 3<&-"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(Buffer.from(value ?? []).toString());
  await eventually(
    () => readFileSync(`/proc/${parent.pid}/comm`, "utf8") === "sleep\n",
    () => "the shell goes on",
  );
  await parent.stdin.end();
  await eventually(
    () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "),
    () => "it is no zombie",
  );
  expect(processStart(pid)).toBeNull();
});
