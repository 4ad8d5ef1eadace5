/** Whether a topic name matches a filter by section 4.7, level by level. */
export function matches(filter: string, topic: string): boolean {
  // [v4-4.7.2-1] [v5-4.7.2-1]
  if (topic.startsWith("$") && /^[#+]/.test(filter)) return false;
  return levelsMatch(filter.split("/"), topic.split("/"));
}

function levelsMatch(
  [wanted, ...filters]: readonly string[],
  [level, ...levels]: readonly string[],
): boolean {
  // `#` matches its parent level as well, so it is checked before the topic has run out.
  if (wanted === "#") return true;
  if (wanted === undefined || level === undefined) return wanted === level;
  return (wanted === "+" || wanted === level) && levelsMatch(filters, levels);
}

/** The filter of a shared subscription without `$share/group/`; null: an ordinary one. */
export function sharedFilter(filter: string): string | null {
  const [share, , ...levels] = filter.split("/");
  return share === "$share" ? levels.join("/") : null;
}
