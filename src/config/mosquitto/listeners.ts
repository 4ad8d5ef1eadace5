import { keepsOut, mistake, needless, type Outcome, taken } from "./account.ts";
import { any, given, type Option, type Scope } from "./option.ts";

/** The address of a listener, or what is wrong with its line. */
export type Address =
  | { readonly set: Readonly<Record<string, unknown>>; readonly why: string }
  | { readonly mistake: string };

const everywhere = "::";

/** Of `listener PORT [ADDRESS or PATH]`. */
export function listenerAddress(scope: Scope): Address {
  const words = (scope.start?.value ?? "").split(/ +/);
  const [port = "", named = ""] = words;
  const rest = named.startsWith("#") ? "" : (scope.start?.value ?? "").slice(port.length).trim();
  const host = rest.split(" ")[0] ?? "";
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number > 65_535 || (number === 0 && host === "")) {
    return {
      mistake: `found ${port}, allowed: a port from 1 to 65535, or 0 and the path of a socket`,
    };
  }
  if (number === 0) return { set: { transport: "unix", path: rest }, why: "" };
  return { set: { port: number, host: hostOf(host, scope) }, why: hostWords(host) };
}

/** Of `port` and `bind_address`, as in 1.x. */
export function oldAddress(global: Scope, listener: Scope): Address {
  const port = given(global, "port") ?? "1883";
  const host = given(global, "bind_address") ?? "";
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return { mistake: `found ${port}, allowed: a port from 1 to 65535` };
  }
  return { set: { port: Number(port), host: hostOf(host, listener) }, why: hostWords(host) };
}

function hostOf(host: string, scope: Scope): string {
  if (host !== "") return host;
  return given(scope, "socket_domain") === "ipv4" ? "0.0.0.0" : everywhere;
}

function hostWords(host: string): string {
  return host === "" ? "without an address it is on all of them" : "";
}

/** `socket_domain ipv4|ipv6`. */
function socketDomain(domain: string, { start }: Scope): Outcome {
  if (domain !== "ipv4" && domain !== "ipv6") {
    return mistake(`found ${domain}, allowed: ipv4, ipv6`);
  }
  const host = start?.value.split(/ +/)[1] ?? "";
  if (start?.value.startsWith("0 ") === true) return needless("a socket that is a file has none");
  if (host !== "" && !host.startsWith("#")) return needless("the address says it");
  if (domain === "ipv4") return taken({}, "all addresses of IPv4");
  return taken(
    {},
    "all addresses of IPv6; mqttd takes IPv4 there too",
    "mqttd's :: takes IPv4 too",
  );
}

export function isLoopbackName(host: string): boolean {
  return /^(?:127\.|::1$|localhost$)/.test(host);
}

/** `bind_interface eth0`: fewer get in than by the address alone. */
function boundInterface({ start }: Scope): Outcome {
  const host = start?.value.split(/ +/)[1] ?? "";
  if (isLoopbackName(host)) return needless("the address is on loopback");
  return keepsOut(
    "mqttd listens on addresses, not on interfaces: name the address behind the port",
  );
}

/** The options of a listener's address but `listener` itself. */
export const addressOptions: Readonly<Record<string, Option>> = {
  port: any("global", (_, { global, first }) => {
    const address = oldAddress(global, first);
    return "mistake" in address ? mistake(address.mistake) : taken({ port: address.set["port"] });
  }),
  bind_address: any("global", (_, { global, first }) => {
    const address = oldAddress(global, first);
    return "mistake" in address ? needless("see port") : taken({ host: address.set["host"] });
  }),
  socket_domain: any("listener", (domain, { listener, first }) =>
    socketDomain(domain.split(" ")[0] ?? "", listener ?? first),
  ),
  bind_interface: any("listener", (_, { listener, first }) => boundInterface(listener ?? first)),
};
