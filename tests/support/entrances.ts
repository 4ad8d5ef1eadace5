import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { plainTls, type Target } from "../../src/client/target.ts";
import { processLoop } from "../../src/server/driver/loop.ts";
import { bunTcp } from "../../src/transport/tcp-bun.ts";
import { TlsContexts } from "../../src/transport/tls-contexts.ts";
import { tls } from "../../src/transport/tls.ts";
import { defaultTransportLimits } from "../../src/transport/transport-limits.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { webSocket } from "../../src/transport/websocket.ts";
import { Authority, type Certificate } from "./certificates.ts";
import type { Entrance } from "./embedded.ts";

const packetSize = 1024 * 1024;

/** A way into the broker for each transport, with a certificate authority of their own. */
export class Entrances implements Disposable {
  readonly #authority = new Authority();
  readonly #server = this.#authority.issue("localhost", ["DNS:localhost", "IP:127.0.0.1"]);
  readonly #folder = mkdtempSync(path.join(tmpdir(), "mqttd-entrances-"));

  /** The certificate to trust. */
  get caFile(): string {
    return this.#authority.root.certFile;
  }

  of(kind: Target["transport"]): Entrance {
    const ca = this.#authority.root.cert;
    const file = path.join(this.#folder, `${crypto.randomUUID().slice(0, 8)}.sock`);
    const isUnix = kind === "unix";
    return {
      transport: () => transportOf(kind, this.#server),
      place: () => ({ host: "127.0.0.1", port: 0, path: isUnix ? file : null }),
      target: (port) => ({
        transport: kind,
        host: isUnix ? "" : "127.0.0.1",
        port,
        path: isUnix ? file : kind === "ws" || kind === "wss" ? "/mqtt" : "",
        username: null,
        password: null,
        tls: kind === "tls" || kind === "wss" ? { ...plainTls, ca } : null,
      }),
    };
  }

  [Symbol.dispose](): void {
    this.#authority[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function transportOf(kind: Target["transport"], certificate: Certificate): Transport {
  const below = bunTcp();
  switch (kind) {
    case "tcp":
    case "unix":
      return below;
    case "tls":
      return onTls(below, certificate);
    case "ws":
      return onWebSocket(below);
    case "wss":
      return onWebSocket(onTls(below, certificate));
  }
}

function onTls(below: Transport, { cert, key }: Certificate): Transport {
  const contexts = new TlsContexts({
    certificates: [{ cert, key, passphrase: null }],
    ca: null,
    crl: null,
    requestCert: false,
    identityAsUsername: false,
    minVersion: "TLSv1.2",
  });
  return tls(below, contexts);
}

function onWebSocket(below: Transport): Transport {
  return webSocket(below, {
    path: null,
    origins: null,
    limits: () => ({ ...defaultTransportLimits, packetSize }),
    soon: (work) => processLoop.soon(work),
  });
}
