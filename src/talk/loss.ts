import type { ClientEnd } from "../client/client.ts";
import { InvalidAnswer, NoAnswer, Refused } from "../client/client-error.ts";
import { DialError } from "../client/dial-error.ts";
import { targetText } from "../client/target.ts";
import { Reason, reasonText } from "../core/reason.ts";
import { clause, name } from "../log/foreign.ts";
import type { TalkRequest } from "./request.ts";

/** The end of a connection that the client did not want, as a sentence without its full stop. */
export function lossText({ target, connect }: TalkRequest, { how, disconnect }: ClientEnd): string {
  const where = targetText(target);
  if (disconnect !== null) {
    const code = disconnect.reasonCode ?? 0;
    const reasonString = disconnect.properties?.reasonString;
    const said = reasonString === undefined ? "" : `, "${clause(reasonString)}"`;
    const whose =
      code === Reason.sessionTakenOver
        ? `: another client connected as ${name(connect.clientId)}`
        : "";
    return `${where} sent DISCONNECT: ${reasonText(code)}${said}${whose}`;
  }
  switch (how) {
    case "eof":
      return `${where} closed the connection`;
    case "timeout":
      return `the connection to ${where} timed out`;
    default:
      return `the connection to ${where} was reset`;
  }
}

/** Reasons of a broker's DISCONNECT that end a next connection as well. */
const repeating: readonly number[] = [
  ...[Reason.malformedPacket, Reason.protocolError, Reason.notAuthorized],
  ...[Reason.sessionTakenOver, Reason.topicFilterInvalid, Reason.topicNameInvalid],
  ...[Reason.receiveMaximumExceeded, Reason.topicAliasInvalid, Reason.packetTooLarge],
  ...[Reason.payloadFormatInvalid, Reason.retainNotSupported, Reason.qosNotSupported],
  ...[Reason.useAnotherServer, Reason.serverMoved],
  ...[Reason.sharedSubscriptionsNotSupported, Reason.subscriptionIdentifiersNotSupported],
  Reason.wildcardSubscriptionsNotSupported,
];

/** Whether the broker would say the same again. */
export function sayRepeats(code: number): boolean {
  return repeating.includes(code);
}

/** Refusals that pass: 3.1.1's "server unavailable", and MQTT 5's of the same kind. */
const passing: readonly number[] = [
  ...[3, Reason.serverUnavailable, Reason.serverBusy, Reason.quotaExceeded],
  Reason.connectionRateExceeded,
];

/** Whether an attempt to connect again failed for a reason that may pass. */
export function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof Refused) return passing.includes(error.code);
  if (error instanceof InvalidAnswer) return false;
  return error instanceof NoAnswer || error instanceof DialError;
}
