import { resolve } from "node:path";

/** The URL of a unix socket, `mqtt+unix:///run/mqttd.sock`; `path` may be relative. */
export function unixUrl(path: string): string {
  // What would end the path of a URL, or be read as an escape in it.
  return `mqtt+unix://${resolve(path).replace(/[%?#]/g, encodeURIComponent)}`;
}
