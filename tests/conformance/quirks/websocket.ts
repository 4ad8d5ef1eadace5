import type { Quirk } from "../quirky-port.ts";

const [binaryFrame, textFrame] = [0x82, 0x81];
/** Of a short frame, masked. */
const headerBytes = 6;

/** The transport below MQTT. */
export const webSockets: readonly Quirk[] = [
  {
    name: "packets are sent in text frames",
    breaks: "v4-6.0.0-1 v5-6.0.0-1",
    webSocketAnswer: (bytes) => {
      if (bytes[0] === binaryFrame) bytes[0] = textFrame;
      return bytes;
    },
  },
  {
    name: "a frame that is not one packet is lost",
    breaks: "v4-6.0.0-2 v5-6.0.0-2",
    webSocketRequest: (frame) => {
      const packet = frame.subarray(headerBytes);
      const isOne = frame[0] !== binaryFrame || packet.length === 2 + (packet[1] ?? 0);
      return isOne ? frame : new Uint8Array(0);
    },
  },
  {
    name: "an upgrade selects no subprotocol",
    breaks: "v4-6.0.0-4 v5-6.0.0-4",
    webSocketAnswer: (bytes) =>
      Buffer.from(
        bytes.toString("latin1").replace("Sec-WebSocket-Protocol: mqtt\r\n", ""),
        "latin1",
      ),
  },
];
