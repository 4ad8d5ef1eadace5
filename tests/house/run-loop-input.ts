import type { ListenerPolicy } from "../../src/core/io.ts";
import type { ConnectPacket } from "../../src/core/packet.ts";

export const listener: ListenerPolicy = {
  name: "tcp 127.0.0.1:1883",
  mountPoint: "",
  connections: Infinity,
  allowAnonymous: true,
};

/** Keepalive 10 s, a will on `status`, no session after the connection. */
export const connect: ConnectPacket = {
  type: "connect",
  version: 4,
  bridge: false,
  clientId: "dev-42",
  cleanStart: true,
  keepAliveSeconds: 10,
  username: null,
  password: null,
  will: {
    topic: "status",
    payload: Buffer.from("offline"),
    qos: 0,
    retain: false,
    delayIntervalSeconds: 0,
    properties: null,
    expirySeconds: null,
  },
  sessionExpiryInterval: null,
  receiveMaximum: 65_535,
  maximumPacketSize: null,
  topicAliasMaximum: 0,
  requestProblemInformation: true,
  authenticationMethod: null,
};
