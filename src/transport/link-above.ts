import type { Loss } from "../core/end-causes.ts";
import type { Link, LinkEvents, Transport } from "./transport.ts";

/**
 * A link on top of another one, which is its owner's alone: descriptor, FIN, RST and TCP's detectors are
 * those of the link below. A transport on top of another overrides what it changes.
 */
export abstract class LinkAbove implements Link {
  owner: unknown = undefined;
  protected readonly below: Link;

  constructor(below: Link) {
    this.below = below;
    below.owner = this;
  }

  get remote(): string {
    return this.below.remote;
  }

  get isLocal(): boolean {
    return this.below.isLocal;
  }

  get descriptor(): number | null {
    return this.below.descriptor;
  }

  get preparing(): string | null {
    return this.below.preparing ?? null;
  }

  get identity(): string | null | undefined {
    return this.below.identity;
  }

  get ownBytes(): number {
    return this.below.ownBytes ?? 0;
  }

  get unsent(): number {
    return this.below.unsent ?? 0;
  }

  get held(): number {
    return this.below.held ?? 0;
  }

  get isBehind(): boolean {
    return this.below.isBehind === true;
  }

  certificate(): Uint8Array | null {
    return this.below.certificate?.() ?? null;
  }

  abstract write(bytes: Uint8Array, start: number, end: number): number;
  abstract end(onClosed?: () => void): void;
  abstract reset(): void;

  pause(): void {
    this.below.pause();
  }

  resume(): void {
    this.below.resume();
  }

  watch(allowedMs: number | null): void {
    this.below.watch(allowedMs);
  }

  hasPeerClosed(): boolean {
    return this.below.hasPeerClosed?.() === true;
  }

  readAhead(): void {
    this.below.readAhead?.();
  }

  unacknowledged(): number | null {
    return this.below.unacknowledged?.() ?? null;
  }

  /** Its own `opened` has been told. */
  begin(): void {}

  /** The transport below calls this and the following methods, as the events of LinkEvents. */
  abstract received(chunk: Uint8Array): void;
  abstract writable(): void;
  abstract closedBelow(how: Loss, detail: string | undefined): void;
}

/**
 * A transport on top of another one. `linkOn` is called for each listener, and what it returns for each
 * link below. A link opens with its connection, before any handshake, so that whatever limits connections
 * without CONNECT applies.
 */
export function transportOn(
  below: Transport,
  linkOn: (events: LinkEvents) => (below: Link) => LinkAbove,
): Transport {
  return {
    listen: async (listen) => {
      const { events } = listen;
      const above = linkOn(events);
      return below.listen({
        ...listen,
        events: {
          opened: (link) => {
            const own = above(link);
            events.opened(own);
            own.begin();
          },
          data: (link, chunk) => linkAbove(link).received(chunk),
          drained: (link) => linkAbove(link).writable(),
          closed: (link, how, detail) => linkAbove(link).closedBelow(how, detail),
          addressed: (link) => events.addressed?.(linkAbove(link)),
        },
      });
    },
  };
}

function linkAbove({ owner }: Link): LinkAbove {
  return owner as LinkAbove; // Its constructor sets it.
}
