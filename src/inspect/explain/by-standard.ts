import { allowedSilenceMs, standardRules } from "../../core/quirks/rules.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration, setting } from "../../log/duration.ts";
import { noticedMs, waitSeconds } from "./on-purpose.ts";
import { ruleFor, sentence, type StoryLine } from "./parts.ts";

/**
 * When the standard asks for the end of a connection that this broker kept for longer, because it
 * was started to misbehave; null: it did not.
 */
export function endByStandard(connection: ConnectionAccount, now: number): number | null {
  const { connectedAt, lastPacket, keepAliveSeconds, paused, end, dropped } = connection;
  if (connectedAt === null || paused) return null;
  // What a standstill of the broker, or an operator, delayed is told by itself.
  const { stoodStillMs, lastPacketWaitedMs } = end ?? connection;
  if (stoodStillMs !== undefined || lastPacketWaitedMs !== undefined) return null;
  if (dropped?.how === "rst") return null;
  const allowedMs = allowedSilenceMs(standardRules, keepAliveSeconds);
  if (allowedMs === null) return null;
  const at = lastPacket.at + allowedMs;
  return (end?.at ?? now) - at < noticedMs ? null : at;
}

/** `By the standard it was due 4.50 s ago`: without its full stop; null: it is not overdue. */
export function overdueText(
  connection: ConnectionAccount,
  will: WillAccount,
  now: number,
): string | null {
  const at = endByStandard(connection, now);
  if (at === null) return null;
  const due = at + waitSeconds(standardRules, will) * 1000;
  const { fate } = will;
  const silence = `the connection had to end after ${silenceOf(connection)} of silence`;
  if (fate !== null) {
    const early = fate.at - due;
    return early < noticedMs
      ? null
      : `By the standard it was due ${duration(early)} earlier: ${silence}`;
  }
  return due <= now
    ? `By the standard it was due ${duration(now - due)} ago: ${silence}`
    : `By the standard it is due in ${duration(due - now)}: ${silence}`;
}

/** The moment at which the standard asks for the end of the connection, as a line of its story. */
export function endByStandardLine(
  connection: ConnectionAccount,
  will: WillAccount | null,
  now: number,
): StoryLine[] {
  const rule = ruleFor(connection, "3.1.2-24", "3.1.2-22");
  const { end } = connection;
  const at = endByStandard(connection, now);
  if (at !== null) {
    const wait = will === null ? 0 : waitSeconds(standardRules, will) * 1000;
    const fires =
      will === null
        ? ""
        : wait === 0
          ? ", and its will to fire"
          : `, and its will to fire ${setting(wait)} later`;
    const text =
      `By the standard the connection had to end here, after ${silenceOf(connection)} of ` +
      `silence${fires}. This broker was started to misbehave.`;
    return [{ at, ...sentence(text, rule), byStandard: true }];
  }
  const allowedMs = allowedSilenceMs(standardRules, connection.keepAliveSeconds);
  if (end?.cause !== "keepAliveExpired" || end.allowedMs === null || allowedMs === null) return [];
  if (end.allowedMs >= allowedMs) return [];
  const text =
    `By the standard it might have been silent for ${duration(allowedMs - end.allowedMs)} more. This ` +
    `broker was started to misbehave.`;
  return [{ at: end.at, ...sentence(text, rule), byStandard: true }];
}

function silenceOf({ keepAliveSeconds }: ConnectionAccount): string {
  return duration(allowedSilenceMs(standardRules, keepAliveSeconds) ?? 0);
}
