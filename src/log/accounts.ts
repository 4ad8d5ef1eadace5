import type { AccessReloaded, AccountsReloaded, ListedNames } from "../api/api.ts";
import { counted } from "./counted.ts";
import { name } from "./foreign.ts";

/** What a reload changed in one password file, for the log and for `inspect reload`. */
export function accountsReloadedText(change: AccountsReloaded): string {
  const kinds = (["added", "changed", "removed"] as const).flatMap((kind) =>
    change[kind].names.length === 0 ? [] : [`${kind} ${listedText(change[kind])}`],
  );
  const stay =
    change.connected.names.length === 0
      ? ""
      : `; still connected with the old account: ${listedText(change.connected)}`;
  return `Accounts of ${name(change.file)} reloaded: ${kinds.join(" · ")}${stay}`;
}

/** An access list that a reload has read. */
export function accessReloadedText({ file, lines }: AccessReloaded): string {
  return `Access list ${name(file)} reloaded: ${counted(lines, "line")}`;
}

/** `ann, bob and 3 more` */
export function listedText({ names, more }: ListedNames): string {
  return names.map(name).join(", ") + (more === 0 ? "" : ` and ${more} more`);
}
