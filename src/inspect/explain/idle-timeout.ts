import type { ConnectionAccount } from "../../core/records/client-account.ts";
import { duration, setting } from "../../log/duration.ts";
import { accepted, type Advice, type Scene, sentence } from "./parts.ts";

/** Ends that look like one timer: how many, how long, and how far apart in milliseconds. */
const timer = { ends: 3, minMs: 2000, apartMs: 500, apartShare: 0.05 };

/**
 * Something between client and broker ends connections that are idle for a certain time, which is
 * shorter than the client's keepalive.
 */
export function idleTimeout({ answer }: Scene): Advice | null {
  const silences = accepted(answer).flatMap(closedInSilence).slice(0, timer.ends);
  if (silences.length < timer.ends) return null;
  const shortest = Math.min(...silences);
  const longest = Math.max(...silences);
  if (shortest < timer.minMs) return null;
  if (longest - shortest > Math.max(timer.apartMs, longest * timer.apartShare)) return null;
  const keepAlive = setting((accepted(answer)[0]?.keepAliveSeconds ?? 0) * 1000);
  const advised = Math.max(1, Math.floor(shortest / 2000));
  const text =
    `Its last ${silences.length} connections that were closed or reset ended after the same silence of ` +
    `${duration(longest)}, before its keepalive of ${keepAlive} was over. A proxy, load balancer or NAT ` +
    `between it and the broker does that when its idle timeout is shorter than the keepalive. Let it ` +
    `ask for a keepalive of at most ${advised} s, or give what stands between a longer timeout.`;
  return { topic: "idleTimeout", ...sentence(text) };
}

/** The silence before an end that a proxy or a NAT can have made; empty: another end. */
function closedInSilence({ end, keepAliveSeconds, dropped }: ConnectionAccount): number[] {
  if (end === null || dropped !== null) return [];
  if (end.cause !== "closedByPeer" && end.cause !== "resetByPeer") return [];
  const { silentMs } = end;
  const isIdle = silentMs >= timer.minMs && silentMs < keepAliveSeconds * 1000;
  // An end that is no such thing between two others breaks the row.
  return [isIdle ? silentMs : 0];
}
