import { mistake, type Outcome, refused } from "./account.ts";
import type { ConfLine } from "./lines.ts";

const names: ReadonlySet<string> = new Set([
  ...["address", "addresses", "topic", "cleansession", "local_cleansession", "clientid"],
  ...["remote_clientid", "local_clientid", "username", "remote_username", "local_username"],
  ...["password", "remote_password", "local_password", "idle_timeout", "keepalive_interval"],
  ...["notifications", "notifications_local_only", "notification_topic", "restart_timeout"],
  ...["round_robin", "start_type", "threshold", "try_private"],
]);

/** Whether an option describes a bridge: a connection that the broker makes. */
export function isOfBridge(option: string): boolean {
  return option === "connection" || names.has(option) || option.startsWith("bridge_");
}

/** A bridge, by its lines; the first is `connection NAME`. */
export function bridgeOutcome(line: ConfLine, bridge: readonly ConfLine[]): Outcome {
  const [start] = bridge;
  if (start === undefined)
    return mistake("stands above the first connection: it is part of a bridge");
  if (line.value === "") return mistake(`the value of ${line.option} is missing`);
  const valueOf = (...options: string[]): string | null =>
    bridge.find(({ option }) => options.includes(option))?.value ?? null;
  const name = start.value;
  if (line.option === "connection") {
    const to = valueOf("address", "addresses") ?? "its broker";
    return refused(
      `mqttd has no bridges, on purpose: from now on nothing goes to or comes from ${to} by itself`,
    );
  }
  const part = `part of the bridge ${name} (line ${start.number})`;
  const isWatched = ["notifications", "notification_topic"].includes(line.option);
  if (!isWatched || valueOf("notifications") === "false") return refused(part);
  const client = valueOf("remote_clientid", "clientid") ?? name;
  const topic = valueOf("notification_topic") ?? `$SYS/broker/connection/${client}/state`;
  return refused(`${part}; its state on ${topic} (1, and 0 when it dies) is no longer there`);
}
