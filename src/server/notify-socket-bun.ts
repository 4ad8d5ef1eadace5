/** Sends datagrams to a unix socket, which Bun itself can't. */

const libraryNames = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** Linux's numbers, the same for x64 and arm64. */
const unix = 1;
const datagramCloseOnExec = 2 | 0x80000;
const neitherSignalNorWait = 0x4000 | 0x40;
/** `sun_path` of `struct sockaddr_un`, and the 16 bits before it. */
const pathBytes = 108;
const familyBytes = 2;

/**
 * `address`: an absolute path, or `@` and a name without a file. Returns what sends one datagram,
 * without waiting, and is false if the other end did not take it; or the reason why none can be sent.
 */
export async function openNotifySocket(
  address: string,
): Promise<((text: string) => boolean) | string> {
  if (process.platform !== "linux") return "only Linux has such sockets";
  if (!/^[/@]./.test(address)) return "it is neither a path nor @NAME";
  const path = new TextEncoder().encode(address);
  if (path.length >= pathBytes) return `it is longer than ${pathBytes - 1} bytes`;
  const { dlopen } = await import("bun:ffi");
  for (const name of libraryNames) {
    try {
      const { socket, sendto } = dlopen(name, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        sendto: { args: ["i32", "ptr", "usize", "i32", "ptr", "u32"], returns: "i64" },
      }).symbols;
      const descriptor = socket(unix, datagramCloseOnExec, 0);
      if (descriptor < 0) return "the system gives no socket";
      const to = new Uint8Array(familyBytes + path.length);
      new DataView(to.buffer).setUint16(0, unix, true);
      // The name of a socket without a file begins with a zero.
      to.set(address.startsWith("@") ? path.with(0, 0) : path, familyBytes);
      return (text) => {
        const bytes = new TextEncoder().encode(text);
        const sent = sendto(descriptor, bytes, bytes.length, neitherSignalNorWait, to, to.length);
        return Number(sent) === bytes.length;
      };
    } catch {
      // Not this system's name: try the next one.
    }
  }
  return "no C library found";
}
