import { expect, test } from "bun:test";
import path from "node:path";
import { spawn } from "../../support/child.ts";

const script = path.resolve(import.meta.dir, "../../../scripts/peers.ts");

/** Runs the script with an existing executable: these runs play nothing. */
async function peers(...args: string[]) {
  const command = [process.execPath, script, "--mqttd", process.execPath, ...args];
  await using child = spawn(command, { stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

for (const [args, said] of [
  [["--only", "nobody"], "no such broker is installed"],
  [["--url", "mqtt://localhost:1884"], '--url is "NAME VERSION=URL", not mqtt://localhost:1884'],
  [["--only", "mqttd", "--runs", "0"], "expected a whole number above 0, not 0"],
  [["--first", "--busy"], "--first would keep the load of --busy from them"],
  [["--protocol", "4"], "--protocol takes 3.1.1 or 5, not 4"],
  [["--mqttd", "no/such/file"], "no/such/file: "],
] as const) {
  test.concurrent(`${args.join(" ")}: exit code 2, a line with the reason`, async () => {
    const { code, stdout, stderr } = await peers(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).toEndWith(" (--help)\n");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
}
