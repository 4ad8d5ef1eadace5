import { folded, padded, width } from "../../log/columns.ts";

interface ListedRow {
  readonly name: string;
  readonly group: string;
  readonly title: string;
  readonly isShort?: boolean;
}

/** What `bench --list` prints: the rows by group, those of the short set marked; or NDJSON. */
export function rowListing(
  rows: readonly ListedRow[],
  { columns, json }: { readonly columns: number; readonly json: boolean },
): string {
  if (json) {
    return rows
      .map(
        ({ name, group, title, isShort = false }) =>
          `${JSON.stringify({ name, group, title, short: isShort })}\n`,
      )
      .join("");
  }
  const nameWidth = Math.max(...rows.map(({ name }) => width(name))) + 2;
  const lines = [...new Set(rows.map(({ group }) => group))].flatMap((group) => [
    `${group}:`,
    ...rows
      .filter((row) => row.group === group)
      .flatMap(({ name, title, isShort }) => {
        const mark = isShort === true ? "* " : "  ";
        const text = folded(title, columns - nameWidth - 2);
        return text.map(
          (line, index) =>
            (index === 0 ? mark + padded(name, nameWidth) : " ".repeat(nameWidth + 2)) + line,
        );
      }),
  ]);
  const legend = rows.some(({ isShort }) => isShort === true) ? ["", "* in the short set"] : [];
  return `${[...lines, ...legend].join("\n")}\n`;
}
