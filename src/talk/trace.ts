import type { Packet } from "mqtt-packet";
import { singleQuoted } from "../log/foreign.ts";

/** A packet in the words of mosquitto's clients: `PUBLISH (d0, q1, r0, m1, 'a/b', ... (5 bytes))`. */
export function packetText(packet: Packet): string {
  const name = packet.cmd.toUpperCase();
  switch (packet.cmd) {
    case "publish": {
      const { dup, qos, retain, messageId = 0, topic, payload } = packet;
      const facts = `d${Number(dup)}, q${qos}, r${Number(retain)}, m${messageId}`;
      return `${name} (${facts}, ${singleQuoted(topic)}, ... (${payload.length} bytes))`;
    }
    case "subscribe":
      return `${name} (Mid: ${packet.messageId ?? 0}, ${packet.subscriptions
        .map(({ topic, qos }) => `Topic: ${singleQuoted(topic)}, QoS: ${qos}`)
        .join(", ")})`;
    case "unsubscribe":
      return `${name} (Mid: ${packet.messageId ?? 0}, ${packet.unsubscriptions
        .map((topic) => `Topic: ${singleQuoted(topic)}`)
        .join(", ")})`;
    case "connack":
      return `${name} (${packet.reasonCode ?? packet.returnCode ?? 0})`;
    case "connect":
      return `${name} (keepalive ${packet.keepalive ?? 0} s)`;
    case "suback":
      return `${name} (Mid: ${packet.messageId ?? 0}, granted: ${packet.granted.map(String).join(", ")})`;
    case "disconnect":
      return `${name} (${packet.reasonCode ?? 0})`;
    case "pingreq":
    case "pingresp":
    case "auth":
      return name;
    default:
      return `${name} (Mid: ${packet.messageId ?? 0}, RC: ${packet.reasonCode ?? 0})`;
  }
}
