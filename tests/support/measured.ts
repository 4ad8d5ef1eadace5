import path from "node:path";
import { spawn } from "./child.ts";
import { environment, executable, type Folder } from "./executable.ts";
import type { Measured, MeasureOrder } from "./measure-program.ts";

const program = path.join(import.meta.dir, "measure-program.ts");

/** Runs the executable in a folder until it exits, for at most `boundMs`. */
export async function measured(
  folder: Folder,
  args: readonly string[],
  boundMs = 60_000,
): Promise<Measured> {
  const command = [executable(), ...args];
  const order: MeasureOrder = { command, cwd: folder.path, env: environment(folder), boundMs };
  await using child = spawn([process.execPath, program, JSON.stringify(order)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  // That program wrote it.
  return JSON.parse(await child.stdout.text()) as Measured;
}
