import { ends } from "../core/end-causes.ts";
import type { Peer, WillAtEnd } from "../core/events.ts";
import type { Millis } from "../core/io.ts";
import { protocolName } from "../core/packet.ts";
import { Reason, reasonName } from "../core/reason.ts";
import { codeOnWire } from "./code.ts";
import type { LogEvent } from "./events.ts";

/**
 * The facts of an event for a JSON line, as flat as possible. The client comes first, a key ends
 * with its unit, times are ISO 8601. Null means "none", and "never" in expiries.
 */
export function record(event: LogEvent, at: Millis): Record<string, unknown> {
  switch (event.event) {
    case "connected":
      return {
        ...who(event.peer),
        protocol: protocolName[event.version],
        ...(event.bridge && { bridge: true }),
        cleanStart: event.cleanStart,
        sessionPresent: event.sessionPresent,
        keepAliveSeconds: event.keepAlive,
        keepAliveAskedSeconds: event.keepAliveAsked,
        sessionExpirySeconds: finite(event.sessionExpiry),
        username: event.username,
        will: event.will === null ? null : armed(event.will),
      };
    case "ended":
      return {
        ...who(event.peer),
        cause: event.cause,
        causeText: ends[event.cause].text,
        detail: event.detail,
        statement: event.statement,
        silentMs: event.silentMs,
        ...(event.stoodStillMs !== undefined && { stoodStillMs: event.stoodStillMs }),
        ...(event.lastPacketWaitedMs !== undefined && {
          lastPacketWaitedMs: event.lastPacketWaitedMs,
        }),
        ...(event.deliveredInSilence !== undefined && {
          deliveredInSilence: event.deliveredInSilence,
        }),
        ...(event.incomplete !== undefined && { incomplete: event.incomplete }),
        allowedMs: event.allowedMs,
        wasConnected: event.wasConnected,
        ...(event.username !== undefined && { username: event.username }),
        will: event.will === null ? null : fate(event.will, at),
        ...(event.refusedWill !== null && { refusedWill: armed(event.refusedWill) }),
      };
    case "will":
      return {
        client: event.clientId,
        cause: event.cause,
        causeText: ends[event.cause].text,
        endedAt: iso(event.endedAt),
        waitedMs: at - event.endedAt,
        by: event.by,
        will: fate(event.will, at),
      };
    case "keepAliveAboveMaximum":
      return {
        ...who(event.peer),
        keepAliveSeconds: event.keepAlive,
        maximumSeconds: finite(event.maximum),
      };
    case "subscribed":
      return {
        ...who(event.peer),
        filter: event.filter,
        reason: codeOnWire("suback", event.reason, event.version),
        ...refusedWhy(event.reason),
        ...limitOf(event),
        ...(event.by !== undefined && { by: event.by }),
      };
    case "unsubscribed":
      return { ...who(event.peer), filter: event.filter };
    case "publishRefused":
      return {
        ...who(event.peer),
        topic: event.topic,
        reason: codeOnWire("other", event.reason, event.version),
        ...refusedWhy(event.reason),
        detail: event.detail,
        ...(event.isLast === true && { isLast: true }),
      };
    case "deliveryDenied":
      return { client: event.clientId, topic: event.topic, by: event.by };
    case "rightsChanged": {
      const { event: _, clientId, ...facts } = event;
      return { client: clientId, ...facts };
    }
    case "clientFault": {
      const { event: _, peer, ...facts } = event;
      return { ...who(peer), ...facts };
    }
    case "dropping":
      return { client: event.clientId, why: event.why, topic: event.topic, ...limitOf(event) };
    case "notSent":
      return {
        ...who(event.peer),
        packet: event.packet,
        bytes: event.bytes,
        maximumBytes: event.maximum,
      };
    case "sessionEnded":
      return { client: event.clientId, why: event.why };
    case "predecessor":
      return { pid: event.pid, startedAt: iso(event.startedAt as Millis) };
    case "operatorOrdered":
      return { client: event.clientId, order: event.order };
    case "state":
      return { ...event.view };
    case "packet":
      return { ...who(event.peer), direction: event.direction, ...packet(event) };
    default: {
      const { event: _, ...facts } = event;
      return facts;
    }
  }
}

/** ISO 8601, UTC, in milliseconds. */
export function iso(at: Millis): string {
  return new Date(at).toISOString();
}

function who(peer: Peer): { client: string | null; remote: string } {
  return { client: peer.clientId, remote: peer.remote };
}

function armed(will: Extract<LogEvent, { event: "connected" }>["will"] & object): object {
  const { delayInterval, messageExpiry, ...facts } = will;
  const expiry = messageExpiry !== undefined && { messageExpirySeconds: messageExpiry };
  return { ...facts, delaySeconds: delayInterval, ...expiry };
}

function fate(will: WillAtEnd, at: Millis): object {
  const { topic } = will;
  switch (will.fate) {
    case "published":
      return {
        fate: will.fate,
        topic,
        due: iso(will.due),
        at: iso(will.at),
        lateMs: will.at - will.due,
        ...(will.stoodStillMs !== undefined && { stoodStillMs: will.stoodStillMs }),
        ...(will.unwaited !== undefined && { unwaitedSeconds: will.unwaited }),
        ...will.reach,
      };
    case "delayed":
      return { fate: will.fate, topic, due: iso(will.due), dueInMs: will.due - at };
    case "discarded": {
      const { why, deniedBy } = will;
      return { fate: will.fate, topic, why, ...(deniedBy !== undefined && { deniedBy }) };
    }
    case "cancelled":
      return { fate: will.fate, topic, why: will.why };
  }
}

/** The key of the limit that is reached. */
function limitOf({ limit }: { readonly limit?: string }): { readonly limit?: string } {
  return limit === undefined ? {} : { limit: `limits.${limit}` };
}

/** Why the broker refused, whatever code the client's version has for it. */
function refusedWhy(reason: number): { readonly why?: string | null } {
  return reason < Reason.unspecifiedError ? {} : { why: reasonName(reason) };
}

/** Codes are those on the wire; null: a packet of that version has none. */
function packet({
  packet: logged,
  version,
}: Extract<LogEvent, { event: "packet" }>): Record<string, unknown> {
  const type = logged.type.toUpperCase();
  switch (logged.type) {
    case "publish":
      return {
        type,
        packetId: logged.packetId,
        topic: logged.topic,
        qos: logged.qos,
        retain: logged.retain,
        dup: logged.dup,
        payloadBytes: logged.payload.byteLength,
      };
    case "connect":
      return {
        type,
        clientId: logged.clientId,
        cleanStart: logged.cleanStart,
        keepAliveSeconds: logged.keepAliveSeconds,
      };
    case "connack":
      return {
        type,
        sessionPresent: logged.sessionPresent,
        reason: codeOnWire("connack", logged.reason, version),
      };
    case "subscribe":
      return {
        type,
        packetId: logged.packetId,
        subscriptions: logged.subscriptions.map(({ filter, qos }) => ({ filter, qos })),
      };
    case "unsubscribe":
      return { type, packetId: logged.packetId, filters: logged.filters };
    case "suback": {
      const reasons = Array.from(logged.reasons, (reason) => codeOnWire("suback", reason, version));
      return { type, packetId: logged.packetId, reasons };
    }
    case "unsuback":
      return { type, packetId: logged.packetId, reasons: version === 5 ? logged.reasons : null };
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return {
        type,
        packetId: logged.packetId,
        reason: codeOnWire("other", logged.reason, version),
      };
    case "disconnect":
    case "auth":
      return { type, reason: codeOnWire("other", logged.reason, version) };
    case "pingreq":
    case "pingresp":
      return { type };
  }
}

function finite(seconds: number): number | null {
  return Number.isFinite(seconds) ? seconds : null;
}
