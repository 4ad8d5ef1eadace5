/** Topic names and filters are valid by grammar when they get here; this file only takes them apart. */

export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

/** `$share/group/filter` taken apart, or null for an ordinary filter (v5-4.8.2-1). */
export function sharedFilter(filter: string): SharedFilter | null {
  if (!filter.startsWith("$share/")) return null;
  const end = filter.indexOf("/", 7);
  if (end < 0) return null;
  return { group: filter.slice(7, end), filter: filter.slice(end + 1) };
}

/** Topics that begin with `$` are the server's own (v4-4.7.2-1, v5-4.7.2-1). */
export function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24;
}

/**
 * Whether a wildcard on a filter's first level keeps it from a topic [v4-4.7.2-1] [v5-4.7.2-1].
 * `start`: where the client's part of both begins, behind its mount point.
 */
export function isHidden(pattern: string, topic: string, start: number): boolean {
  if (topic.charCodeAt(start) !== 0x24) return false;
  const first = pattern.charCodeAt(start);
  return first === 0x23 || first === 0x2b;
}

/** Whether the server alone may publish there. Other `$` topics are left to the clients. */
export function isServerOwned(topic: string): boolean {
  return topic === "$SYS" || topic.startsWith("$SYS/");
}

/**
 * Whether a topic name matches a filter: the plain definition of section 4.7, for one pair. Matching
 * against many is the business of subscriptions.ts and retained.ts.
 */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (isReserved(topic) && (wanted[0] === "#" || wanted[0] === "+")) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length) return false;
    if (level !== "+" && level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

/** Length in bytes of a well-formed string as UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) continue;
    // A surrogate pair is two units and four bytes; every other unit from 0x800 takes three.
    if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)) bytes += 1;
    else bytes += 2;
  }
  return bytes;
}
