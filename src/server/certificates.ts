import type { CertificateFiles } from "../config/tls-files.ts";
import type { KeyLog } from "./key-log.ts";
import type { TlsContexts, TlsMaterial } from "../transport/tls-contexts.ts";

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

  /**
   * Uses other files for later connections. A listener that is not among them keeps its own. Returns
   * the keys whose files have another content: `listeners.0.tls.cert`.
   */
  use(files: CertificateFiles): string[] {
    const changed: string[] = [];
    for (const [index, { contexts }] of this.#listeners) {
      const material = files.materials.get(index);
      if (material === undefined) continue;
      const before = contentsOf(contexts.material);
      for (const [key, content] of contentsOf(material)) {
        if (before.get(key) !== content) changed.push(`listeners.${index}.tls.${key}`);
      }
      contexts.use(material);
    }
    return changed;
  }
}

/** What the files hold, by their keys below `tls`. */
function contentsOf({ certificates, ca, crl }: TlsMaterial): ReadonlyMap<string, string | null> {
  const own = certificates.flatMap(({ cert, key }, place) => {
    const base = place === 0 ? "" : `certificates.${place - 1}.`;
    return [[`${base}cert`, cert] as const, [`${base}key`, key] as const];
  });
  return new Map<string, string | null>([...own, ["ca", ca], ["crl", crl]]);
}
