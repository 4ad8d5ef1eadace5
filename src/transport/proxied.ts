import type { Loss } from "../core/end-causes.ts";
import type { TrustedAddresses } from "./trusted-addresses.ts";
import { readProxyHeader } from "./proxy-header.ts";
import { LinkAbove, transportOn } from "./link-above.ts";
import type { Link, LinkEvents, Transport } from "./transport.ts";

/**
 * A transport whose connections come through a proxy that names the client first (PROXY protocol).
 * Connections from other addresses, and without that header, are closed.
 */
export function proxied(below: Transport, proxies: TrustedAddresses): Transport {
  return transportOn(below, (events) => (link) => new ProxiedLink(link, { events, proxies }));
}

/** State shared by all links of one listener. */
interface Origin {
  readonly events: LinkEvents;
  readonly proxies: TrustedAddresses;
}

class ProxiedLink extends LinkAbove {
  readonly #origin: Origin;
  /** Received of the header; empty at first, null once it is complete. */
  #header: Uint8Array | null = new Uint8Array();
  #client: { readonly remote: string; readonly isLocal: boolean } | null = null;
  #isClosed = false;

  constructor(below: Link, origin: Origin) {
    super(below);
    this.#origin = origin;
  }

  override begin(): void {
    if (this.#origin.proxies.has(this.below.remote)) return;
    this.#fail("its address is not in proxyProtocol.from");
  }

  override get remote(): string {
    return (this.#client ?? this.below).remote;
  }

  override get isLocal(): boolean {
    return (this.#client ?? this.below).isLocal;
  }

  override get descriptor(): number | null {
    return this.#isClosed ? null : this.below.descriptor;
  }

  override get preparing(): string | null {
    return this.#header === null ? null : "PROXY header";
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    return this.#isClosed ? -1 : this.below.write(bytes, start, end);
  }

  end(onClosed?: () => void): void {
    this.#isClosed = true;
    this.below.end(onClosed);
  }

  reset(): void {
    this.#isClosed = true;
    this.below.reset();
  }

  received(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#header === null) return this.#origin.events.data(this, chunk);
    const bytes = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk]);
    const header = readProxyHeader(bytes);
    this.#header = bytes;
    if (header === null) return;
    if (typeof header === "string") return this.#fail(header);
    this.#header = null;
    this.#client = header.client;
    if (header.client !== null) this.#origin.events.addressed?.(this);
    if (bytes.length > header.bytes) this.#origin.events.data(this, bytes.subarray(header.bytes));
  }

  writable(): void {
    if (!this.#isClosed) this.#origin.events.drained(this);
  }

  closedBelow(how: Loss, detail: string | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#origin.events.closed(this, how, detail);
  }

  #fail(detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.below.end();
    this.#origin.events.closed(this, "proxyFailed", detail);
  }
}
