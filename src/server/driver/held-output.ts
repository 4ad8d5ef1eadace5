import type { ServerPacket } from "../../core/packet.ts";
import { Reason } from "../../core/reason.ts";
import type { Outbox } from "./outbox.ts";

/** Whether a packet promises that the broker has kept something; a refusal does not. */
export function isPromise(packet: ServerPacket): boolean {
  if (packet.type === "pingresp" || packet.type === "disconnect") return false;
  return !("reason" in packet) || packet.reason < Reason.unspecifiedError;
}

/** Output that waits for one commit. */
export class HeldPart {
  readonly outbox: Outbox;
  /** It promises something: it must not leave if the commit fails. */
  isPromise = false;
  /** Its connection's CONNACK is in it. */
  hasConnack = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }
}

/**
 * Output of one channel that leaves after a commit: behind the first packet that promises something,
 * all of it, since its order stays. At most one commit is under way, so it has two parts.
 */
export class HeldOutput {
  /** Waits for the commit under way; null: nothing does. */
  now: HeldPart | null = null;
  /** Waits for the commit after it; null: nothing does. */
  next: HeldPart | null = null;

  get isPromise(): boolean {
    return this.now?.isPromise === true || this.next?.isPromise === true;
  }

  get hasConnack(): boolean {
    return this.now?.hasConnack === true || this.next?.hasConnack === true;
  }

  /** Waiting bytes. */
  get size(): number {
    return (this.now?.outbox.size ?? 0) + (this.next?.outbox.size ?? 0);
  }

  /** Memory of the waiting bytes. */
  get held(): number {
    return (this.now?.outbox.held ?? 0) + (this.next?.outbox.held ?? 0);
  }
}
