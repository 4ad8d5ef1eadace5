/** A fault of our own: the process prints its state and ends with exit code 70. */
export class AssertionFault extends Error {
  override name = "AssertionFault";
}

/** States what must hold whatever a peer or an operator does. Throws AssertionFault. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message);
}

/** Makes the compiler prove that every case was handled. */
export function unreachable(value: never): never {
  throw new AssertionFault(`unreachable: ${String(value)}`);
}
