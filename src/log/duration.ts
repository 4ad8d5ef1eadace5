const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * A measured time in words, with three digits: `950 ms`, `3.00 s`, `15.0 s`, `2 min 5 s`,
 * `3 h 20 min`, `4 d 2 h`. Takes milliseconds. Rounds before it chooses the unit: 59,960 ms is
 * `1 min`, never `60.0 s`.
 */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms === Infinity) return "forever";
  if (Math.round(ms) < second) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 10) < 1000) return `${(Math.round(ms / 10) / 100).toFixed(2)} s`;
  if (Math.round(ms / 100) < 600) return `${(Math.round(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / second) * second;
  if (seconds < hour) return pair(seconds, minute, "min", second, "s");
  const minutes = Math.round(ms / minute) * minute;
  if (minutes < 2 * day) return pair(minutes, hour, "h", minute, "min");
  return pair(Math.round(ms / hour) * hour, day, "d", hour, "h");
}

/** A configured time in words: as `duration`, but whole seconds stay `30 s`. */
export function setting(ms: number): string {
  return ms > 0 && ms < minute && ms % second === 0 ? `${ms / second} s` : duration(ms);
}

function pair(ms: number, large: number, largeUnit: string, small: number, unit: string): string {
  const rest = (ms % large) / small;
  const whole = `${Math.floor(ms / large)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}

/** A clause beside a silence that began with a packet that the broker read late. */
export function readLate(milliseconds: number): string {
  return `its last packet may have come up to ${duration(milliseconds)} before the broker read it, which stood still meanwhile`;
}

/** A clause beside a silence or a delay that contains the standstill. */
export function stoodStill(milliseconds: number): string {
  return `the broker itself stood still for ${duration(milliseconds)}`;
}
