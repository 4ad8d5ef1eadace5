import { frameOf, type FrameShape } from "../websocket/frame-stream.ts";
import { upgrade } from "../websocket/server-bytes.ts";
import { Peer } from "./transports.ts";

/** A client that has asked for a WebSocket, and whose frames a test writes as it likes. */
export async function upgraded(port: number): Promise<Peer> {
  const peer = await Peer.dial(port);
  peer.send(upgrade);
  return peer;
}

export function sendFrame(peer: Peer, text: string, shape: FrameShape = {}): void {
  peer.send(frameOf(Buffer.from(text), shape));
}
