import { Authority, opensslMissing } from "./certificates.ts";

/** How a client of a test reaches the broker. */
export type Door = "mqtt" | "mqtts" | "ws" | "wss";

/** The doors that can be opened here: those with TLS need openssl, which makes the certificate. */
export const doors: readonly Door[] =
  opensslMissing === null ? ["mqtt", "mqtts", "ws", "wss"] : ["mqtt", "ws"];

const transports = { mqtt: "tcp", mqtts: "tls", ws: "ws", wss: "wss" } as const;

/** One listener for each door, on free ports, and the certificate of those with TLS. */
export class Listeners implements Disposable {
  readonly #authority = opensslMissing === null ? new Authority() : null;
  /** PEM of the CA that clients have to trust; null: no door needs one. */
  readonly ca = this.#authority?.root.cert ?? null;
  /** Arguments of `mqttd serve` that open them. */
  readonly args: readonly string[];

  constructor() {
    const names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"];
    const server = this.#authority?.issue("server", names) ?? null;
    this.args = doors.flatMap((door, index) => {
      // RunningBroker sets the port of the first.
      const port = index === 0 ? [] : ["port=0"];
      const listener = [`transport=${transports[door]}`, ...port];
      const isTls = door === "mqtts" || door === "wss";
      if (isTls && server !== null) {
        listener.push(`tls.cert=${server.certFile}`, `tls.key=${server.keyFile}`);
      }
      return listener.flatMap((setting) => ["--set", `listeners.${index}.${setting}`]);
    });
  }

  [Symbol.dispose](): void {
    this.#authority?.[Symbol.dispose]();
  }
}

/** The first URL of a door, of those in a ready file. */
export function urlOf(urls: readonly string[], door: Door): string {
  const url = urls.find((one) => one.startsWith(`${door}:`));
  if (url === undefined) throw new Error(`no listener for ${door}: ${urls.join(" ")}`);
  return url;
}
