import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { resolve } from "node:path";
import { errorCode } from "../log/system-error.ts";
import type { BoundAddress } from "./listen-addresses.ts";
import { ListenError, type ListeningSocket } from "./transport.ts";
import { socketPathBytesMax } from "./unix-url.ts";

/** Whoever may write to the file may connect: its owner and its group. */
const mode = 0o660;
/** How long a living owner may take to answer. */
const probeMs = 1000;

/**
 * Listens on a unix socket by way of `bind`. A file that a dead process left is replaced. The file is
 * removed when the socket is closed. Throws ListenError.
 */
export async function listenOnPath(
  path: string,
  bind: (path: string) => Promise<BoundAddress>,
): Promise<ListeningSocket> {
  if (Buffer.byteLength(path) > socketPathBytesMax)
    throw refused("ENAMETOOLONG", path, `is longer than ${socketPathBytesMax} bytes`);
  await removeStale(path);
  // From the first moment on, not only once its mode is set.
  const before = process.umask(0o777 & ~mode);
  let bound: BoundAddress;
  try {
    bound = await bind(path);
    chmodSync(path, mode);
  } catch (error) {
    throw refused(errorCode(error) ?? "unknown", path, reason(error));
  } finally {
    process.umask(before);
  }
  const { ino } = lstatSync(path);
  return {
    addresses: [resolve(path)],
    port: 0,
    descriptors: bound.descriptor === null ? [] : [bound.descriptor],
    close() {
      // Another broker may have replaced it meanwhile.
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
      void bound.close();
    },
  };
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw refused("EEXIST", path, "is not a socket, and is left as it is: name another file");
  if (await isAlive(path)) throw refused("EADDRINUSE", path, "is in use by another process");
  rmSync(path, { force: true });
}

/** Whether a process accepts connections there. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((answered) => {
    const socket = createConnection(path);
    const answer = (isAlive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      answered(isAlive);
    };
    // Its queue is full: somebody has the socket.
    const timer = setTimeout(() => answer(true), probeMs);
    socket.on("connect", () => answer(true));
    socket.on("error", (error) => answer(errorCode(error) !== "ECONNREFUSED"));
  });
}

function reason(error: unknown): string {
  switch (errorCode(error)) {
    case "EACCES":
    case "EPERM":
      return "can't be created: permission denied";
    case "ENOENT":
    case "ENOTDIR":
      return "can't be created: there is no such folder";
    default:
      return `can't be created: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function refused(code: string, path: string, text: string): ListenError {
  return new ListenError(code, path, 0, `the socket ${path} ${text}`);
}
