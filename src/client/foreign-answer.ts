/** What answers an MQTT client in another protocol, as a clause; null: it may be MQTT. `first`: its first bytes. */
export function foreignAnswer(first: Uint8Array): string | null {
  if (first[0] === 0x15 && first[1] === 0x03) return "it answered with a TLS alert";
  if (Buffer.from(first.subarray(0, 5)).toString("latin1") === "HTTP/")
    return "it answered with HTTP";
  return null;
}
