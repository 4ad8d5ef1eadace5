import type { Panel, Series } from "./chart.ts";
import type { RowSummary } from "./summary.ts";

/** A row with its size, as far as a chart needs it. */
export interface SizedRow {
  readonly name: string;
  readonly size?: { readonly of: string; readonly value: number };
}

/** The panels, in this order. */
const panelTexts: Readonly<
  Record<string, { readonly title: string; readonly horizontal: string }>
> = {
  subscribers: { title: "Fan-out, QoS 0", horizontal: "subscribers" },
  filters: { title: "A new topic beside filters", horizontal: "filters" },
  levels: { title: "A new topic in a deep tree", horizontal: "levels of the topic" },
  siblings: { title: "A new topic in a wide tree", horizontal: "filters on its level" },
};

/** Microseconds of the broker's CPU for each message, against each size. Without figures no panels. */
export function sizePanels(rows: readonly SizedRow[], summary: readonly RowSummary[]): Panel[] {
  return Object.entries(panelTexts).flatMap(([of, texts]) => {
    const series = new Map<string, Series["points"][number][]>();
    for (const { name, size } of rows) {
      if (size?.of !== of) continue;
      for (const { broker, costs } of summary.find((row) => row.name === name)?.lines ?? []) {
        if (costs === null) continue;
        const points = series.get(broker) ?? [];
        points.push({ x: size.value, y: costs.median, min: costs.min, max: costs.max });
        series.set(broker, points);
      }
    }
    if (series.size === 0) return [];
    const all = Array.from(series, ([name, points]) => ({ name, points }));
    return [{ ...texts, series: all }];
  });
}
