import { UsageError } from "../usage.ts";

/** A platform for which there is an executable. */
export interface Target {
  /** As in the names of the files: `linux-x64-musl`. */
  readonly name: string;
  readonly compile: Bun.Build.CompileTarget;
  /** The npm package that has Bun's executable for it. */
  readonly runtime: string;
  /** In npm's words. */
  readonly os: "linux" | "darwin" | "win32";
  readonly cpu: "x64" | "arm64";
  /** Null: the system has only one. */
  readonly libc: "glibc" | "musl" | null;
}

export const targets: readonly Target[] = [
  linux("x64", "glibc"),
  linux("arm64", "glibc"),
  linux("x64", "musl"),
  linux("arm64", "musl"),
  other("darwin", "x64"),
  other("darwin", "arm64"),
  other("win32", "x64"),
];

/** What a dry run builds: one that runs where releases are made, and one with a signature. */
export const dryTargets: readonly string[] = ["linux-x64", "darwin-arm64"];

/** Throws UsageError. */
export function targetNamed(name: string): Target {
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `--only ${name}: expected one of ${targets.map(({ name }) => name).join(", ")}`,
  );
}

export function executableName({ os }: Target): string {
  return os === "win32" ? "mqttd.exe" : "mqttd";
}

function linux(cpu: Target["cpu"], libc: "glibc" | "musl"): Target {
  const suffix = libc === "musl" ? "-musl" : "";
  return {
    name: `linux-${cpu}${suffix}`,
    compile: `bun-linux-${cpu}${suffix}`,
    runtime: `@oven/bun-linux-${bunCpu(cpu)}${suffix}`,
    ...{ os: "linux", cpu, libc },
  };
}

function other(os: "darwin" | "win32", cpu: Target["cpu"]): Target {
  const name = `${os === "win32" ? "windows" : os}-${cpu}` as const;
  const runtime = `@oven/bun-${os === "win32" ? "windows" : os}-${bunCpu(cpu)}`;
  return { name, compile: `bun-${name}`, runtime, os, cpu, libc: null };
}

function bunCpu(cpu: Target["cpu"]): string {
  return cpu === "arm64" ? "aarch64" : cpu;
}
