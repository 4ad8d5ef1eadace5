/** A process's resources at one moment. */
export interface Sample {
  /** Milliseconds since the run's start. */
  readonly at: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  /** Sockets opened by then. */
  readonly sockets: number;
}

export interface Growth {
  /** Growth of the resident memory for each connection opened and closed. */
  readonly bytesPerConnection: number;
  /** Two standard errors of that. */
  readonly uncertainty: number;
  readonly windows: number;
  readonly fromBytes: number;
  readonly toBytes: number;
}

/**
 * Growth that counts as a leak: an unreleased connection costs the broker 1.2 KiB and more, so half
 * of that is none; a collector's own needs do not grow with connections.
 */
export const leakBytes = 600;
/** The minimum of so long a window is free of the collector's saw tooth. */
const windowMs = 60_000;
/** Fewer points give a meaningless slope. */
const windowsMin = 6;

/**
 * The growth of resident memory after the warm-up: a least-squares line through the minimum of each
 * minute, over the number of connections made. Null: the run is too short.
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
