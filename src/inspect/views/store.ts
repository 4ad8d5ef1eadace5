import type { Answers, StoreAccount } from "../../api/api.ts";
import { duration } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { size } from "../../log/size.ts";
import { ago } from "./moment.ts";
import { drawn, labelled, type ViewStyle } from "./table.ts";

/** The file of the store, what is in it, and whether commits succeed. */
export function storeLines(now: number, { store }: Answers["store"], style: ViewStyle): string[] {
  if (store === null) {
    const text =
      "Nothing is kept beyond the process: start the broker with --data DIR (store.path).";
    return drawn(text, style.columns, 2);
  }
  const { path, durability, bytes, logBytes, freeBytes, failure } = store;
  return labelled(
    [
      ["File", durability === null ? name(path) : `${name(path)}, durability ${durability}`],
      ["Size", `${size(bytes)}, ${size(freeBytes)} of it free, and ${size(logBytes)} of log`],
      ["Kept", keptText(store)],
      // A file has none.
      ...(durability === null ? [] : [["Commits", commitsText(now, store)] as [string, string]]),
      ...(failure === null ? [] : [["Failing", clause(failure)] as [string, string]]),
    ],
    style,
  );
}

/** The words for each kind of record, one and several, in the order of the line. */
const nouns: Readonly<Record<string, readonly [string, string]>> = {
  session: ["session", "sessions"],
  subscription: ["subscription", "subscriptions"],
  message: ["message", "messages"],
  retained: ["retained", "retained"],
  queued: ["queued", "queued"],
  outgoing: ["in flight", "in flight"],
  incoming: ["incoming", "incoming"],
  will: ["will", "wills"],
  connection: ["connection remembered", "connections remembered"],
  willRecord: ["fate", "fates"],
};

function keptText({ rows }: StoreAccount): string {
  return Object.entries(nouns)
    .flatMap(([kind, [one, several]]) => {
      const count = rows[kind] ?? 0;
      return `${count} ${count === 1 ? one : several}`;
    })
    .join(", ");
}

function commitsText(now: number, { commits }: StoreAccount): string {
  const { count, failed, lastAt, medianMs, longestMs } = commits;
  if (lastAt === null || medianMs === null) return failed === 0 ? "none yet" : `${failed} failed`;
  const times = `median ${duration(medianMs)}, longest ${duration(longestMs)}`;
  return `${count}, the last ${ago(now, lastAt)}; ${times}; ${failed} failed`;
}
