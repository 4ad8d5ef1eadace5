import { AccessList } from "../../src/core/access-list.ts";
import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { Input, ListenerPolicy, Millis } from "../../src/core/io.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import type { ConnectPacket, PublishPacket, SubscribePacket } from "../../src/core/packet.ts";

/** A broker without network. */
export class Holder {
  readonly broker: Broker;
  #connections = 0;

  constructor(options: BrokerOptions = {}) {
    this.broker = new Broker({ ...options, limits: { ...defaultLimits, ...wide } }, 0 as Millis);
  }

  /** A connection whose CONNECT waits for its check. */
  ask(clientId: string, more: Partial<ConnectPacket> = {}): number {
    const connection = ++this.#connections;
    this.#handle({ type: "opened", connection, remote: "::1", isLocal: true, listener, token: "" });
    this.#handle({ type: "received", connection, packet: { ...connectPacket, clientId, ...more } });
    return connection;
  }

  connect(clientId: string, more: Partial<ConnectPacket> = {}): number {
    const connection = this.ask(clientId, more);
    this.#handle({ type: "authenticated", connection, refused: null });
    return connection;
  }

  close(connection: number): void {
    this.#handle({ type: "closed", connection, how: "eof" });
  }

  receive(connection: number, packet: PublishPacket | SubscribePacket): void {
    this.#handle({ type: "received", connection, packet });
  }

  #handle(input: Input): void {
    this.broker.handle(input, 0 as Millis);
  }
}

const listener: ListenerPolicy = {
  ...{ name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true },
};
const wide = {
  ...{ connections: 1e7, sessions: 1e7, subscriptions: 1e7, retainedMessages: 1e7 },
  ...{ retainedBytes: Infinity, queuedMessages: 1e7, queuedBytes: Infinity, inflight: 65_535 },
  ...{ memory: Infinity, topicAliases: 65_535, receiveMaximum: 65_535, ledger: 1e7 },
};
const connectPacket: ConnectPacket = {
  ...{ type: "connect", version: 5, bridge: false, clientId: "", cleanStart: true },
  ...{ keepAliveSeconds: 60, username: null, password: null, will: null },
  ...{ sessionExpiryInterval: 1000, receiveMaximum: 65_535, maximumPacketSize: null },
  ...{ topicAliasMaximum: 0, requestProblemInformation: true, authenticationMethod: null },
};

/** Bytes that were written, as those from the network: the system has no page of untouched ones. */
function bytesOf(length: number): Uint8Array {
  return new Uint8Array(length).fill(120);
}

function publishPacket(topic: string, bytes: number, more: Partial<PublishPacket>): PublishPacket {
  return {
    ...{ type: "publish", topic, qos: 1, retain: false, dup: false, packetId: 1 },
    ...{ payload: bytesOf(bytes), properties: null, expirySeconds: null },
    ...{ topicAlias: 0, frame: null, ...more },
  };
}

function subscribePacket(filter: string): SubscribePacket {
  const one = { noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
  const subscriptions = [{ filter, qos: 1 as const, ...one }];
  const packet = { type: "subscribe", packetId: 1, subscriptionIdentifier: null } as const;
  return { ...packet, subscriptions, undecoded: 0 };
}

/** A will whose bytes are its own, as the reader of packets makes them. */
function willPacket(bytes: number, delayIntervalSeconds = 0): ConnectPacket["will"] {
  return {
    ...{ topic: "w", payload: bytesOf(bytes), qos: 1, retain: false },
    ...{ delayIntervalSeconds, expirySeconds: null, properties: null },
  };
}

/** A text of its own, as the wire decodes it; a template would be a rope. */
function text(start: string, number: number, length = 0, rest = "x"): string {
  const bytes = new TextEncoder().encode(`${start}${number}`.padEnd(length, rest));
  return new TextDecoder().decode(bytes);
}

/** Two sessions, one offline with a subscription to `q/#` and one connected that publishes. */
function pair(holder: Holder, isAway: boolean): number {
  const subscriber = holder.connect("subscriber");
  holder.receive(subscriber, subscribePacket("q/#"));
  if (isAway) holder.close(subscriber);
  return holder.connect("publisher");
}

/** Adds one more, or as many as make no sense alone. */
type More = (number: number) => void;

/** Something that clients can make a broker hold. */
export interface CoreKind {
  readonly options?: BrokerOptions;
  /** At most so many, as the broker remembers no more; absent: as many as make 100 MiB. */
  readonly count?: number;
  readonly prepare: (holder: Holder) => More;
}

function accessList(): AccessList {
  const list = new AccessList("one.acl");
  const one = {
    line: 1,
    text: "topic read q/#",
    filter: "q/#",
    grant: "read",
    user: null,
  } as const;
  list.add(one);
  return list;
}

/** Topics in so many groups, each with subscribers of its own. */
function ownRoutes(groups: number, subscribers: number, count: number): CoreKind {
  return {
    count,
    prepare: (holder) => {
      for (let each = 0; each < subscribers; each++) {
        const connection = holder.connect(text("s", each));
        for (let group = 0; group < groups; group++) {
          holder.receive(connection, subscribePacket(text("q/", group, 0) + "/#"));
        }
      }
      const publisher = holder.connect("publisher");
      return (number) => {
        const topic = text(`q/${number % groups}/`, number);
        holder.receive(publisher, publishPacket(topic, 0, { qos: 0 }));
      };
    },
  };
}

export const coreKinds: Readonly<Record<string, CoreKind>> = {
  sessions: { prepare: (holder) => (number) => holder.close(holder.connect(text("c", number))) },
  ids: {
    prepare: (holder) => (number) => holder.close(holder.connect(text("c", number, 60_000))),
  },
  "user names": {
    prepare: (holder) => (number) =>
      holder.close(holder.connect(text("c", number), { username: text("u", number, 60_000) })),
  },
  "rights by an access list": {
    options: { access: accessList() },
    prepare: (holder) => (number) => {
      const connection = holder.connect(text("c", number));
      holder.receive(connection, subscribePacket(text("q/", number)));
      holder.close(connection);
    },
  },
  "waiting CONNECTs": {
    prepare: (holder) => (number) => {
      const username = text("u", number, 10_000);
      const will = willPacket(40_000);
      holder.ask(text("c", number), { username, password: bytesOf(10_000), will });
    },
  },
  subscriptions: {
    prepare: (holder) => {
      const connection = holder.connect("c");
      return (number) => holder.receive(connection, subscribePacket(text("a/b/", number)));
    },
  },
  "subscriptions with a wildcard": {
    prepare: (holder) => {
      const connection = holder.connect("c");
      return (number) => holder.receive(connection, subscribePacket(text("", number, 9, "/#")));
    },
  },
  "subscriptions of 190 levels": {
    prepare: (holder) => {
      const connection = holder.connect("c");
      return (number) =>
        holder.receive(connection, subscribePacket(text("", 100_000 + number, 6 + 189, "/")));
    },
  },
  "subscriptions to one filter": {
    prepare: (holder) => (number) => {
      const connection = holder.connect(text("c", number));
      holder.receive(connection, subscribePacket("q/#"));
      holder.close(connection);
    },
  },
  "shared subscriptions": {
    prepare: (holder) => {
      const connection = holder.connect("c");
      return (number) => {
        const filter = `$share/${text("g", number)}/q/t`;
        holder.receive(connection, subscribePacket(text(filter, number)));
      };
    },
  },
  "queues of small messages": {
    prepare: (holder) => {
      const publisher = pair(holder, true);
      return () => holder.receive(publisher, publishPacket("q/t", 64, {}));
    },
  },
  "queues of large messages": {
    prepare: (holder) => {
      const publisher = pair(holder, true);
      return () => holder.receive(publisher, publishPacket("q/t", 16_384, {}));
    },
  },
  "one message in many queues": {
    prepare: (holder) => {
      for (let each = 0; each < 100; each++) {
        const connection = holder.connect(text("s", each));
        holder.receive(connection, subscribePacket("q/#"));
        holder.close(connection);
      }
      const publisher = holder.connect("publisher");
      return () => holder.receive(publisher, publishPacket("q/t", 64, {}));
    },
  },
  inflight: {
    prepare: (holder) => {
      const publisher = pair(holder, false);
      return () => holder.receive(publisher, publishPacket("q/t", 2000, {}));
    },
  },
  "incoming QoS 2": {
    prepare: (holder) => {
      let connection = 0;
      return (number) => {
        const id = number % 65_535;
        if (id === 0) connection = holder.connect(text("c", number));
        holder.receive(connection, publishPacket("t", 0, { qos: 2, packetId: id + 1 }));
      };
    },
  },
  retained: {
    prepare: (holder) => {
      const publisher = holder.connect("publisher");
      return (number) =>
        holder.receive(publisher, publishPacket(text("r/", number), 64, { retain: true }));
    },
  },
  "retained that expire": {
    prepare: (holder) => {
      const publisher = holder.connect("publisher");
      return (number) => {
        const more = { retain: true, expirySeconds: 1000 };
        holder.receive(publisher, publishPacket(text("r/", number), 64, more));
      };
    },
  },
  "retained of 16 KiB": {
    prepare: (holder) => {
      const publisher = holder.connect("publisher");
      return (number) =>
        holder.receive(publisher, publishPacket(text("r/", number), 16_384, { retain: true }));
    },
  },
  "retained of 199 levels": {
    prepare: (holder) => {
      const publisher = holder.connect("publisher");
      return (number) => {
        const topic = text("", 100_000 + number, 6 + 198, "/");
        holder.receive(publisher, publishPacket(topic, 64, { retain: true }));
      };
    },
  },
  "armed wills": {
    prepare: (holder) => (number) => {
      holder.connect(text("c", number), { will: willPacket(60_000) });
    },
  },
  "small armed wills": {
    prepare: (holder) => (number) => {
      holder.connect(text("c", number), { will: willPacket(20) });
    },
  },
  "delayed wills": {
    prepare: (holder) => (number) => {
      holder.close(holder.connect(text("c", number), { will: willPacket(60_000, 900) }));
    },
  },
  "small delayed wills": {
    prepare: (holder) => (number) => {
      holder.close(holder.connect(text("c", number), { will: willPacket(20, 900) }));
    },
  },
  "aliases of clients": {
    prepare: (holder) => {
      const connection = holder.connect("c");
      return (number) => {
        const packet = publishPacket(text("t", number, 60_000), 0, { qos: 0 });
        holder.receive(connection, { ...packet, topicAlias: (number % 65_000) + 1 });
      };
    },
  },
  "aliases of the broker": {
    prepare: (holder) => {
      const subscriber = holder.connect("s", { topicAliasMaximum: 65_535 });
      holder.receive(subscriber, subscribePacket("#"));
      const publisher = holder.connect("publisher");
      return (number) =>
        holder.receive(publisher, publishPacket(text("t", number, 10_000), 0, { qos: 0 }));
    },
  },
  "routes to the same 20 clients": ownRoutes(1, 20, 9900),
  "routes to 7 clients each": ownRoutes(9000, 7, 9000),
  "routes to 20 clients each": ownRoutes(4900, 20, 4900),
  "records of clients that are gone": {
    prepare: (holder) => (number) => {
      holder.close(holder.connect(text("c", number), { sessionExpiryInterval: 0 }));
    },
  },
  "records of wills": {
    prepare: (holder) => (number) => {
      const more = { sessionExpiryInterval: 0, will: willPacket(100) };
      holder.close(holder.connect(text("c", number % 5000), more));
    },
  },
  "records of one client each time": {
    prepare: (holder) => (number) => {
      const more = { sessionExpiryInterval: 0, will: willPacket(100) };
      const clientId = text("client-with-a-long-name-", Math.floor(number / 50), 400);
      holder.close(holder.connect(clientId, more));
    },
  },
  "recent messages": {
    options: {
      recentMessages: {
        messages: 1e7,
        bytes: Infinity,
        perSecond: { messages: Infinity, bytes: Infinity },
      },
    },
    prepare: (holder) => {
      const publisher = holder.connect("publisher");
      return () => holder.receive(publisher, publishPacket("t", 200, { qos: 0 }));
    },
  },
};
