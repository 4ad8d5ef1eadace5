/** A broker's address and the credentials to use. */
export interface Target {
  readonly transport: "tcp" | "tls" | "ws" | "wss";
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** WebSocket only. */
  readonly path: string;
  readonly username: string | null;
  readonly password: string | null;
}

const transports = { "mqtt:": "tcp", "mqtts:": "tls", "ws:": "ws", "wss:": "wss" } as const;
const ports = { tcp: 1883, tls: 8883, ws: 9001, wss: 443 } as const;

/**
 * Parses `mqtt[s]://user:password@host:port` or `ws[s]://...`. For any other text, returns what is
 * allowed, in words.
 */
export function targetOf(url: string): Target | string {
  let parsed: URL;
  try {
    parsed = new URL(url.includes("://") ? url : `mqtt://${url}`);
  } catch {
    return "an address such as mqtt://localhost:1883";
  }
  const transport = Object.entries(transports).find(([name]) => name === parsed.protocol)?.[1];
  if (transport === undefined || parsed.hostname === "") {
    return "an address that begins with mqtt://";
  }
  return {
    transport,
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? ports[transport] : Number(parsed.port),
    path: parsed.pathname === "" || parsed.pathname === "/" ? "/mqtt" : parsed.pathname,
    username: parsed.username === "" ? null : decodeURIComponent(parsed.username),
    password: parsed.password === "" ? null : decodeURIComponent(parsed.password),
  };
}

/** The URL without user name and password. */
export function targetText(target: Target): string {
  const name = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" }[target.transport];
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  const path = target.transport === "ws" || target.transport === "wss" ? target.path : "";
  return `${name}://${host}:${target.port}${path}`;
}
