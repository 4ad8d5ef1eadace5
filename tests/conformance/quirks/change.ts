import type { IPublishPacket, Packet } from "mqtt-packet";
import type { Quirk, QuirkyLine, Sent } from "../quirky-port.ts";
import type { Frame } from "../frame.ts";

type Command = Packet["cmd"];
type Of<Name extends Command> = Extract<Packet, { cmd: Name }>;

/** The packets that replace one: none, one or many. */
export type Change<Name extends Command> = (
  packet: Of<Name>,
  line: QuirkyLine,
  frame: Frame,
) => readonly Sent[];

/** Applies to packets of one kind. */
export function on<Name extends Command>(
  name: Name,
  change: Change<Name>,
): NonNullable<Quirk["answer"]> {
  return (frame, line) => {
    if (frame.packet.cmd !== name) return [frame.bytes];
    const sent = change(frame.packet as Of<Name>, line, frame);
    // Unchanged packets keep their own bytes.
    return sent.map((each) => (each === frame.packet ? frame.bytes : each));
  };
}

/** Changes a packet on its way to the client. */
export function answers<Name extends Command>(
  name: string,
  breaks: string,
  kind: Name,
  change: Change<Name>,
): Quirk {
  return { name, breaks, answer: on(kind, change) };
}

/** Changes a packet on its way to the broker. */
export function requests<Name extends Command>(
  name: string,
  breaks: string,
  kind: Name,
  change: Change<Name>,
): Quirk {
  return { name, breaks, request: on(kind, change) };
}

/** Changes every delivery. */
export function deliveries(
  name: string,
  breaks: string,
  change: (packet: IPublishPacket) => readonly Sent[],
): Quirk {
  return answers(name, breaks, "publish", change);
}

/** The same packet with more flags in its first byte. */
export function withFlags(frame: Frame, flags: number): Uint8Array {
  const bytes = frame.bytes.slice();
  bytes[0] = (bytes[0] ?? 0) | flags;
  return bytes;
}

/** The same packet with another first byte of its body. */
export function withFirst(frame: Frame, value: number): Uint8Array {
  const bytes = frame.bytes.slice();
  bytes[frame.body] = value;
  return bytes;
}

/** Useless properties of a kind, of that size. */
export function filler(bytes: number): { readonly userProperties: Record<string, string> } {
  return { userProperties: { filler: "x".repeat(bytes) } };
}
