import { readdirSync, readFileSync } from "node:fs";
import type { RunningBroker } from "../api/api.ts";
import { clause, name } from "../log/foreign.ts";
import { programOf } from "../transport/port-holder.ts";
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
const runtimes = /^(?:java|beam\.smp|node|bun|deno|python3?)$/;
/** A word of the command line that names the executable, its npm package or its source. */
const ownProgram = /(?:^|[/:])mqttd(?:[/@]|$)/;

/** A port of this machine that speaks MQTT. */
export interface AnsweringPort {
  readonly port: number;
  /** What answers: `mosquitto version 2.0.11`. */
  readonly broker: string;
  /** Null: not known. */
  readonly pid: number | null;
}

/** Brokers among the processes of this machine; null: only Linux shows them. */
export function brokerProcesses(): BrokerProcess[] | null {
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  } catch {
    return null;
  }
  return entries.flatMap((entry) => {
    try {
      const command = programOf(Number(entry));
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
  if (command !== "mqttd" && !runtimes.test(command)) return null;
  const words = commandLine().split("\0");
  if (words.includes("serve") && words.some((word) => ownProgram.test(word))) return "mqttd";
  return played.exec(words.join(" "))?.[0].toLowerCase() ?? null;
}

/**
 * `running`: those that registered with this user. `answering`: what the ports told, which may be a
 * broker that none of the others is.
 */
export function brokerFindings(
  running: readonly RunningBroker[],
  processes: readonly BrokerProcess[] | null,
  answering: readonly AnsweringPort[] = [],
): Finding[] {
  const registered = new Set(running.map(({ pid }) => pid));
  const others = processes?.filter(({ pid }) => !registered.has(pid)) ?? null;
  const own = running.map(({ version, pid, url, listeners }) =>
    ok(
      `mqttd ${name(version)} runs here (pid ${pid}): ${listeners.map(clause).join(", ")}, ` +
        `administration on ${clause(url)}`,
    ),
  );
  const foreign = (others ?? []).map((one) => ok(`${name(one.name)} runs here (pid ${one.pid})`));
  const named = new Set([...registered, ...(others ?? []).map(({ pid }) => pid)]);
  const isNew = ({ pid, port }: AnsweringPort): boolean => {
    const isRegistered = running.some(({ listeners }) =>
      listeners.some((url) => portIn(url) === port),
    );
    return pid === null ? !isRegistered : !named.has(pid);
  };
  // One broker may have several ports.
  const unnamed = new Map(answering.filter(isNew).map((one) => [one.pid ?? one.port, one]));
  const heard = [...unnamed.values()].map(({ port, broker, pid }) =>
    ok(`${clause(broker)} answers on port ${port}${pid === null ? "" : ` (pid ${pid})`}`),
  );
  const found = [...own, ...foreign, ...heard];
  if (others === null) {
    const text = "other vendors' brokers: only Linux shows the processes of the machine";
    return [...found, unknown(text)];
  }
  return found.length === 0 ? [ok("no broker runs on this machine")] : found;
}

/** Null: a unix socket. */
function portIn(url: string): number | null {
  if (!URL.canParse(url)) return null;
  const { port } = new URL(url);
  return port === "" ? null : Number(port);
}
