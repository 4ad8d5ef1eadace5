import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Identity } from "../compile.ts";
import { run } from "./run.ts";
import type { Target } from "./targets.ts";

/** How an executable is started on this machine. */
export interface Starter {
  /** What comes before the executable. */
  readonly command: readonly string[];
  readonly words: string;
}

/** Where Debian's libc6-arm64-cross has what an executable for arm64 loads. */
const arm64Libraries = "/usr/aarch64-linux-gnu";
/** For each step; emulation is slow. */
const stepMs = 120_000;
/** For the broker, which has to be there for four of them. */
const serveMs = 4 * stepMs;

/** Null, with the reason: an executable for this target can't be started here. */
export function starterFor({ os, cpu, libc, name }: Target): Starter | string {
  if (os !== process.platform) return `no ${name} machine here`;
  if (libc === "musl") {
    return existsSync("/etc/alpine-release") && cpu === process.arch
      ? { command: [], words: "started" }
      : "no musl system here";
  }
  if (cpu === process.arch) return { command: [], words: "started" };
  const emulator = Bun.which("qemu-aarch64-static") ?? Bun.which("qemu-aarch64");
  if (cpu !== "arm64" || emulator === null) return "no qemu-user here";
  if (!existsSync(arm64Libraries)) return `qemu-user is here, ${arm64Libraries} is not`;
  return {
    command: [emulator, "-L", arm64Libraries],
    words: "started under qemu-user",
  };
}

/**
 * Starts it: it says its version, serves, takes a retained message, hands it to a subscriber, and stops
 * on SIGTERM with exit code 0. Throws an Error that says which of these failed.
 */
export async function tryExecutable(
  file: string,
  { command }: Starter,
  { version, commit }: Identity,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-trial-"));
  const own = { HOME: folder, MQTTD_RUN_DIR: path.join(folder, "run") };
  const options = { cwd: folder, env: own, timeoutMs: stepMs };
  const mqttd = async (...words: string[]): Promise<string> =>
    run([...command, file, ...words], options);
  try {
    const said = await mqttd("--version");
    if (said !== `mqttd ${version} (commit ${commit})\n`) throw new Error(`it says: ${said}`);
    const ready = path.join(folder, "ready");
    const serve = ["serve", "--port", "0", "--ready-file", ready, "--set", "admin.port=off"];
    const broker = Bun.spawn([...command, file, ...serve], {
      cwd: folder,
      env: { ...process.env, ...own },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: serveMs,
      killSignal: "SIGKILL",
    });
    try {
      const [url = ""] = (await written(ready, broker)).split("\n");
      await mqttd("pub", "--url", url, "-t", "trial", "-m", version, "-r");
      const got = await mqttd("sub", "--url", url, "-t", "trial", "-C", "1", "-W", "60");
      if (got !== `${version}\n`) throw new Error(`sub printed: ${got}`);
      broker.kill("SIGTERM");
      if ((await broker.exited) !== 0) throw new Error(`serve ended with ${broker.exitCode}`);
    } finally {
      broker.kill("SIGKILL");
      await broker.exited;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The content of the ready file, once `serve` has written it. */
async function written(file: string, broker: Bun.Subprocess<"ignore", "ignore", "pipe">) {
  const begin = performance.now();
  while (!existsSync(file)) {
    if (broker.exitCode !== null) throw new Error(`serve: ${await broker.stderr.text()}`);
    if (performance.now() - begin > stepMs) throw new Error("serve does not get ready");
    await Bun.sleep(20);
  }
  return Bun.file(file).text();
}
