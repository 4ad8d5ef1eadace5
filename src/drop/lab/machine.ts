import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Need, Scenario } from "../scenario.ts";

/** Capabilities that a network namespace takes: CAP_NET_ADMIN and CAP_SYS_ADMIN. */
const capabilities = (1n << 12n) | (1n << 21n);
const timeoutMs = 2000;

/** What of the scenarios' needs this machine can give. Looks only for what one of them needs. */
export async function machineHas(scenarios: readonly Scenario[]): Promise<ReadonlySet<Need>> {
  const isNeeded = (need: Need): boolean => scenarios.some(({ needs }) => needs.includes(need));
  const has = new Set<Need>();
  // Everywhere; what a system's signals cannot do, its scenario says.
  has.add("child process");
  if (isNeeded("network namespace") && (await hasNamespaces())) has.add("network namespace");
  return has;
}

async function hasNamespaces(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const effective = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return (effective & capabilities) === capabilities && (await runs("ip", ["netns", "list"]));
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: timeoutMs }, (error) => resolve(error === null));
  });
}
