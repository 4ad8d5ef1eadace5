/** Whether bytes[start..end) begin with these bytes. */
export function beginsWith(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: readonly number[],
): boolean {
  return (
    start + wanted.length <= end && wanted.every((value, index) => bytes[start + index] === value)
  );
}
