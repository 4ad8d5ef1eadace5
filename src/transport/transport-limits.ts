/** What transports take from clients before MQTT's own limits count it. A reload may change it. */
export interface TransportLimits {
  /** Bytes of the largest packet; a WebSocket frame may be a little larger. */
  readonly packetSize: number;
  /** Bytes of frames that may wait for a later turn, on all WebSocket links of a listener together. */
  readonly webSocketBytes: number;
  /** So many more frames than bytes in them may arrive at once on a WebSocket link. */
  readonly webSocketEmptyFrames: number;
  /** Bytes that a listener reads and drops in a second, of all connections that it has ended. */
  readonly drainedBytes: number;
}

const mebibyte = 1024 * 1024;

export const defaultTransportLimits = {
  webSocketBytes: 64 * mebibyte,
  webSocketEmptyFrames: 1000,
  drainedBytes: 160 * mebibyte,
} as const;
