const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A measured size in words: `512 B`, `4.2 MiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Math.round(value) >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ""}`;
}
