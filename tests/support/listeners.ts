import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Authority, opensslMissing } from "./certificates.ts";

/** How a client of a test reaches the broker: the scheme of its URL. */
export type Door = keyof typeof transports;

/** How the configuration names them. */
export const transports = {
  mqtt: "tcp",
  mqtts: "tls",
  ws: "ws",
  wss: "wss",
  "mqtt+unix": "unix",
} as const;

/** All doors that can be opened here: those with TLS need openssl, which makes the certificate. */
export const everyDoor: readonly Door[] =
  opensslMissing === null
    ? ["mqtt", "mqtts", "ws", "wss", "mqtt+unix"]
    : ["mqtt", "ws", "mqtt+unix"];

/** Those with a port, which every library knows. */
export const doors = everyDoor.filter((door) => door !== "mqtt+unix");

/** One listener for each door, on free ports, and the certificate of those with TLS. */
export class Listeners implements Disposable {
  readonly #authority = opensslMissing === null ? new Authority() : null;
  readonly #folder = mkdtempSync(path.join(tmpdir(), "mqttd-listeners-"));
  /** PEM of the CA that clients have to trust; null: no door needs one. */
  readonly ca = this.#authority?.root.cert ?? null;
  /** Arguments of `mqttd serve` that open them. */
  readonly args: readonly string[];

  constructor() {
    const names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"];
    const server = this.#authority?.issue("server", names) ?? null;
    this.args = everyDoor.flatMap((door, index) => {
      const settings = [`transport=${transports[door]}`];
      // RunningBroker sets the port of the first.
      if (index > 0 && door !== "mqtt+unix") settings.push("port=0");
      if (door === "mqtt+unix") settings.push(`path=${path.join(this.#folder, "mqttd.sock")}`);
      if ((door === "mqtts" || door === "wss") && server !== null) {
        settings.push(`tls.cert=${server.certFile}`, `tls.key=${server.keyFile}`);
      }
      return settings.flatMap((setting) => ["--set", `listeners.${index}.${setting}`]);
    });
  }

  [Symbol.dispose](): void {
    this.#authority?.[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The first URL of a door, of those in a ready file. */
export function urlOf(urls: readonly string[], door: Door): string {
  const url = urls.find((one) => one.startsWith(`${door}:`));
  if (url === undefined) throw new Error(`no listener for ${door}: ${urls.join(" ")}`);
  return url;
}
