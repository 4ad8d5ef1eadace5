import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import path from "node:path";

/**
 * The command `mqttd` of the npm package: starts the executable of the package for this platform, or,
 * where there is none, the program in this runtime. It imports nothing else of mqttd, so that it runs
 * in old Nodes.
 */

/** The oldest Node in which the program itself is tested. */
const oldestNode = 24;
const passedOn = ["SIGHUP", "SIGTERM", "SIGUSR1"] as const;

const file = installedExecutable();
if (file !== null) start(file);
else if (isTooOld()) {
  console.error(
    `mqttd: no executable for ${platformNames().join(" or ")} is installed, and mqttd itself needs ` +
      `Node ${oldestNode}; this is Node ${process.versions.node}`,
  );
  process.exitCode = 2;
} else await import(new URL("./cli.js", import.meta.url).href);

/** One beside this file (a build of this machine), or of an npm package; null: there is none. */
function installedExecutable(): string | null {
  const require = createRequire(import.meta.url);
  const name = process.platform === "win32" ? "mqttd.exe" : "mqttd";
  const beside = path.join(import.meta.dirname, name);
  if (existsSync(beside)) return beside;
  for (const platform of platformNames()) {
    try {
      return path.join(path.dirname(require.resolve(`@mqttd/${platform}/package.json`)), name);
    } catch {
      // Not installed.
    }
  }
  return null;
}

/** Names of packages, the likelier first: an npm that knows no libc installs both of Linux. */
function platformNames(): string[] {
  const { platform, arch } = process;
  if (platform !== "linux") return [`${platform === "win32" ? "windows" : platform}-${arch}`];
  const names = [`linux-${arch}`, `linux-${arch}-musl`];
  return hasGlibc() ? names : names.reverse();
}

function hasGlibc(): boolean {
  // Deno has no report.
  const report: unknown = process.report?.getReport?.();
  if (typeof report !== "object" || report === null || !("header" in report)) return true;
  const { header } = report;
  return typeof header === "object" && header !== null && "glibcVersionRuntime" in header;
}

function isTooOld(): boolean {
  if (process.versions["bun"] !== undefined || process.versions["deno"] !== undefined) return false;
  return Number(process.versions.node.split(".", 1)[0]) < oldestNode;
}

/** Becomes the executable, where Node can do that; else waits for it, and ends as it does. */
function start(file: string): void {
  const args = process.argv.slice(2);
  if (process.platform !== "win32" && typeof process.execve === "function") {
    // Silences the warning that the call is experimental.
    process.removeAllListeners("warning");
    process.execve(file, [file, ...args], definedOf(process.env));
  }
  const child = spawn(file, args, { stdio: "inherit" });
  // Not by child.kill: Deno then takes every end for one by that signal.
  const passOn = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(child.pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  for (const signal of passedOn) process.on(signal, passOn);
  // A terminal sends Ctrl-C to both; whoever sends it to this process alone means both, too.
  process.on("SIGINT", () => {
    if (!process.stdin.isTTY) passOn("SIGINT");
  });
  child.on("error", (error) => {
    console.error(`mqttd: ${file} can't be started: ${error.message}`);
    process.exitCode = 70;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
