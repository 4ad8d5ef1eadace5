import { errorCode } from "../log/system-error.ts";
import { portHolder } from "./port-holder.ts";
import { ListenError } from "./transport.ts";

/** Explains to the operator why listening on `host` (an address or a name) and `port` failed. */
export function listenError(error: unknown, host: string, port: number): ListenError {
  if (error instanceof ListenError) return error;
  const code = errorCode(error) ?? "unknown";
  return new ListenError(code, host, port, message(code, error, host, port));
}

function message(code: string, error: unknown, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use${holder(host, port)}`;
    case "EACCES":
    case "EPERM":
      return port < 1024
        ? `no permission to listen on port ${port}: ports below 1024 are reserved, use a higher one`
        : `no permission to listen on port ${port} on ${host}`;
    case "EADDRNOTAVAIL":
      return `${host} is not an address of this machine`;
    case "EAFNOSUPPORT":
      return `can't listen on ${host}: this machine has no ${host.includes(":") ? "IPv6" : "IPv4"}`;
    case "ERR_OUT_OF_RANGE":
      return `port ${port} is not between 0 and 65535`;
    case "EINVAL":
      return host.toLowerCase().startsWith("fe80:")
        ? `${host} is a link-local address: add its interface, as in fe80::1%eth0`
        : `can't listen on ${host} port ${port} (EINVAL)`;
    default: {
      const detail = error instanceof Error ? error.message : String(error);
      return `can't listen on ${host} port ${port}: ${detail} (${code})`;
    }
  }
}

function holder(host: string, port: number): string {
  const found = portHolder(host, port);
  if (found === null) return "";
  if (found.pid === process.pid) return " by another listener of this process";
  return ` by ${found.name} (pid ${found.pid})`;
}
