import type { Draft } from "./node.ts";
import { walkProperties } from "./properties.ts";
import { codeText, type Field, type Walk } from "./walk.ts";

/** The body of a SUBSCRIBE. */
export function walkSubscribe(walk: Walk): void {
  const header = walk.group("Variable header", () => {
    walk.packetIdentifier("2.3.1-1", "2.2.1-3");
    if (walk.protocol === 5) walkProperties(walk, "subscribe");
  });
  if (!walk.stopped && !walk.more) {
    walk.violate(header, "3.8.3-3", "3.8.3-2", "SUBSCRIBE without a Topic Filter");
  }
  if (!walk.more) return;
  walk.group("Payload", () => {
    while (walk.more) walk.group("Subscription", () => walkSubscription(walk));
  });
}

function walkSubscription(walk: Walk): void {
  const filter = walkFilter(walk);
  const options = walk.integer(1, "Subscription Options");
  if (options === null) return;
  const { node, value } = options;
  const qos = walk.flag(node, "QoS", value, 0x03);
  if (walk.protocol !== 5) {
    if (value > 2) {
      walk.violate(qos, "3.8.3-4", "", "Requested QoS is not 0, 1 or 2");
    }
    return;
  }
  const noLocal = walk.flag(node, "No Local", value, 0x04);
  walk.flag(node, "Retain As Published", value, 0x08);
  const handling = walk.flag(
    node,
    "Retain Handling",
    value,
    0x30,
    retainHandling[(value >> 4) & 3],
  );
  const reserved = walk.flag(node, "Reserved", value, 0xc0);
  if ((value & 0xc0) !== 0) {
    walk.violate(reserved, "", "3.8.3-5", "reserved bits of the Subscription Options are set");
  }
  if ((value & 0x03) === 0x03) {
    walk.violate(qos, "", "3.8.3.1", "Maximum QoS of a subscription is 3");
  }
  if ((value & 0x30) === 0x30) walk.violate(handling, "", "3.8.3.1", "Retain Handling is 3");
  const isShared = filter?.value?.startsWith(sharePrefix) ?? false;
  if (isShared && (value & 0x04) !== 0) {
    walk.violate(noLocal, "", "3.8.3-4", "No Local on a shared subscription");
  }
}

const sharePrefix = "$share/";

const retainHandling: readonly (string | null)[] = [
  "retained messages are sent",
  "retained messages are sent for a new subscription",
  "retained messages are not sent",
  null,
];

/** The body of an UNSUBSCRIBE. */
export function walkUnsubscribe(walk: Walk): void {
  const header = walk.group("Variable header", () => {
    walk.packetIdentifier("2.3.1-1", "2.2.1-3");
    if (walk.protocol === 5) walkProperties(walk, "unsubscribe");
  });
  if (!walk.stopped && !walk.more) {
    walk.violate(header, "3.10.3-2", "3.10.3-2", "UNSUBSCRIBE without a Topic Filter");
  }
  if (!walk.more) return;
  walk.group("Payload", () => {
    while (walk.more) walkFilter(walk);
  });
}

/** A Topic Filter with all its violations; the reader in `wire` stops at the first. */
function walkFilter(walk: Walk): Field<string | null> | null {
  const found = walk.text("Topic Filter");
  if (found === null || found.value === null) return found;
  const { node, value } = found;
  if (value === "") walk.violate(node, "4.7.3-1", "4.7.3-1", "Topic Filter is empty");
  if (value.startsWith(sharePrefix)) judgeShared(walk, node, value.slice(sharePrefix.length));
  else judgeLevels(walk, node, value);
  return found;
}

/** Shared subscriptions are an extension in v4, so v4 violations cite the v5 rules too. */
function judgeShared(walk: Walk, node: Draft, rest: string): void {
  const slash = rest.indexOf("/");
  const shareName = slash < 0 ? rest : rest.slice(0, slash);
  const filter = slash < 0 ? "" : rest.slice(slash + 1);
  node.meaning = "a shared subscription";
  if (shareName === "") walk.violateV5(node, "4.8.2-1", "ShareName is empty");
  if (/[#+]/.test(shareName)) walk.violateV5(node, "4.8.2-2", "ShareName holds a wildcard");
  if (filter === "") walk.violateV5(node, "4.8.2-2", "ShareName without a Topic Filter");
  judgeLevels(walk, node, filter);
}

function judgeLevels(walk: Walk, node: Draft, filter: string): void {
  const levels = filter.split("/");
  const last = levels.length - 1;
  const hashes = levels.some((level, at) => level.includes("#") && (level !== "#" || at !== last));
  const pluses = levels.some((level) => level.includes("+") && level !== "+");
  if (hashes) {
    const detail = "# is not the whole last level of the Topic Filter";
    walk.violate(node, "4.7.1-2", "4.7.1-1", detail);
  }
  if (pluses) {
    const detail = "+ is not a whole level of the Topic Filter";
    walk.violate(node, "4.7.1-3", "4.7.1-2", detail);
  }
}

/** The codes of a SUBACK or UNSUBACK, one per filter. */
export function walkGranted(
  walk: Walk,
  codes: readonly number[],
  meaning: (code: number) => string | null,
  statements: {
    readonly none: readonly [string, string];
    readonly code: readonly [string, string];
  },
  header: Draft,
): void {
  if (!walk.stopped && !walk.more) {
    walk.violate(header, ...statements.none, "there is no code, though each filter gets one");
  }
  if (!walk.more) return;
  walk.group("Payload", () => {
    while (walk.more) {
      const found = walk.integer(1, walk.protocol === 5 ? "Reason Code" : "Return Code");
      if (found === null) return;
      found.node.meaning = meaning(found.value);
      if (codes.includes(found.value)) continue;
      if (walk.protocol === 3) {
        const detail = `${codeText(found.value)} is not a QoS, and MQTT 3.1 has no other codes`;
        walk.violateV3(found.node, "3.9", detail);
        continue;
      }
      const detail = `${codeText(found.value)} is no code that may stand here`;
      walk.violate(found.node, ...statements.code, detail);
    }
  });
}
