import type { AccessList } from "../../src/core/access-list.ts";
import { parseAccessFile } from "../../src/server/access/access-file.ts";

/** An access list from the lines of a file. Throws for invalid ones. */
export function accessListOf(lines: readonly string[], path = "test.acl"): AccessList {
  const parsing = parseAccessFile({ path, text: lines.join("\n") });
  for (let next = parsing.next(); ; next = parsing.next()) {
    if (next.done !== true) continue;
    if (!("problems" in next.value)) return next.value.list;
    throw new Error(next.value.problems.map(({ at, text }) => `${at}: ${text}`).join("\n"));
  }
}
