import { longKeepAlive } from "../../core/records/long-keepalive.ts";
import type { IncompleteAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { counted } from "../../log/counted.ts";
import { duration, setting } from "../../log/duration.ts";
import { withArticle } from "../../log/packet.ts";
import { allowedSilence } from "../answers/allowed-silence.ts";
import { byHabit } from "./by-habit.ts";
import { sleeper } from "./sleeper.ts";
import { type Advice, capital, isV5, ruleFor, type Scene, sentence } from "./parts.ts";

/** Keepalive: what silence is allowed, and how near the client comes to it. */
export function adviceOnSilence(scene: Scene): (Advice | null)[] {
  const { connection, will } = scene;
  if (connection.connectedAt === null) return [];
  return [
    incompletePacket(scene),
    neverPinged(scene),
    sleeper(scene),
    closeCall(scene),
    serverKeepAlive(scene),
    will === null ? null : lateFound(scene, will),
  ];
}

/** Milliseconds after which the rest of a packet is not merely on its way. */
const overdueMs = 1000;

/** It began a packet and did not complete it. */
function incompletePacket({ answer, connection }: Scene): Advice | null {
  const { incomplete, end, dropped } = connection;
  if (incomplete === undefined || dropped !== null || connection.paused) return null;
  const isOverdue = end === null && answer.now - incomplete.at >= overdueMs;
  if (!isOverdue && end?.cause !== "keepAliveExpired") return null;
  const { type, size } = incomplete;
  const missing = size === null ? 0 : size - incomplete.bytes;
  const until =
    size === null
      ? "Until its length is complete"
      : `Until the other ${counted(missing, "byte")} come`;
  const link = end === null ? "" : "If its link did not break at that moment: ";
  const check =
    "check that its program writes the whole packet (repeat a send that took only a part), and that " +
    "Remaining Length is the number of bytes that follow, not of characters";
  const text =
    `It began ${withArticle(type)} and did not complete it${partSent(incomplete)}. ${until}, all that ` +
    `it sends counts as a part of that packet, a PINGREQ too. ${link}${end === null ? capital(check) : check}.`;
  return {
    topic: "incompletePacket",
    ...sentence(text, ruleFor(connection, "3.1.2-24", "3.1.2-22")),
  };
}

function partSent({ bytes, size }: IncompleteAccount): string {
  const whole = size === null ? "" : ` of ${size}`;
  return `: it sent ${bytes}${whole} ${bytes === 1 && size === null ? "byte" : "bytes"}`;
}

/** It sent no PINGREQ where only that would have kept its connection. */
function neverPinged({ connection }: Scene): Advice | null {
  const { end, lastPacket, connectedAt, keepAliveSeconds, dropped, incomplete, pings } = connection;
  if (end?.cause !== "keepAliveExpired" || incomplete !== undefined) return null;
  // Whatever it sent was not heard.
  if (dropped !== null) return null;
  const rule = ruleFor(connection, "3.1.2-23", "3.1.2-20");
  const keepAlive = setting(keepAliveSeconds * 1000);
  // Another packet may have come in the same moment.
  if (lastPacket.type === "CONNECT" && lastPacket.at === connectedAt) {
    const text =
      `It never sent anything after CONNECT. With a keepalive of ${keepAlive} it has to send a ` +
      `PINGREQ whenever it was silent for so long: does its network loop run (loop_start() or loop_forever() in Paho)?`;
    return { topic: "neverPinged", ...sentence(text, rule) };
  }
  const { deliveredInSilence: delivered, silentMs } = end;
  // It is not known to forget its PINGREQ if it pinged, or if it may have died as it received nothing.
  if (pings !== null || !answersOnly.has(lastPacket.type) || delivered === undefined) return null;
  const text =
    `It sent nothing after its ${lastPacket.type}, no PINGREQ either, and was sent ` +
    `${counted(delivered, "message")} in those ${duration(silentMs)}. If its program and its link ` +
    `still worked, it takes what it receives for a sign of its own life, but only what the client ` +
    `sends counts: with a keepalive of ${keepAlive} it has to send a PINGREQ whenever it sent nothing ` +
    `for so long.`;
  return { topic: "onlyReceives", ...sentence(text, rule) };
}

/** Packets after which a client that only receives sends nothing of its own. */
const answersOnly: ReadonlySet<string> = new Set([
  ...["SUBSCRIBE", "UNSUBSCRIBE", "PUBACK", "PUBREC", "PUBCOMP"],
]);

/** It breaks its own promise of a packet in each keepalive, and lives on the half that is allowed more. */
function closeCall({ connection }: Scene): Advice | null {
  const { closestCallMs, keepAliveSeconds } = connection;
  const allowed = allowedSilence(connection);
  if (allowed === null || closestCallMs === null || keepAliveSeconds === 0) return null;
  const longest = allowed - closestCallMs;
  const still = connection.stoodStillInAllMs;
  const own =
    still === undefined
      ? ""
      : ` (not counting ${duration(still)} in which the broker itself stood still)`;
  // A broker that misbehaves may allow less than the client has promised.
  if (closestCallMs > allowed / 6 || longest <= keepAliveSeconds * 1000) return null;
  const text =
    `It was silent for ${duration(longest)} at the longest${own}, though it had promised a packet in each ` +
    `${setting(keepAliveSeconds * 1000)}: ${duration(Math.max(0, closestCallMs))} more, and it would ` +
    `have been taken for dead. Let it ping in time, or ask for a longer keepalive.`;
  const rule = ruleFor(connection, "3.1.2-23", "3.1.2-20");
  return { topic: "closeCall", ...sentence(text, rule) };
}

function serverKeepAlive({ connection }: Scene): Advice | null {
  const { end, keepAliveSeconds: force, keepAliveAskedSeconds: asked } = connection;
  if (end?.cause !== "keepAliveExpired" || force === asked || !isV5(connection)) return null;
  const text =
    `Let it obey the Server Keep Alive of ${setting(force * 1000)} in CONNACK, whatever it had asked ` +
    `for (${asked === 0 ? "none" : setting(asked * 1000)}).`;
  return { topic: "serverKeepAlive", ...sentence(text, "v5-3.1.2-21") };
}

function lateFound({ connection }: Scene, { topic }: WillAccount): Advice | null {
  const { keepAliveSeconds: keepAlive, keepAliveAskedSeconds: asked, end } = connection;
  const allowedMs = allowedSilence(connection);
  if (keepAlive === 0 && allowedMs === null) return byHabit({ fault: "noKeepAlive", topic });
  // A keepalive that the broker told it is not the client's to change.
  if (asked !== keepAlive) return null;
  const { advised, advisedAfterSilence } = longKeepAlive;
  const seen = end?.cause === "keepAliveExpired";
  if (keepAlive < (seen ? advisedAfterSilence : advised)) return null;
  return byHabit({ fault: "longKeepAlive", topic, keepAlive, allowedMs });
}
