import { dlopen, ptr } from "bun:ffi";
import { expect } from "bun:test";

/**
 * Makes a peer vanish without FIN or RST: a packet filter on its own socket drops everything that
 * arrives, so that its kernel never acknowledges anything again. Linux only; needs no privilege.
 */
export function vanish(descriptor: number): void {
  // One instruction of the classic packet filter: return 0, keep nothing.
  const program = Buffer.alloc(8);
  program.writeUInt16LE(0x06, 0);
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(1, 0);
  filter.writeBigUInt64LE(BigInt(ptr(program)), 8);
  const solSocket = 1;
  const soAttachFilter = 26;
  const result = libc().setsockopt(descriptor, solSocket, soAttachFilter, filter, 16);
  expect([result, program.length]).toEqual([0, 8]);
}

/** C library functions that read and set socket options. */
export function libc() {
  return dlopen("libc.so.6", {
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  }).symbols;
}
