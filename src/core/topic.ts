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
 * Whether a filter does not reach a topic though it matches it: a wildcard on its first level keeps it
 * from what begins with `$` [v4-4.7.2-1] [v5-4.7.2-1], and behind a mount point there are topics that
 * nobody sees. `start`: where the client's part of both begins, behind its mount point.
 */
export function isHidden(pattern: string, topic: string, start: number): boolean {
  if (start > 0 && !isTopicBehind(topic, start)) return true;
  if (topic.charCodeAt(start) !== 0x24) return false;
  const first = pattern.charCodeAt(start);
  return first === 0x23 || first === 0x2b;
}

/**
 * Whether a client behind a mount point may be told of a topic. Without it an empty name would be left
 * of the mount point itself [v4-4.7.3-1] [v5-4.7.3-1], and what is left of `$SYS` would pass for the
 * broker's own, which is out of sight there.
 */
export function isVisibleThroughMount(mountPoint: string, topic: string): boolean {
  if (mountPoint === "") return true;
  return topic.startsWith(mountPoint) && isTopicBehind(topic, mountPoint.length);
}

function isTopicBehind(topic: string, start: number): boolean {
  return topic.length > start && !isServerOwned(topic, start);
}

/** Whether the server alone may publish there. Other `$` topics are left to the clients. */
export function isServerOwned(topic: string, start = 0): boolean {
  if (!topic.startsWith("$SYS", start)) return false;
  return topic.length === start + 4 || topic.charCodeAt(start + 4) === 0x2f;
}

/** The one exception, as in mosquitto: where a bridge says whether it is there. */
const bridgeState = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/**
 * Whether a client may not publish, or have a will, on the topic that it names: the server owns it, in
 * the client's own view or in that of clients without its mount point.
 */
export function isForServerOnly(mountPoint: string, named: string): boolean {
  if (mountPoint === "") return isServerOwned(named) && !bridgeState.test(named);
  return isServerOwned(named) || isServerOwned(mountPoint + named);
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

/** With its mount point it is no string of MQTT any more (section 1.5.3, v5: 1.5.4). */
export function tooLong(topic: string): boolean {
  return topic.length * 3 > stringBytes && utf8Length(topic) > stringBytes;
}

/** Bytes of the longest string of MQTT. */
const stringBytes = 65_535;

/** More levels than allowed; a short topic is not even looked at. */
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
