/** What has a block of properties: a client's packets, and the will in CONNECT. */
export type PropertyHolder =
  | "connect"
  | "will"
  | "publish"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "subscribe"
  | "unsubscribe"
  | "disconnect"
  | "auth";

export interface PropertyRule {
  readonly name: string;
  readonly type: "byte" | "two bytes" | "four bytes" | "variable" | "text" | "binary" | "pair";
  readonly minimum: number;
  readonly maximum: number;
  readonly repeatable: boolean;
  /** The broker writes it again for each subscriber, so it is removed from the forwarded block. */
  readonly ownedByBroker: boolean;
}

const plain = { minimum: 0, maximum: Infinity, repeatable: false, ownedByBroker: false };

/** v5 table 2-4, limited to properties that a client may send. */
export const rules: { readonly [identifier: number]: PropertyRule } = {
  0x01: { ...plain, name: "Payload Format Indicator", type: "byte", maximum: 1 },
  0x02: { ...plain, name: "Message Expiry Interval", type: "four bytes", ownedByBroker: true },
  0x03: { ...plain, name: "Content Type", type: "text" },
  0x08: { ...plain, name: "Response Topic", type: "text" },
  0x09: { ...plain, name: "Correlation Data", type: "binary" },
  0x0b: { ...plain, name: "Subscription Identifier", type: "variable", minimum: 1 },
  0x11: { ...plain, name: "Session Expiry Interval", type: "four bytes" },
  0x15: { ...plain, name: "Authentication Method", type: "text" },
  0x16: { ...plain, name: "Authentication Data", type: "binary" },
  0x17: { ...plain, name: "Request Problem Information", type: "byte", maximum: 1 },
  0x18: { ...plain, name: "Will Delay Interval", type: "four bytes", ownedByBroker: true },
  0x19: { ...plain, name: "Request Response Information", type: "byte", maximum: 1 },
  0x1f: { ...plain, name: "Reason String", type: "text" },
  0x21: { ...plain, name: "Receive Maximum", type: "two bytes", minimum: 1 },
  0x22: { ...plain, name: "Topic Alias Maximum", type: "two bytes" },
  0x23: { ...plain, name: "Topic Alias", type: "two bytes", minimum: 1, ownedByBroker: true },
  0x26: { ...plain, name: "User Property", type: "pair", repeatable: true },
  0x27: { ...plain, name: "Maximum Packet Size", type: "four bytes", minimum: 1 },
};

/** Which property each holder allows, and the section that says so and how often. */
export const sections: {
  readonly [holder in PropertyHolder]: { readonly [identifier: number]: string };
} = {
  connect: {
    0x11: "3.1.2.11.2",
    0x21: "3.1.2.11.3",
    0x27: "3.1.2.11.4",
    0x22: "3.1.2.11.5",
    0x19: "3.1.2.11.6",
    0x17: "3.1.2.11.7",
    0x26: "3.1.2.11.8",
    0x15: "3.1.2.11.9",
    0x16: "3.1.2.11.10",
  },
  will: {
    0x18: "3.1.3.2.2",
    0x01: "3.1.3.2.3",
    0x02: "3.1.3.2.4",
    0x03: "3.1.3.2.5",
    0x08: "3.1.3.2.6",
    0x09: "3.1.3.2.7",
    0x26: "3.1.3.2.8",
  },
  publish: {
    0x01: "3.3.2.3.2",
    0x02: "3.3.2.3.3",
    0x23: "3.3.2.3.4",
    0x08: "3.3.2.3.5",
    0x09: "3.3.2.3.6",
    0x26: "3.3.2.3.7",
    0x03: "3.3.2.3.9",
  },
  puback: { 0x1f: "3.4.2.2.2", 0x26: "3.4.2.2.3" },
  pubrec: { 0x1f: "3.5.2.2.2", 0x26: "3.5.2.2.3" },
  pubrel: { 0x1f: "3.6.2.2.2", 0x26: "3.6.2.2.3" },
  pubcomp: { 0x1f: "3.7.2.2.2", 0x26: "3.7.2.2.3" },
  subscribe: { 0x0b: "3.8.2.1.2", 0x26: "3.8.2.1.3" },
  unsubscribe: { 0x26: "3.10.2.1.2" },
  disconnect: { 0x11: "3.14.2.2.2", 0x1f: "3.14.2.2.3", 0x26: "3.14.2.2.4" },
  auth: { 0x15: "3.15.2.2.2", 0x16: "3.15.2.2.3", 0x1f: "3.15.2.2.4", 0x26: "3.15.2.2.5" },
};
