import { Reason } from "../core/reason.ts";
import { beginsWith } from "./beginning.ts";
import { Cursor } from "./cursor.ts";

const hash = 0x23;
const plus = 0x2b;
const slash = 0x2f;
const sharePrefix = [0x24, 0x73, 0x68, 0x61, 0x72, 0x65, 0x2f];

/**
 * Reads one Topic Filter of SUBSCRIBE or UNSUBSCRIBE strictly (v4-4.7, v5-4.7 and 4.8.2)
 * [v4-3.8.3-1] [v4-3.10.3-1] [v5-3.8.3-1] [v5-3.10.3-1]. Shared subscriptions are an extension in
 * v4, so the v5 rules are cited there too. Returns whether the subscription is shared.
 */
export function walkFilter(cursor: Cursor): boolean {
  cursor.text("Topic Filter");
  if (cursor.error !== null) return false;
  const { fieldStart, fieldEnd } = cursor;
  if (fieldStart === fieldEnd) {
    invalid(cursor, "4.7.3-1", "4.7.3-1", "Topic Filter is empty");
    return false;
  }
  const shared = beginsWith(cursor.bytes, fieldStart, fieldEnd, sharePrefix);
  const levels = shared ? walkShareName(cursor) : fieldStart;
  if (cursor.error === null) walkLevels(cursor, levels);
  return shared;
}

/** What is wrong with a Topic Filter given as text; null: nothing. */
export function filterFlaw(filter: string): string | null {
  const text = new TextEncoder().encode(filter);
  if (text.length > 0xffff) return "Topic Filter is longer than 65,535 bytes";
  const bytes = new Uint8Array(2 + text.length);
  bytes.set([text.length >> 8, text.length & 0xff]);
  bytes.set(text, 2);
  const cursor = new Cursor(bytes, 0, bytes.length, 5);
  walkFilter(cursor);
  return cursor.error?.detail ?? null;
}

/** `$share/{ShareName}/{filter}`: returns the offset of `{filter}`. */
function walkShareName(cursor: Cursor): number {
  const { bytes, fieldEnd } = cursor;
  const start = cursor.fieldStart + sharePrefix.length;
  let at = start;
  while (at < fieldEnd && bytes[at] !== slash) {
    if (bytes[at] === hash || bytes[at] === plus) {
      invalidShare(cursor, "4.8.2-2", "ShareName holds a wildcard");
    }
    at += 1;
  }
  if (at === start) invalidShare(cursor, "4.8.2-1", "ShareName is empty");
  if (at + 1 >= fieldEnd) invalidShare(cursor, "4.8.2-2", "ShareName without a Topic Filter");
  return at + 1;
}

function walkLevels(cursor: Cursor, start: number): void {
  const { bytes, fieldEnd } = cursor;
  for (let at = start; at < fieldEnd; at++) {
    const value = bytes[at];
    if (value !== hash && value !== plus) continue;
    const opens = at === start || bytes[at - 1] === slash;
    const last = at + 1 === fieldEnd;
    if (value === hash && !(opens && last)) {
      invalid(cursor, "4.7.1-2", "4.7.1-1", "# is not the whole last level of the Topic Filter");
    }
    if (value === plus && !(opens && (last || bytes[at + 1] === slash))) {
      invalid(cursor, "4.7.1-3", "4.7.1-2", "+ is not a whole level of the Topic Filter");
    }
  }
}

function invalid(cursor: Cursor, v4: string, v5: string, detail: string): void {
  cursor.fail(Reason.topicFilterInvalid, v4, v5, detail);
}

function invalidShare(cursor: Cursor, statement: string, detail: string): void {
  if (cursor.error !== null) return;
  cursor.error = { reason: Reason.topicFilterInvalid, statement: `v5-${statement}`, detail };
}
