import type { Answers } from "../../api/api.ts";
import { clause, name } from "../../log/foreign.ts";
import { drawn, table, type ViewStyle } from "./table.ts";

/** Each setting of the running broker, and its source. */
export function configLines({ file, values }: Answers["config"], style: ViewStyle): string[] {
  const from = file === null ? "No configuration file." : `Configuration of ${name(file)}`;
  const rows = values.map(({ path, value, origin }) => [
    name(path),
    typeof value === "string" ? name(value) : clause(JSON.stringify(value)),
    clause(origin),
  ]);
  return [
    ...drawn(from, style.columns, 2),
    "",
    ...table(["SETTING", "VALUE", "FROM"], rows, style),
  ];
}
