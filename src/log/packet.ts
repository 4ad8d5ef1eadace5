import type { IncompletePacket } from "../core/io.ts";
import type { ProtocolVersion } from "../core/packet.ts";
import { codeText } from "./code.ts";
import type { LoggedPacket } from "./events.ts";
import { name, singleQuoted } from "./foreign.ts";

/** A packet as mosquitto logs it: its name, and its facts in parentheses. */
export function packetText(
  packet: LoggedPacket,
  version: ProtocolVersion,
): { type: string; facts: string } {
  return { type: packet.type.toUpperCase(), facts: factsOf(packet, version) };
}

function factsOf(packet: LoggedPacket, version: ProtocolVersion): string {
  switch (packet.type) {
    case "publish": {
      const flags = `d${bit(packet.dup)}, q${packet.qos}, r${bit(packet.retain)}, m${packet.packetId}`;
      return ` (${flags}, ${singleQuoted(packet.topic)}, ... (${packet.payload.byteLength} bytes))`;
    }
    case "connect":
      return ` (c${bit(packet.cleanStart)}, k${packet.keepAliveSeconds}, as ${name(packet.clientId)})`;
    case "connack":
      return ` (${bit(packet.sessionPresent)}, ${codeText("connack", packet.reason, version)})`;
    case "subscribe": {
      const wanted = packet.subscriptions.map(
        ({ filter, qos }) => `${singleQuoted(filter)} q${qos}`,
      );
      return ` (m${packet.packetId}, ${list(wanted)})`;
    }
    case "unsubscribe":
      return ` (m${packet.packetId}, ${list(packet.filters.map(singleQuoted))})`;
    case "suback":
    case "unsuback": {
      const place = packet.type === "suback" ? "suback" : "other";
      const codes = Array.from(packet.reasons, (reason) => codeText(place, reason, version));
      return inParentheses([`m${packet.packetId}`, list(codes.filter((code) => code !== null))]);
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return inParentheses([`m${packet.packetId}`, codeText("other", packet.reason, version)]);
    case "disconnect":
    case "auth":
      return inParentheses([codeText("other", packet.reason, version)]);
    case "pingreq":
    case "pingresp":
      return "";
  }
}

function inParentheses(facts: readonly (string | null)[]): string {
  const known = facts.filter((fact) => fact !== null && fact !== "");
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}

/** The first ten items, so that a packet of many filters still fits a line. */
function list(items: readonly string[]): string {
  const shown = 10;
  if (items.length <= shown) return items.join(", ");
  return `${items.slice(0, shown).join(", ")}, ... (${items.length} in all)`;
}

function bit(flag: boolean): 0 | 1 {
  return flag ? 1 : 0;
}

/** `5 of 44 B of a PUBLISH arrived`. */
export function partOfPacket({ type, bytes, size }: IncompletePacket): string {
  const whole = size === null ? "" : ` of ${size}`;
  return `${bytes}${whole} B of ${withArticle(type)} arrived`;
}

/** `a PUBLISH`, `an AUTH`. */
export function withArticle(type: string): string {
  return /^[AU]/.test(type) ? `an ${type}` : `a ${type}`;
}
