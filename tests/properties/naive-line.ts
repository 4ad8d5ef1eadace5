import type { IPublishPacket, Packet } from "mqtt-packet";

/** A packet of the broker as one line of text, for comparison and for people. */
export function lineOf(packet: Packet | "closed"): string {
  if (packet === "closed") return "closed";
  switch (packet.cmd) {
    case "publish":
      return publishLine(packet);
    case "connack": {
      const { reasonString: _, ...properties } = packet.properties ?? {};
      const told = Object.entries(properties).toSorted(([a], [b]) => (a < b ? -1 : 1));
      const code = packet.reasonCode ?? packet.returnCode ?? 0;
      const present = packet.sessionPresent ? ", session present" : "";
      return `connack ${code}${present}${told.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join("")}`;
    }
    case "suback":
    case "unsuback":
      return `${packet.cmd} ${packet.messageId}: ${JSON.stringify(packet.granted ?? [])}`;
    case "disconnect":
      return `disconnect ${hex(packet.reasonCode)}`;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return `${packet.cmd} ${packet.messageId}: ${hex(packet.reasonCode)}`;
    default:
      return packet.cmd;
  }
}

function publishLine(packet: IPublishPacket): string {
  const { topic, payload, qos, retain, dup, messageId, properties } = packet;
  const identifiers = [properties?.subscriptionIdentifier ?? []].flat().toSorted((a, b) => a - b);
  return [
    `publish ${topic} "${payload.toString()}" qos ${qos}`,
    ...(qos > 0 ? [`id ${messageId}`] : []),
    ...(dup ? ["dup"] : []),
    ...(retain ? ["retain"] : []),
    ...(identifiers.length > 0 ? [`by ${identifiers.join("+")}`] : []),
    ...(properties?.messageExpiryInterval === undefined
      ? []
      : [`expires ${properties.messageExpiryInterval}`]),
    ...(properties?.contentType === undefined ? [] : [`type ${properties.contentType}`]),
  ].join(", ");
}

function hex(code = 0): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
