/** What the kernel of Linux says of its clocks. */
export interface SystemClock {
  read(): {
    /** Whether a daemon keeps the wall clock right. */
    readonly isSynchronised: boolean;
    /** How long the machine has slept since it started, milliseconds. */
    readonly asleepMs: number;
  };
}

const libraryNames = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const monotonic = 1;
const sinceBoot = 7;
/** `adjtimex` returns it for a clock that nothing keeps right. */
const unsynchronised = 5;
/** Bytes: more than `struct timex` has. Zeros ask, and set nothing. */
const timexBytes = 512;

/** Null: another system. */
export async function loadSystemClock(): Promise<SystemClock | null> {
  if (process.platform !== "linux") return null;
  const { dlopen } = await import("bun:ffi");
  for (const name of libraryNames) {
    try {
      const { clock_gettime, adjtimex } = dlopen(name, {
        clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
        adjtimex: { args: ["ptr"], returns: "i32" },
      }).symbols;
      const nanoseconds = (clock: number): bigint => {
        const time = new BigInt64Array(2);
        clock_gettime(clock, time);
        return (time[0] ?? 0n) * 1_000_000_000n + (time[1] ?? 0n);
      };
      return {
        read: () => ({
          isSynchronised: adjtimex(new Uint8Array(timexBytes)) !== unsynchronised,
          asleepMs: Number((nanoseconds(sinceBoot) - nanoseconds(monotonic)) / 1_000_000n),
        }),
      };
    } catch {
      // Not this system's name: try the next one.
    }
  }
  return null;
}
