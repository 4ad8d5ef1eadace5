/** A fault: the process prints its state and exits with code 70. */
export class AssertionFault extends Error {
  override name = "AssertionFault";
}

/** Asserts what must hold whatever a peer or an operator does. Throws AssertionFault. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message);
}

/** As a failed `assert`. Where the message takes work, so that it is made only for a fault. */
export function fault(message: string): never {
  throw new AssertionFault(message);
}

/** Makes the compiler prove that every case is handled. */
export function unreachable(value: never): never {
  throw new AssertionFault(`unreachable: ${String(value)}`);
}
