import { errorCode } from "../log/system-error.ts";

/** How a TCP connection ended, by the system's error. */
export function tcpEnd(error: unknown): "reset" | "timeout" {
  switch (errorCode(error)) {
    // Linux tells of a peer that no longer answers with the last ICMP message, if one had come.
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
    case "ENETUNREACH":
    case "ENETDOWN":
      return "timeout";
    default:
      return "reset";
  }
}
