/**
 * Seconds from which a keepalive is long for a client with a will, whose silent death is detected
 * after 1.5 times as long. The thresholds differ with the reader.
 */
export const longKeepAlive = {
  /**
   * For a log warning, when nothing has gone wrong yet. Warnings have to be rare, and many devices
   * use minutes on purpose; an hour is hardly ever intended.
   */
  logged: 3600,
  /** For a question about this client: a keepalive of minutes keeps a will waiting. */
  advised: 120,
  /** For a question after the client went silent, when the user has waited for its will. */
  advisedAfterSilence: 60,
} as const;
