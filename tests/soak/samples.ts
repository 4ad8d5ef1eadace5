/** What a process held at one moment. */
export interface Sample {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  /** Sockets that had been opened by then. */
  readonly sockets: number;
}

export interface Growth {
  /** Of the resident memory, for each connection that came and went meanwhile. */
  readonly bytesPerConnection: number;
  /** Two standard errors of that. */
  readonly uncertainty: number;
  readonly windows: number;
  readonly fromBytes: number;
  readonly toBytes: number;
}

/**
 * Growth that is a leak: a connection that is not forgotten costs the broker 1.2 KiB and more, so that
 * half of that is none; what a collector needs for itself does not grow with connections.
 */
export const leakBytes = 600;
/** The collector's saw tooth is gone from the least of so long. */
const windowMs = 60_000;
/** Fewer points give a slope that means nothing. */
const windowsMin = 6;

/**
 * How the resident memory grows after the warm-up: a line through the least of each minute, by least
 * squares, over the connections that were made. Null: too short to say.
 */
export function growth(samples: readonly Sample[], warmUpMs: number): Growth | null {
  const lows = lowsOf(samples.filter(({ at }) => at >= warmUpMs));
  const first = lows[0];
  const last = lows.at(-1);
  if (lows.length < windowsMin || first === undefined || last === undefined) return null;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(lows.map(({ sockets }) => sockets));
  const y = mean(lows.map(({ rssBytes }) => rssBytes));
  const spread = lows.reduce((sum, { sockets }) => sum + (sockets - x) ** 2, 0);
  const slope = lows.reduce((sum, low) => sum + (low.sockets - x) * (low.rssBytes - y), 0) / spread;
  const residue = lows.reduce(
    (sum, low) => sum + (low.rssBytes - y - slope * (low.sockets - x)) ** 2,
    0,
  );
  return {
    bytesPerConnection: slope,
    uncertainty: 2 * Math.sqrt(residue / (lows.length - 2) / spread),
    windows: lows.length,
    fromBytes: first.rssBytes,
    toBytes: last.rssBytes,
  };
}

/** The sample with the least memory of each whole window. */
function lowsOf(samples: readonly Sample[]): Sample[] {
  const lows: Sample[] = [];
  const begin = samples[0]?.at ?? 0;
  const end = samples.at(-1)?.at ?? 0;
  for (let from = begin; from + windowMs <= end; from += windowMs) {
    const inside = samples.filter(({ at }) => at >= from && at < from + windowMs);
    const [low] = inside.toSorted((a, b) => a.rssBytes - b.rssBytes);
    if (low !== undefined) lows.push(low);
  }
  return lows;
}
