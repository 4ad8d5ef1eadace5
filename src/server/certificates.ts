import type { CertificateFiles } from "../config/tls-files.ts";
import type { KeyLog } from "./key-log.ts";
import type { TlsContexts } from "../transport/tls-contexts.ts";

/** What a listener with TLS shows and demands. */
export interface ListenerCertificates {
  readonly contexts: TlsContexts;
  /** Gets each line of the key log; null: none is kept. */
  readonly onKeys: ((line: Uint8Array) => void) | null;
}

/** The certificates of all listeners, replaced while clients are connected. */
export class Certificates {
  readonly #listeners: ReadonlyMap<number, ListenerCertificates>;

  private constructor(listeners: ReadonlyMap<number, ListenerCertificates>) {
    this.#listeners = listeners;
  }

  /** `keyLog`: where to keep the connections' secrets; null: nowhere. */
  static async from(files: CertificateFiles, keyLog: KeyLog | null): Promise<Certificates> {
    const onKeys = keyLog === null ? null : (line: Uint8Array) => keyLog.write(line);
    const listeners = new Map<number, ListenerCertificates>();
    for (const [index, material] of files.materials) {
      // Loaded late: most brokers have no TLS.
      const { TlsContexts } = await import("../transport/tls-contexts.ts");
      listeners.set(index, { contexts: new TlsContexts(material), onKeys });
    }
    return new Certificates(listeners);
  }

  of(listener: number): ListenerCertificates | null {
    return this.#listeners.get(listener) ?? null;
  }

  /** Uses other files for later connections. A listener that is not among them keeps its own. */
  use(files: CertificateFiles): void {
    for (const [index, { contexts }] of this.#listeners) {
      const material = files.materials.get(index);
      if (material !== undefined) contexts.use(material);
    }
  }
}
