import { duration } from "../../../log/duration.ts";
import type { ArmRecord } from "../records.ts";
import { html, type Markup } from "./markup.ts";

/** From when to when the lines of one scenario go, in milliseconds from the drop. */
export interface Scale {
  readonly from: number;
  readonly to: number;
}

export function scaleOf(arms: readonly ArmRecord[]): Scale {
  const times = arms.flatMap(({ dueMs, gotMs, watchedMs }) => [dueMs ?? 0, gotMs ?? 0, watchedMs]);
  // A scale without length has no places.
  return { from: Math.min(0, ...times), to: Math.max(1, ...times) };
}

/** One arm: the drop, how long it was watched, when the will was due and when it came. */
export function timeLine(arm: ArmRecord, scale: Scale): Markup {
  const { dueMs, gotMs, watchedMs, verdict } = arm;
  const at = (time: number): string => place(time, scale);
  const line = (name: string, from: number, to: number): Markup =>
    html`<line class="${name}" x1="${at(from)}" x2="${at(to)}" y1="14" y2="14" />`;
  const mark = (name: string, time: number): Markup =>
    html`<line class="${name}" x1="${at(time)}" x2="${at(time)}" y1="3" y2="25" />`;
  const dot = (name: string, time: number): Markup =>
    html`<circle class="${name}" cx="${at(time)}" cy="14" r="5" />`;
  const marks = [
    line("watched", 0, watchedMs),
    ...(dueMs === null || gotMs === null ? [] : [line("lag", dueMs, gotMs)]),
    mark("drop", 0),
    ...(dueMs === null ? [] : [mark("due", dueMs)]),
    ...(gotMs === null ? [] : [dot("came", gotMs)]),
    ...(dueMs !== null && gotMs === null ? [dot("none", watchedMs)] : []),
  ];
  return html`<svg class="${verdict}" role="img" aria-label="${timeText(arm)}">${marks}</svg>`;
}

/** Where the times of the lines above are. */
export function axis(scale: Scale): Markup {
  const middle = (scale.from + scale.to) / 2;
  const ticks = [scale.from, middle, scale.to].map((time, index) => {
    const anchor = ["start", "middle", "end"][index] ?? "middle";
    const x = place(time, scale);
    return html`<line class="axis" x1="${x}" x2="${x}" y1="0" y2="5" /><text
        x="${x}"
        y="19"
        text-anchor="${anchor}"
        >${duration(time)}</text
      >`;
  });
  return html`<svg aria-hidden="true">
    <line
      class="axis"
      x1="${place(scale.from, scale)}"
      x2="${place(scale.to, scale)}"
      y1="1"
      y2="1"
    />
    ${ticks}
  </svg>`;
}

/** `due 3.00 s after the drop, came after 6.21 s, watched for 8.21 s`. */
export function timeText({ dueMs, gotMs, watchedMs }: ArmRecord): string {
  const due = dueMs === null ? "no will is due" : `due ${after(dueMs)}`;
  const got = gotMs === null ? "none came" : `came ${after(gotMs)}`;
  return `${due}, ${got}, watched for ${duration(watchedMs)}`;
}

function after(milliseconds: number): string {
  return milliseconds < 50 && milliseconds >= 0 ? "at once" : `after ${duration(milliseconds)}`;
}

/** In percent of the width, with room for the marks at both ends. */
function place(time: number, { from, to }: Scale): string {
  return `${(2 + (96 * (time - from)) / (to - from)).toFixed(2)}%`;
}
