/** Status codes of Close frames (RFC 6455, 7.4.1) that this program sends or names. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupported: 1003,
  /** Never sent: a Close frame without a status. */
  none: 1005,
  invalidPayload: 1007,
  policy: 1008,
  tooBig: 1009,
} as const;

const names: ReadonlyMap<number, string> = new Map([
  [1000, "normal closure"],
  [1001, "going away"],
  [1002, "protocol error"],
  [1003, "unsupported data"],
  [1007, "invalid payload"],
  [1008, "policy violation"],
  [1009, "message too big"],
  [1010, "extension missing"],
  [1011, "internal error"],
  [1012, "service restart"],
  [1013, "try again later"],
  [1014, "bad gateway"],
]);

/** A status as the log names it: `1001, going away`; `without a status`. */
export function closeName(code: number): string {
  if (code === CloseCode.none) return "without a status";
  const name = names.get(code);
  return name === undefined ? String(code) : `${code}, ${name}`;
}
