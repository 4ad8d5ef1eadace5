/** C library calls that Bun does not expose. Pointers are to typed arrays. */
export interface Libc {
  setsockopt(fd: number, level: number, option: number, value: Int32Array, size: number): number;
  listen(fd: number, backlog: number): number;
  /** `polled`: `count` times `struct pollfd`. */
  poll(polled: Int32Array, count: number, milliseconds: number): number;
  ioctl(fd: number, request: bigint, value: Int32Array): number;
  recv(fd: number, bytes: Uint8Array, count: number, flags: number): number;
}

/** The library's name for each C runtime: glibc, musl, macOS. */
const libraryNames = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
];

/** Null: no C library found. */
export async function loadLibc(): Promise<Libc | null> {
  const { dlopen } = await import("bun:ffi");
  for (const name of libraryNames) {
    try {
      return dlopen(name, {
        setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
        listen: { args: ["i32", "i32"], returns: "i32" },
        poll: { args: ["ptr", "usize", "i32"], returns: "i32" },
        ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
        recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i32" },
      }).symbols;
    } catch {
      // Not this platform's name: try the next one.
    }
  }
  return null;
}
