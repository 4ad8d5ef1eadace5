import { type Frame, type Span, spansOf } from "./film.ts";
import type { Run, Style } from "./screen.ts";

export interface PaneLayout {
  /** What runs in it, above its first line. */
  readonly title: string;
  readonly rows: number;
}

export interface Drawing {
  readonly columns: number;
  readonly panes: readonly PaneLayout[];
  readonly frames: readonly Frame[];
  /** How long the last frame stays before the first one comes again. */
  readonly lastMs: number;
  /** For those who do not see it. */
  readonly title: string;
}

/** Of a character, in the picture's own units. */
const [width, height] = [8, 18];
const [margin, padding, titleHeight] = [6, 10, 24];

/** WCAG's 4.5 to 1, at least, on the background of a pane; tests/scripts/recording.test.ts measures it. */
const palettes = {
  light: {
    ...{ back: "#ffffff", edge: "#d0d7de", text: "#1f2328", dim: "#59636e" },
    ...{ red: "#b3261e", green: "#116329", yellow: "#7a4d00", blue: "#0550ae" },
    ...{ magenta: "#8250df", cyan: "#0b5c6b" },
  },
  dark: {
    ...{ back: "#0d1117", edge: "#30363d", text: "#e6edf3", dim: "#9198a1" },
    ...{ red: "#ff8a80", green: "#7ee787", yellow: "#e3b341", blue: "#79c0ff" },
    ...{ magenta: "#d2a8ff", cyan: "#76e3ea" },
  },
};

/**
 * A film of terminals as one SVG without script or network. Who has asked for reduced motion, or whose
 * program knows no CSS animation, sees the last frame.
 */
export function draw({ columns, panes, frames, lastMs, title }: Drawing): string {
  const begin = frames[0]?.atMs ?? 0;
  const totalMs = (frames.at(-1)?.atMs ?? 0) - begin + lastMs;
  const tops = panes.map((_, index) => topOf(panes, index));
  const full = {
    width: columns * width + 2 * (padding + margin),
    height: topOf(panes, panes.length),
  };
  const intervals = new Map<string, string>();
  const lines = spansOf(frames).map((span) => {
    const name = animationOf(span, begin, totalMs, intervals);
    const y = (tops[span.pane] ?? 0) + titleHeight + padding + (span.row + 0.75) * height;
    const classes = [name, span.toMs === null ? "" : "gone"]
      .filter((word) => word !== "")
      .join(" ");
    return `<text x="${margin + padding}" y="${y}"${attribute("class", classes)}>${textOf(span.runs)}</text>`;
  });
  const moving = [...intervals].map(([keyframes, name]) => `@keyframes ${name}{${keyframes}}`);
  const names = [...intervals.values()].map((name) => `text.${name}{animation-name:${name}}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${full.width}" height="${full.height}" viewBox="0 0 ${full.width} ${full.height}" role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<style>
${paletteOf("light")}
@media (prefers-color-scheme:dark){${paletteOf("dark")}}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:var(--text);white-space:pre}
.name{fill:var(--dim)}
.bold{font-weight:700}.underlined{text-decoration:underline}
.dim,.white,.black{fill:var(--dim)}${["red", "green", "yellow", "blue", "magenta", "cyan"].map((one) => `.${one}{fill:var(--${one})}`).join("")}
.gone{visibility:hidden}
@media (prefers-reduced-motion:no-preference){
text[class]{animation:${totalMs}ms step-end infinite}.name{animation:none}
${names.join("")}
${moving.join("\n")}
}
</style>
${panes.map(({ title: name, rows }, index) => frameOf(full.width, tops[index] ?? 0, rows, name)).join("\n")}
${lines.join("\n")}
</svg>
`;
}

const paneHeight = (rows: number): number => titleHeight + rows * height + 2 * padding;

function topOf(panes: readonly PaneLayout[], index: number): number {
  return panes.slice(0, index).reduce((top, { rows }) => top + paneHeight(rows) + margin, margin);
}

function frameOf(fullWidth: number, top: number, rows: number, title: string): string {
  const box = `x="${margin}" y="${top}" width="${fullWidth - 2 * margin}"`;
  return `<rect ${box} height="${paneHeight(rows)}" rx="6" fill="var(--back)" stroke="var(--edge)"/>
<path d="M${margin} ${top + titleHeight}h${fullWidth - 2 * margin}" stroke="var(--edge)"/>
<text class="name" x="${margin + padding}" y="${top + 17}">${escaped(title)}</text>`;
}

/** The name of the animation that shows a line in its time alone; "": it is always there. */
function animationOf(
  { fromMs, toMs }: Span,
  begin: number,
  totalMs: number,
  intervals: Map<string, string>,
): string {
  const share = (atMs: number): string =>
    `${Number((((atMs - begin) / totalMs) * 100).toFixed(3))}%`;
  const hidden = "{visibility:hidden}";
  const before = fromMs > begin ? `0%${hidden}` : "";
  const after = toMs === null ? "" : `${share(toMs)},100%${hidden}`;
  if (before === "" && after === "") return "";
  const keyframes = `${before}${share(fromMs)}{visibility:visible}${after}`;
  const name = intervals.get(keyframes) ?? `t${intervals.size}`;
  intervals.set(keyframes, name);
  return name;
}

/** Each run is as wide as its characters, whatever font is there. */
function textOf(runs: readonly Run[]): string {
  let column = 0;
  return runs
    .map(({ text, style }) => {
      const at = margin + padding + column * width;
      column += text.length;
      if (text.trim() === "") return "";
      const long = `x="${at}" textLength="${text.length * width}"`;
      return `<tspan ${long}${attribute("class", classOf(style))}>${escaped(text)}</tspan>`;
    })
    .join("");
}

function classOf({ colour, bold, dim, underlined }: Style): string {
  const words = [colour ?? (dim ? "dim" : ""), bold ? "bold" : "", underlined ? "underlined" : ""];
  return words.filter((word) => word !== "").join(" ");
}

function paletteOf(name: keyof typeof palettes): string {
  const values = Object.entries(palettes[name]).map(([key, value]) => `--${key}:${value}`);
  return `svg{${values.join(";")}}`;
}

const attribute = (name: string, value: string): string =>
  value === "" ? "" : ` ${name}="${value}"`;

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
