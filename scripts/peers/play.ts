import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { calledOffText } from "../../src/drop/no-verdict.ts";
import { portHolder } from "../../src/transport/port-holder.ts";
import { UsageError } from "../usage.ts";
import type { Protocol } from "./broker.ts";
import { cutShortOf, type Result, resultOf } from "./measurement.ts";
import type { RunningBroker } from "./running.ts";

export interface Played {
  readonly exitCode: number;
  readonly results: Result[];
  /** Null: it played to its end. */
  readonly cutShort: string | null;
  /** The first line that is not a result: the reason if there are none. */
  readonly said: string;
}

/** The limit of a run; the longest takes a few minutes. */
const limitMs = 20 * 60_000;

/** The output of `mqttd --version` without the name. Throws UsageError. */
export function versionOf(mqttd: string): string {
  const { stdout, error } = spawnSync(mqttd, ["--version"], { encoding: "utf8" });
  if (error !== undefined) throw new UsageError(`${mqttd}: ${error.message}`);
  return stdout.trim().replace(/^mqttd /, "");
}

/** The scenarios of an executable, in its own order. */
function scenariosOf(mqttd: string): string[] {
  const { stdout } = spawnSync(mqttd, ["simulate-drop", "--list", "--json"], { encoding: "utf8" });
  return stdout
    .split("\n")
    .flatMap((line) => /^{"type":"scenario","id":"([^"]+)"/.exec(line)?.[1] ?? []);
}

/** Runs `mqttd simulate-drop` with these arguments against a broker; results in the order of its list. */
export async function playDrops(
  mqttd: string,
  { url, port }: RunningBroker,
  protocol: Protocol,
  args: readonly string[],
): Promise<Played> {
  const pid = portHolder("0.0.0.0", port)?.pid;
  const own = pid === undefined ? [] : ["--broker-pid", `${pid}`];
  const command = ["simulate-drop", ...args, ...own, "--json", "--url", url, "-V", protocol];
  const child = spawn(mqttd, command, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs });
  const gone = once(child, "close");
  const end = (): void => void child.kill("SIGTERM");
  process.once("exit", end);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const results: Result[] = [];
  let cutShort: string | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    cutShort ??= cutShortOf(line);
    const result = resultOf(line);
    // Scenarios that were called off were not played.
    if (result !== null && result.detail !== calledOffText) results.push(result);
  }
  await gone;
  const order = scenariosOf(mqttd);
  results.sort((one, other) => order.indexOf(one.id) - order.indexOf(other.id));
  process.off("exit", end);
  return { exitCode: child.exitCode ?? 128, results, cutShort, said: said.split("\n")[0] ?? "" };
}
