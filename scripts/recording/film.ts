import type { Run } from "./screen.ts";

/** A pane as it was at one moment: its lines from top to bottom. */
export type Picture = readonly (readonly Run[])[];

/** What was on all panes, from `atMs` on. */
export interface Frame {
  readonly atMs: number;
  readonly pictures: readonly Picture[];
}

/** A line of a pane that stands there from one frame to another. */
export interface Span {
  readonly pane: number;
  readonly row: number;
  readonly runs: readonly Run[];
  readonly fromMs: number;
  /** Null: it is still there at the end. */
  readonly toMs: number | null;
}

/** Each line once for each time it appears, so that a line that stays is drawn once. */
export function spansOf(frames: readonly Frame[]): Span[] {
  const spans: Span[] = [];
  const current = new Map<
    string,
    { readonly text: string; readonly from: Frame; readonly runs: readonly Run[] }
  >();
  for (const frame of [...frames, null]) {
    const places = (frame ?? frames[0])?.pictures.flatMap((picture, pane) =>
      picture.map((_, row) => ({ pane, row })),
    );
    for (const { pane, row } of places ?? []) {
      const place = `${pane}:${row}`;
      const before = current.get(place);
      const runs = frame?.pictures[pane]?.[row] ?? [];
      const text = JSON.stringify(runs);
      if (frame !== null && before?.text === text) continue;
      if (before !== undefined && before.runs.length > 0) {
        const { runs: drawn, from } = before;
        spans.push({ pane, row, runs: drawn, fromMs: from.atMs, toMs: frame?.atMs ?? null });
      }
      if (frame !== null) current.set(place, { text, from: frame, runs });
    }
  }
  return spans;
}
