/** What a broker counts of one kind, and by what its process has grown meanwhile; bytes. */
export interface Growth {
  readonly counted: number;
  /** Resident memory. */
  readonly resident: number;
  /** What the runtime keeps alive. */
  readonly live: number;
  /** How many of that kind. */
  readonly number: number;
  readonly kept: number;
}

const tolerance = 0.25;

export function isRight({ counted, resident }: Growth): boolean {
  return Math.abs(counted / resident - 1) <= tolerance;
}

/** A line for people. */
export function growthText(kind: string, collected: Growth, left: Growth): string {
  const mark = isRight(collected) && isRight(left) ? "ok     " : "DIFFERS";
  const { counted, live, number } = collected;
  const ratios = [collected, left].map((one) => (one.counted / one.resident).toFixed(2));
  return [
    `${mark} ${kind}: counted ${mebibytes(counted)} of ${number}`,
    `collected: grew ${mebibytes(collected.resident)}, ratio ${ratios[0]}`,
    `left: grew ${mebibytes(left.resident)}, ratio ${ratios[1]}`,
    `live ${mebibytes(live)}`,
    `each: counted ${Math.round(counted / number)} B, grew ${Math.round(collected.resident / number)} .. ${Math.round(left.resident / left.number)} B`,
  ].join("; ");
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
