import { readdirSync, readFileSync } from "node:fs";
import type { RunningBroker } from "../api/api.ts";
import { clause, name } from "../log/foreign.ts";
import { type Finding, ok, unknown } from "./doctor-finding.ts";

/** A program that may be a broker. */
export interface BrokerProcess {
  readonly pid: number;
  readonly name: string;
}

/** Their commands, or words in the command line of the runtime that plays them. */
const programs = ["mosquitto", "nanomq", "flashmq", "rumqttd", "mochi", "bifromq", "vernemq"];
const played =
  /\b(?:hivemq|moquette|artemis|activemq|emqx|vernemq|ejabberd|rabbitmq|aedes|amqtt|hbmqtt)\b/i;
const runtimes = /^(?:java|beam\.smp|node|python3?)$/;

/** Other vendors' brokers among the processes of this machine; null: only Linux shows them. */
export function brokerProcesses(): BrokerProcess[] | null {
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  } catch {
    return null;
  }
  return entries.flatMap((entry) => {
    try {
      const command = readFileSync(`/proc/${entry}/comm`, "utf8").trim();
      const found = brokerName(command, () => readFileSync(`/proc/${entry}/cmdline`, "utf8"));
      return found === null ? [] : [{ pid: Number(entry), name: found }];
    } catch {
      // It has ended meanwhile, or is another user's.
      return [];
    }
  });
}

/** The name of the broker that a process is; null: none that is known. */
export function brokerName(command: string, commandLine: () => string): string | null {
  if (programs.includes(command)) return command;
  if (!runtimes.test(command)) return null;
  return played.exec(commandLine().replaceAll("\0", " "))?.[0].toLowerCase() ?? null;
}

export function brokerFindings(
  running: readonly RunningBroker[],
  others: readonly BrokerProcess[] | null,
): Finding[] {
  const own = running.map(({ version, pid, url, listeners }) =>
    ok(
      `mqttd ${name(version)} runs here (pid ${pid}): ${listeners.map(clause).join(", ")}, ` +
        `administration on ${clause(url)}`,
    ),
  );
  const foreign = (others ?? []).map((one) => ok(`${name(one.name)} runs here (pid ${one.pid})`));
  const found = [...own, ...foreign];
  if (others === null) {
    const text = "other vendors' brokers: only Linux shows the processes of the machine";
    return [...found, unknown(text)];
  }
  return found.length === 0 ? [ok("no broker runs on this machine")] : found;
}
