/** Topic names and filters here are valid by grammar already; this file only parses them. */

export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

/** The parts of `$share/group/filter`; null: an ordinary filter (v5-4.8.2-1). */
export function sharedFilter(filter: string): SharedFilter | null {
  if (!filter.startsWith("$share/")) return null;
  const end = filter.indexOf("/", 7);
  if (end < 0) return null;
  return { group: filter.slice(7, end), filter: filter.slice(end + 1) };
}

/** Whether a topic begins with `$`, which reserves it for the server (v4-4.7.2-1, v5-4.7.2-1). */
export function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24;
}

/**
 * Whether a matching topic is hidden from a filter: a wildcard on the first level does not match
 * topics that begin with `$` [v4-4.7.2-1] [v5-4.7.2-1], and some topics behind a mount point are
 * hidden from all its clients. `start`: the mount point's length, where the client's part of both
 * begins.
 */
export function isHidden(pattern: string, topic: string, start: number): boolean {
  if (start > 0 && !isTopicBehind(topic, start)) return true;
  if (topic.charCodeAt(start) !== 0x24) return false;
  const first = pattern.charCodeAt(start);
  return first === 0x23 || first === 0x2b;
}

/**
 * Whether a client behind a mount point may see a topic. Not the mount point itself, whose name
 * would be empty [v4-4.7.3-1] [v5-4.7.3-1], and not `$SYS` behind it, which would look like the
 * broker's own.
 */
export function isVisibleThroughMount(mountPoint: string, topic: string): boolean {
  if (mountPoint === "") return true;
  return topic.startsWith(mountPoint) && isTopicBehind(topic, mountPoint.length);
}

function isTopicBehind(topic: string, start: number): boolean {
  return topic.length > start && !isServerOwned(topic, start);
}

/** Whether only the server may publish on a topic. Clients may use other `$` topics. */
export function isServerOwned(topic: string, start = 0): boolean {
  // It is asked twice for each message, and hardly any topic begins so.
  if (topic.charCodeAt(start) !== 0x24 || !topic.startsWith("$SYS", start)) return false;
  return topic.length === start + 4 || topic.charCodeAt(start + 4) === 0x2f;
}

/** The one exception, as in mosquitto: a bridge publishes its own state there. */
const bridgeState = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/**
 * Whether a client may not publish or set a will on a topic because the server owns it, either as
 * the client names it or with the mount point.
 */
export function isForServerOnly(mountPoint: string, named: string): boolean {
  if (mountPoint === "") return isServerOwned(named) && !bridgeState.test(named);
  return isServerOwned(named) || isServerOwned(mountPoint + named);
}

/**
 * Whether a topic name matches a filter by section 4.7, for one pair. subscriptions.ts and
 * retained.ts match against many.
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

/** Whether a topic exceeds an MQTT string, e.g. with its mount point [v4-4.7.3-3] [v5-4.7.3-3]. */
export function tooLong(topic: string): boolean {
  return topic.length * 3 > stringBytes && utf8Length(topic) > stringBytes;
}

/** Bytes of the longest MQTT string. */
const stringBytes = 65_535;

/** Whether a topic has more levels than allowed. A topic shorter than that is not split. */
export function tooDeep(topic: string, levels: number): boolean {
  return topic.length >= levels && topic.split("/", levels + 1).length > levels;
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
