import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Settings } from "../config/settings.ts";
import { isLoopback } from "../transport/loopback.ts";
import { openToTheNetwork } from "../server/exposure.ts";
import { type Finding, ok, unknown, warn } from "./doctor-finding.ts";

/** The addresses of this machine in its networks: `eth0 192.168.1.20`. */
export function addressFindings(
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): Finding[] {
  const all = Object.entries(interfaces).flatMap(([name, found = []]) =>
    found.map((address) => ({ name, ...address })),
  );
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const hasLoopback6 = all.some(({ address }) => address === "::1");
  const listed = outside.map(({ name, address }) => `${name} ${address}`).join(", ");
  return [
    outside.length === 0
      ? warn(
          "addresses: none but loopback, so no other machine can connect",
          "join a network, the one of the boards",
        )
      : ok(`addresses: ${listed}`),
    ...(hasLoopback6
      ? []
      : [
          warn(
            "addresses: no ::1, so clients that take localhost for IPv6 first try in vain",
            "connect them to 127.0.0.1",
          ),
        ]),
  ];
}

/** What a board in the network needs from the configuration. */
export function exposureFindings({ listeners }: Pick<Settings, "listeners">): Finding[] {
  const wide = listeners.filter(({ transport, host }) => transport !== "unix" && !isLoopback(host));
  if (wide.length === 0) {
    return [
      ok(
        "LAN: this configuration listens on this machine only; for a board: mqttd serve --lan, " +
          "with a password file (mqttd passwd)",
      ),
    ];
  }
  const sockets = listeners.map(({ port }) => ({ port }));
  const open = openToTheNetwork(listeners, sockets);
  if (open.length > 0) return open.map((text) => warn(`LAN: ${text}`));
  const ports = wide.map(({ port }) => port).join(", ");
  return [ok(`LAN: boards can connect to port ${ports}, with a password or a certificate`)];
}

/** What stands between the network and a port of this machine. */
export interface Barriers {
  readonly platform: string;
  /** A container, of Docker or Podman. */
  readonly isContainer: boolean;
  readonly isWsl: boolean;
  /** `ufw`, `firewalld`; null: neither is known to be on. */
  readonly firewall: "ufw" | "firewalld" | null;
}

export function barriersHere(): Barriers {
  const text = (file: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // Another system, or another user's.
      return "";
    }
  };
  const isUfw = /^ENABLED=yes/m.test(text("/etc/ufw/ufw.conf"));
  return {
    platform: process.platform,
    isContainer: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
    isWsl: /microsoft/i.test(text("/proc/version")),
    firewall: isUfw ? "ufw" : existsSync("/run/firewalld") ? "firewalld" : null,
  };
}

export function barrierFindings(
  { platform, isContainer, isWsl, firewall }: Barriers,
  ports: readonly number[],
): Finding[] {
  const found: Finding[] = [];
  const [first = 1883] = ports;
  if (isContainer) {
    found.push(
      warn(
        "LAN: this is a container: boards reach only ports that it publishes",
        `docker run -p ${first}:${first} ..., and serve --lan`,
      ),
    );
  }
  if (isWsl) {
    found.push(
      warn(
        "LAN: this is WSL: its addresses are not those of the LAN",
        `networkingMode=mirrored in .wslconfig, or netsh interface portproxy for port ${first}`,
      ),
    );
  }
  if (firewall !== null) {
    const opened = ports.map((port) =>
      firewall === "ufw"
        ? `sudo ufw allow ${port}/tcp`
        : `sudo firewall-cmd --add-port=${port}/tcp`,
    );
    found.push(warn(`LAN: the firewall ${firewall} is on, and may stop boards`, opened.join("; ")));
  } else if (platform === "linux") {
    found.push(ok("LAN: neither ufw nor firewalld is on; other rules need root to be seen"));
  } else {
    found.push(unknown("LAN: the firewall of this system, which may ask when mqttd first listens"));
  }
  return found;
}
