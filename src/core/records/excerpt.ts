/** Characters kept of a text in a record. A person needs no more. */
export const textKept = 512;

/**
 * A copy of an event or a fact with each long text in it cut. Clients choose these texts, up to
 * 65,535 bytes each, and records have no other bound on bytes.
 */
export function excerpt<Fact>(fact: Fact): Fact {
  if (!isLong(fact)) return fact;
  if (typeof fact === "string") return cut(fact) as Fact & string; // A string is cut to a string.
  if (Array.isArray(fact)) return fact.map(excerpt) as Fact & unknown[]; // As long as before.
  const entries: [string, unknown][] = Object.entries(fact ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, excerpt(value)])) as Fact; // As above.
}

/** Whether `kept` is the excerpt of a text. */
export function isExcerptOf(kept: string, text: string): boolean {
  if (kept === text) return true;
  return text.length > textKept && kept.length > textKept && kept === cut(text);
}

/** Events are plain objects with few fields and short lists, so this is cheap. */
function isLong(fact: unknown): boolean {
  if (typeof fact === "string") return fact.length > textKept;
  if (typeof fact !== "object" || fact === null) return false;
  // Without the list that Object.values makes: every event is looked at.
  for (const key in fact) if (isLong(fact[key as keyof typeof fact])) return true;
  return false;
}

function cut(text: string): string {
  if (text.length <= textKept) return text;
  const last = text.charCodeAt(textKept - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  const codes: number[] = [];
  for (let at = 0; at < (isHalf ? textKept - 1 : textKept); at++) codes.push(text.charCodeAt(at));
  // Built from its codes, because a slice may retain the whole text.
  return `${String.fromCharCode(...codes)}...`;
}
