import type { Loss } from "../core/end-causes.ts";
import type { TrustedAddresses } from "./trusted-addresses.ts";
import { readProxyHeader } from "./proxy-header.ts";
import type { Link, LinkEvents, Transport } from "./transport.ts";

/**
 * A transport whose connections come through a proxy that names the client first (PROXY protocol).
 * Connections from other addresses, and without that header, are closed.
 */
export function proxied(below: Transport, proxies: TrustedAddresses): Transport {
  return {
    listen: (listen) => {
      const { events } = listen;
      return below.listen({
        ...listen,
        events: {
          opened: (link) => new ProxiedLink(link, events).open(proxies),
          data: (link, chunk) => linkAbove(link).received(chunk),
          drained: (link) => linkAbove(link).writable(),
          closed: (link, how, detail) => linkAbove(link).closedBelow(how, detail),
        },
      });
    },
  };
}

function linkAbove({ owner }: Link): ProxiedLink {
  return owner as ProxiedLink; // Only ProxiedLink sets it.
}

class ProxiedLink implements Link {
  owner: unknown = undefined;
  readonly #below: Link;
  readonly #events: LinkEvents;
  /** Received of the header; empty at first, null once it is complete. */
  #header: Uint8Array | null = new Uint8Array();
  #client: { readonly remote: string; readonly isLocal: boolean } | null = null;
  #isClosed = false;

  constructor(below: Link, events: LinkEvents) {
    this.#below = below;
    this.#events = events;
    below.owner = this;
  }

  open(proxies: TrustedAddresses): void {
    this.#events.opened(this);
    if (proxies.has(this.#below.remote)) return;
    this.#fail("its address is not in proxyProtocol.from");
  }

  get remote(): string {
    return (this.#client ?? this.#below).remote;
  }

  get isLocal(): boolean {
    return (this.#client ?? this.#below).isLocal;
  }

  get descriptor(): number | null {
    return this.#isClosed ? null : this.#below.descriptor;
  }

  get preparing(): string | null {
    return this.#header === null ? null : "PROXY header";
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    return this.#isClosed ? -1 : this.#below.write(bytes, start, end);
  }

  pause(): void {
    this.#below.pause();
  }

  resume(): void {
    this.#below.resume();
  }

  end(onClosed?: () => void): void {
    this.#isClosed = true;
    this.#below.end(onClosed);
  }

  reset(): void {
    this.#isClosed = true;
    this.#below.reset();
  }

  watch(allowedMs: number | null): void {
    this.#below.watch(allowedMs);
  }

  hasPeerClosed(): boolean {
    return this.#below.hasPeerClosed?.() === true;
  }

  unacknowledged(): number | null {
    return this.#below.unacknowledged?.() ?? null;
  }

  /** The transport below calls this and the following methods. */
  received(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#header === null) return this.#events.data(this, chunk);
    const bytes = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk]);
    const header = readProxyHeader(bytes);
    this.#header = bytes;
    if (header === null) return;
    if (typeof header === "string") return this.#fail(header);
    this.#header = null;
    this.#client = header.client;
    if (header.client !== null) this.#events.addressed?.(this);
    if (bytes.length > header.bytes) this.#events.data(this, bytes.subarray(header.bytes));
  }

  writable(): void {
    if (!this.#isClosed) this.#events.drained(this);
  }

  closedBelow(how: Loss, detail: string | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(this, how, detail);
  }

  #fail(detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#below.end();
    this.#events.closed(this, "proxyFailed", detail);
  }
}
