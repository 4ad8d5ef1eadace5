/**
 * When a reload (SIGHUP, `mqttd inspect reload`) puts the value of a key in force: always, if the
 * listener in that place listens on the same address as before, if it had TLS before, or never.
 */
export type Reload = "always" | "same address" | "both with TLS" | "never";

/** By the key's dotted path: `limits.packetSize`, `listeners.0.tls.cert`. */
export function reloadOf(path: string): Reload {
  if (/^(?:limits|auth)\./.test(path) || path === "log.level") return "always";
  const [, key = ""] = /^listeners\.\d+\.(\w+)/.exec(path) ?? [];
  if (key === "tls") return "both with TLS";
  return ["passwordFile", "allowAnonymous", "aclFile"].includes(key) ? "same address" : "never";
}
