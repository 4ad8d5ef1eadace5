import type { ClientVersion } from "../client/machine.ts";
import { isOnThisMachine, isWebSocket, type Target } from "../client/target.ts";
import type { RunOptions } from "./run.ts";
import type { Need, Scenario } from "./scenario.ts";
import type { Way } from "./ways.ts";

/** Why a scenario can't be played in this protocol against this address; null: it can. */
export function missingNeed(
  options: RunOptions,
  scenario: Scenario,
  { target, version }: Way,
): string | null {
  for (const need of scenario.needs) {
    const why = whyMissing(need, options, scenario, target, version);
    if (why !== null) return why;
  }
  return null;
}

function whyMissing(
  need: Need,
  options: RunOptions,
  scenario: Scenario,
  target: Target,
  version: ClientVersion,
): string | null {
  switch (need) {
    case "v5":
      return version === 5 ? null : "MQTT 5.0 only";
    case "websocket":
      return isWebSocket(target.transport) ? null : "the address is no WebSocket: ws:// or wss://";
    case "tls":
      return target.tls === null ? "the address has no TLS: mqtts:// or wss://" : null;
    case "loopback":
      if (isOnThisMachine(target) || options.named.has(scenario.id)) return null;
      return "puts load on the broker: plays only against this machine, or when named";
    case "--denied-topic":
      return options.deniedTopic === null ? "needs --denied-topic" : null;
    case "--restart-command":
      return options.restartCommand === null ? "needs --restart-command" : null;
    case "--broker-pid":
      if (options.brokerPid === null) return "needs --broker-pid";
      return target === options.target ? null : "--broker-pid is that of the first address";
    case "child process":
      return options.has.has(need) ? null : "needs a child process";
    case "network namespace":
      return options.has.has(need) ? null : "needs Linux, root, and the ip command of iproute2";
  }
}
