/**
 * From how many seconds on a keepalive is long for a client with a will: its silent death is found that
 * late and half as late again. The readers differ, and so do the thresholds.
 */
export const longKeepAlive = {
  /**
   * The log warns, whoever reads it, and nothing has gone wrong yet. Warnings have to be rare, and
   * many devices ask for minutes on purpose: an hour is hardly ever meant.
   */
  logged: 3600,
  /** Somebody asks about this one client: a keepalive of minutes is what keeps a will waiting. */
  advised: 120,
  /** The client has just died that way, and who asks has waited for its will. */
  advisedAfterSilence: 60,
} as const;
