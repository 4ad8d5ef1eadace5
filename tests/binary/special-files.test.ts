import { expect, test } from "bun:test";
import { chmodSync, symlinkSync } from "node:fs";
import { spawnSync } from "../support/child.ts";
import { executable, Folder, run } from "../support/executable.ts";

// Pipes, devices and links in place of a plain file: one line and exit code 2, and never a wait for
// a writer.

const isWindows = process.platform === "win32";

/** A folder with named pipes that have no writer. */
function withPipes(...names: readonly string[]): Folder {
  const folder = new Folder();
  const { exitCode } = spawnSync(["mkfifo", ...names.map((name) => folder.file(name))]);
  expect(exitCode).toBe(0);
  return folder;
}

const serve = ["serve", "--port", "0", "--set", "admin.port=0"];
const noToken =
  "mqttd: --set admin.tokenFile: the token file pipe is not a regular file (set admin.tokenFile to a file of your own; mqttd creates a missing file)\n";
const noPlace =
  "it exists and is not a plain file (name a file in a folder that exists and is writable)\n";

test.skipIf(isWindows).each([
  ["a token file", [...serve, "--set", "admin.tokenFile=pipe"], noToken],
  ["a token file that is checked", ["serve", "-t", "--set", "admin.tokenFile=pipe"], noToken],
  [
    "a token file of inspect",
    ["inspect", "--admin", "1", "--token-file", "pipe"],
    'mqttd: the token file "pipe" is not a regular file\n',
  ],
  [
    "a ready file",
    [...serve, "--ready-file", "pipe"],
    `mqttd: can't write the ready file pipe: ${noPlace}`,
  ],
  [
    "a report",
    ["simulate-drop", "--embedded", "rst", "--junit", "pipe"],
    `mqttd: can't write pipe: ${noPlace}`,
  ],
  [
    "a configuration",
    ["serve", "-t", "-c", "pipe"],
    "mqttd: pipe: is empty; the smallest configuration is {}\n",
  ],
  ["packets", ["inspect", "packet", "pipe"], "mqttd: packet: pipe is empty\n"],
])("a pipe as %s", async (_, args, stderr) => {
  using folder = withPipes("pipe");
  expect(await run(folder, args)).toEqual({ code: 2, stdout: "", stderr });
  expect(folder.names()).toEqual(["pipe"]);
});

test.skipIf(isWindows)("a ready file replaces no link, whatever its target", async () => {
  using folder = new Folder({ target: "mine\n" });
  symlinkSync("target", folder.file("link"));
  symlinkSync("/dev/null", folder.file("device"));
  for (const name of ["link", "device"]) {
    expect(await run(folder, [...serve, "--ready-file", name])).toMatchObject({ code: 2 });
  }
  expect(folder.text("target")).toBe("mine\n");
  expect(folder.names()).toEqual(["device", "link", "target"]);
});

test.skipIf(isWindows)("a token file that is valid, or missing, passes the check", async () => {
  using folder = new Folder({ right: "correct-horse\n", open: "correct-horse\n" });
  chmodSync(folder.file("right"), 0o600);
  chmodSync(folder.file("open"), 0o644);
  const check = async (name: string): Promise<number | null> =>
    (await run(folder, ["serve", "-t", "--set", `admin.tokenFile=${name}`])).code;
  const codes = [
    await check("right"),
    await check("new"),
    await check("open"),
    await check("no/x"),
  ];
  expect(codes).toEqual([0, 0, 2, 2]);
  // Serving creates it.
  expect(folder.names()).toEqual(["open", "right"]);
});

test.skipIf(isWindows)("a configuration through a slow pipe", async () => {
  using folder = withPipes("pipe");
  // The slow writer's own rhythm: longer than a program takes that reads only what is there.
  const through = '(sleep 0.3; printf "{"; sleep 0.3; echo "}") > pipe & exec "$0" "$@"';
  const ended = await run(folder, ["serve", "-t", "-c", "pipe"], { through });
  expect(ended).toEqual({ code: 0, stdout: "ok: pipe\n", stderr: "" });
  const substituted = spawnSync(
    ["bash", "-c", '"$0" serve -t -c <(echo "{ // by a program"; echo "}")', executable()],
    folder.path,
  );
  expect([substituted.stderr.toString(), substituted.stdout.toString()]).toEqual([
    "",
    expect.stringMatching(/^ok: \/dev\/fd\/\d+\n$/),
  ]);
});
