import type { PropertyHolder } from "../../wire/property-rules.ts";
import type { Draft, Sender } from "./node.ts";
import type { Field, Walk } from "./walk.ts";

/** Everything with a block of properties, from clients and from servers. */
export type Holder = PropertyHolder | "connack" | "suback" | "unsuback";

interface Property {
  readonly name: string;
  readonly type: "byte" | "two bytes" | "four bytes" | "variable" | "text" | "binary" | "pair";
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The whole table 2-4 of v5; the table in `wire` has only what a client may send. */
const properties: { readonly [identifier: number]: Property } = {
  0x01: { name: "Payload Format Indicator", type: "byte", maximum: 1 },
  0x02: { name: "Message Expiry Interval", type: "four bytes" },
  0x03: { name: "Content Type", type: "text" },
  0x08: { name: "Response Topic", type: "text" },
  0x09: { name: "Correlation Data", type: "binary" },
  0x0b: { name: "Subscription Identifier", type: "variable", minimum: 1 },
  0x11: { name: "Session Expiry Interval", type: "four bytes" },
  0x12: { name: "Assigned Client Identifier", type: "text" },
  0x13: { name: "Server Keep Alive", type: "two bytes" },
  0x15: { name: "Authentication Method", type: "text" },
  0x16: { name: "Authentication Data", type: "binary" },
  0x17: { name: "Request Problem Information", type: "byte", maximum: 1 },
  0x18: { name: "Will Delay Interval", type: "four bytes" },
  0x19: { name: "Request Response Information", type: "byte", maximum: 1 },
  0x1a: { name: "Response Information", type: "text" },
  0x1c: { name: "Server Reference", type: "text" },
  0x1f: { name: "Reason String", type: "text" },
  0x21: { name: "Receive Maximum", type: "two bytes", minimum: 1 },
  0x22: { name: "Topic Alias Maximum", type: "two bytes" },
  0x23: { name: "Topic Alias", type: "two bytes", minimum: 1 },
  0x24: { name: "Maximum QoS", type: "byte", maximum: 1 },
  0x25: { name: "Retain Available", type: "byte", maximum: 1 },
  0x26: { name: "User Property", type: "pair" },
  0x27: { name: "Maximum Packet Size", type: "four bytes", minimum: 1 },
  0x28: { name: "Wildcard Subscription Available", type: "byte", maximum: 1 },
  0x29: { name: "Subscription Identifiers Available", type: "byte", maximum: 1 },
  0x2a: { name: "Shared Subscription Available", type: "byte", maximum: 1 },
};

const userProperty = 0x26;
const subscriptionIdentifier = 0x0b;
const authenticationData = 0x16;

type Sections = { readonly [identifier: number]: string };

/** Which property is allowed where, with its section. */
const sections: { readonly [holder in Holder]: Sections } = {
  connect: {
    ...numbered("3.1.2.11.", [0x11, 0x21, 0x27, 0x22, 0x19, 0x17, 0x26, 0x15, 0x16], 2),
  },
  will: { ...numbered("3.1.3.2.", [0x18, 0x01, 0x02, 0x03, 0x08, 0x09, 0x26], 2) },
  connack: {
    ...numbered("3.2.2.3.", [0x11, 0x21, 0x24, 0x25, 0x27, 0x12, 0x22, 0x1f, 0x26, 0x28], 2),
    ...numbered("3.2.2.3.", [0x29, 0x2a, 0x13, 0x1a, 0x1c, 0x15, 0x16], 12),
  },
  publish: {
    ...numbered("3.3.2.3.", [0x01, 0x02, 0x23, 0x08, 0x09, 0x26, 0x0b, 0x03], 2),
  },
  puback: numbered("3.4.2.2.", [0x1f, 0x26], 2),
  pubrec: numbered("3.5.2.2.", [0x1f, 0x26], 2),
  pubrel: numbered("3.6.2.2.", [0x1f, 0x26], 2),
  pubcomp: numbered("3.7.2.2.", [0x1f, 0x26], 2),
  subscribe: numbered("3.8.2.1.", [0x0b, 0x26], 2),
  suback: numbered("3.9.2.1.", [0x1f, 0x26], 2),
  unsubscribe: numbered("3.10.2.1.", [0x26], 2),
  unsuback: numbered("3.11.2.1.", [0x1f, 0x26], 2),
  disconnect: numbered("3.14.2.2.", [0x11, 0x1f, 0x26, 0x1c], 2),
  auth: numbered("3.15.2.2.", [0x15, 0x16, 0x1f, 0x26], 2),
};

/** Properties that a packet may contain from one sender only. */
const only: { readonly [holder in Holder]?: { readonly [identifier: number]: Sender } } = {
  publish: { 0x0b: "server" },
  disconnect: { 0x11: "client", 0x1c: "server" },
};

/** The values of a block by identifier; of a repeated one the last. */
export type Found = ReadonlyMap<number, number | string | null>;

/** Walks a block of properties, its length first. */
export function walkProperties(walk: Walk, holder: Holder): Found {
  const found = new Map<number, number | string | null>();
  const outer = walk.end;
  const group = walk.group(holder === "will" ? "Will Properties" : "Properties", () => {
    const length = walk.variable("Property Length");
    if (length === null) return;
    const end = walk.position + length.value;
    if (end > outer) {
      walk.violateV5(length.node, "2.2.2.1", "Property Length is longer than the packet");
      walk.leave();
      walk.stopped = true;
      return;
    }
    walk.end = end;
    while (walk.more) walkProperty(walk, holder, found);
    // An unreadable property makes the rest of its block unreadable, and nothing beyond.
    if (!walk.incomplete && walk.position < end) {
      walk.stopped = false;
      walk.leave();
    }
    walk.resume(walk.incomplete ? walk.position : end, outer);
  });
  if (!walk.stopped) requireCompany(walk, holder, found, group);
  return found;
}

function walkProperty(
  walk: Walk,
  holder: Holder,
  found: Map<number, number | string | null>,
): void {
  walk.group("Property", () => {
    const identifier = walk.variable("Property Identifier");
    if (identifier === null) return;
    const { node, value: id } = identifier;
    const property = properties[id];
    if (property === undefined) {
      walk.violateV5(node, "2.2.2.2", `there is no property ${id}`);
      walk.stopped = true;
      return;
    }
    node.meaning = property.name;
    const isPlaced = judgePlace(walk, holder, id, property.name, node);
    const repeatable =
      id === userProperty || (id === subscriptionIdentifier && walk.from === "server");
    if (found.has(id) && !repeatable && isPlaced) {
      walk.violateV5(node, sections[holder][id] ?? "", `${property.name} appears twice`);
    }
    const value = walkValue(walk, property);
    if (value === null) return;
    found.set(id, value.value);
    judgeValue(walk, holder, id, property, value);
  });
}

function judgePlace(walk: Walk, holder: Holder, id: number, name: string, node: Draft): boolean {
  const sender = only[holder]?.[id];
  const misplaced = sections[holder][id] === undefined;
  if (!misplaced && (sender === undefined || sender === walk.from)) return true;
  if (holder === "publish" && id === subscriptionIdentifier) {
    walk.violateV5(node, "3.3.4-6", "a client's PUBLISH holds a Subscription Identifier");
    return false;
  }
  if (holder === "disconnect" && id === 0x11) {
    walk.violateV5(node, "3.14.2-2", "a server's DISCONNECT holds a Session Expiry Interval");
    return false;
  }
  const where = holder === "will" ? "the will" : holder.toUpperCase();
  const whose = misplaced ? "" : ` of a ${walk.from}`;
  walk.violateV5(node, "2.2.2.2", `${name} is not allowed in ${where}${whose}`);
  return false;
}

function walkValue(walk: Walk, { name, type }: Property): Field<number | string | null> | null {
  switch (type) {
    case "byte":
      return walk.integer(1, name);
    case "two bytes":
      return walk.integer(2, name);
    case "four bytes":
      return walk.integer(4, name);
    case "variable":
      return walk.variable(name);
    case "text":
      return walk.text(name);
    case "binary": {
      const found = walk.binary(name);
      if (found === null) return null;
      if (name === properties[authenticationData]?.name) walk.hide(found.node);
      return { node: found.node, value: null };
    }
    case "pair":
      return walk.text(`${name}: name`) && walk.text(`${name}: value`);
  }
}

function judgeValue(
  walk: Walk,
  holder: Holder,
  id: number,
  { name, minimum = 0, maximum = Infinity }: Property,
  { node, value }: Field<number | string | null>,
): void {
  if (typeof value === "number") {
    node.meaning = meaningOf(id, value);
    if (value >= minimum && value <= maximum) return;
    if (id === 0x23) walk.violateV5(node, "3.3.2-8", "Topic Alias is 0");
    else walk.violateV5(node, sections[holder][id] ?? "2.2.2.2", `${name} is ${value}`);
    return;
  }
  if (id !== 0x08 || value === null) return;
  if (value === "") walk.violateV5(node, "4.7.3-1", "Response Topic is empty");
  if (/[#+]/.test(value)) walk.violateV5(node, "3.3.2-14", "Response Topic holds a wildcard");
}

const endless = 0xffff_ffff;

function meaningOf(id: number, value: number): string | null {
  switch (id) {
    case 0x01:
      return value === 1 ? "UTF-8" : value === 0 ? "bytes of any kind" : null;
    case 0x11:
      return value === endless ? "never" : value === 0 ? "at the end of the connection" : "seconds";
    case 0x02:
    case 0x13:
    case 0x18:
      return "seconds";
    case 0x27:
      return "bytes";
    default:
      return null;
  }
}

/** Rules on properties that require each other. */
function requireCompany(walk: Walk, holder: Holder, found: Found, group: Draft): void {
  if (found.has(0x15)) return;
  if (holder === "connect" && found.has(authenticationData)) {
    walk.violateV5(group, "3.1.2.11.10", "Authentication Data without Authentication Method");
  }
  if (holder === "auth") walk.violateV5(group, "3.15.2.2.2", "AUTH without Authentication Method");
}

/** Consecutive sections: `3.4.2.2.2`, `3.4.2.2.3`. */
function numbered(prefix: string, identifiers: readonly number[], first: number): Sections {
  return Object.fromEntries(identifiers.map((id, index) => [id, `${prefix}${first + index}`]));
}
