import { resolve } from "node:path";

/** The URL of a unix socket, `mqtt+unix:///run/mqttd.sock`; `path` may be relative. */
export function unixUrl(path: string): string {
  // What would end the path of a URL, or be read as an escape in it.
  return `mqtt+unix://${resolve(path).replace(/[%?#]/g, encodeURIComponent)}`;
}

/** Bytes of a socket's path that every system takes; longer ones are cut silently by some. */
export const socketPathBytesMax = 100;
