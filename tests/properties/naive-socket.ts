import { expect } from "bun:test";
import type { IPublishPacket, Packet } from "mqtt-packet";
import type { TestClient } from "../support/client.ts";

/** One network connection from its client's view. */
export interface Socket {
  readonly number: number;
  readonly client: TestClient;
  readonly program: Program;
  readonly version: 4 | 5;
  readonly clientId: string;
  /** Topics by the broker's aliases, and the maximum number of aliases. */
  readonly aliases: Map<number, string>;
  readonly aliasMaximum: number;
  isOpen: boolean;
  /** A started packet, and its bytes still to be sent. */
  begun: { readonly packet: Packet; readonly rest: Uint8Array } | null;
  /** Packets since the last comparison, with full topics. */
  heard: Packet[];
}

/** A client, across connections. */
export interface Program {
  socket: Socket | null;
  /** Acknowledgements that it owes the broker, oldest first. */
  owed: Acknowledgement[];
  lastId: number;
}

interface Acknowledgement {
  readonly cmd: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly messageId: number;
}

/** Reads new packets, and notes the answers that the client owes. */
export function listen(socket: Socket): void {
  const { owed } = socket.program;
  for (const packet of socket.client.received.splice(0)) {
    socket.heard.push(isPublish(packet) ? inFull(socket, packet) : packet);
    const { messageId = 0 } = packet;
    if (isPublish(packet) && packet.qos > 0) {
      owed.push({ cmd: packet.qos === 1 ? "puback" : "pubrec", messageId });
    }
    if (packet.cmd === "pubrel") owed.push({ cmd: "pubcomp", messageId });
    if (packet.cmd === "pubrec" && (packet.reasonCode ?? 0) < 0x80) {
      owed.push({ cmd: "pubrel", messageId });
    }
  }
}

/** A PUBLISH with the topic behind its alias. */
function inFull({ aliases, aliasMaximum }: Socket, packet: IPublishPacket): IPublishPacket {
  const { topicAlias: alias, ...properties } = packet.properties ?? {};
  if (alias === undefined) return packet;
  // [v5-3.1.2-26]
  expect(alias).toBeWithin(1, aliasMaximum + 1);
  if (packet.topic !== "") aliases.set(alias, packet.topic);
  return { ...packet, topic: aliases.get(alias) ?? "an unknown alias", properties };
}

export function isPublish(packet: Packet | "closed"): packet is IPublishPacket {
  return packet !== "closed" && packet.cmd === "publish";
}
