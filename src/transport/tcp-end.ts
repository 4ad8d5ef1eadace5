import { errorCode } from "../log/system-error.ts";

/** How a TCP connection ended, by the system's error. */
export function tcpEnd(error: unknown): "reset" | "timeout" {
  switch (errorCode(error)) {
    // For a peer that stops answering, Linux reports the last ICMP error, if it received one.
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
