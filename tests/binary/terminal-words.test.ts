import { expect, test } from "bun:test";
import { width } from "../../src/log/columns.ts";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder } from "../support/executable.ts";

/** What `mqttd` writes on a terminal of its own until it ends, in lines; `until`: then it gets Ctrl-C. */
async function onTerminal(
  folder: Folder,
  columns: number,
  args: readonly string[],
  until: string | null = null,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const decoder = new TextDecoder();
  const closed = Promise.withResolvers<void>();
  let output = "";
  await using child = spawn([executable(), ...args], {
    cwd: folder.path,
    env: { ...environment(folder), TERM: "xterm-256color", NO_COLOR: "1" },
    terminal: {
      cols: columns,
      rows: 24,
      data: (terminal, bytes) => {
        const before = until !== null && output.includes(until);
        output += decoder.decode(bytes, { stream: true });
        if (until !== null && !before && output.includes(until)) terminal.write("\u0003");
      },
      exit: () => closed.resolve(),
    },
  });
  const code = await child.exited;
  await closed.promise;
  return { code, lines: output.split("\r\n") };
}

const listeners = [
  { port: 0 },
  { port: 0, transport: "ws" },
  { port: 0, host: "0.0.0.0" },
  { transport: "unix", path: "mqttd.sock" },
];

test.each([40, 80])("no line of an error is wider than %d columns", async (columns) => {
  using folder = new Folder();
  for (const args of [
    ["pub", "-t", "a"],
    ["certs", "--client", "no name"],
    ["simulate-drop", "--embedded", "--no-such-flag"],
    ["serve", "--lan", "--config", "no-such-file-in-this-folder.json"],
    ["config", "check", "--set", "limits.packetSize=none"],
  ]) {
    const { code, lines } = await onTerminal(folder, columns, args);
    expect(code, args.join(" ")).toBe(2);
    expect(lines.join("")).toStartWith("mqttd: ");
    for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(columns);
  }
});

test("serve with many listeners names them in the terminal's width", async () => {
  using folder = new Folder({ "mqttd.json": JSON.stringify({ listeners, admin: { port: 0 } }) });
  const { code, lines } = await onTerminal(folder, 60, ["serve"], "is listening on");
  expect(code).toBe(0);
  // A word that is too long stays whole: the socket's path is as long as the temporary folder's.
  for (const line of lines.filter((text) => text.trim().includes(" ")))
    expect(width(line), line).toBeLessThanOrEqual(60);
  const told = lines.join(" ").replaceAll(/ +/g, " ");
  expect(told).toMatch(/listening on mqtt:\/\/127\.0\.0\.1:\d+, .*ws:\/\/.*mqtt\+unix:\/\/\//);
});
