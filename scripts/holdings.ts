/** Compares what the broker counts with what its process grows by: see `help`. */
import { Broker } from "../src/core/broker.ts";
import type { Input, ListenerPolicy, Millis } from "../src/core/io.ts";
import { defaultLimits } from "../src/core/limits.ts";
import type { ConnectPacket, PublishPacket, SubscribePacket } from "../src/core/packet.ts";
import { runScript, UsageError, wordsOf } from "./usage.ts";

const help = `npm run holdings -- [KIND...]

For each kind of memory, a process of its own makes a broker hold 100 MiB of that kind, and compares
what the broker counts with what the process grows by after a forced collection.

Exit codes: 0 all right, 1 they differ by more than 25 %, 2 wrong usage.`;

const target = 100 * 1024 * 1024;
const tolerance = 0.25;
/** Kinds that may be counted as more than the process grows by, and why. */
const countedAsMore: Readonly<Record<string, string>> = {
  connections: "with the parts of the driver and the socket, which this broker lacks",
  routes: "as if no two routes shared a copy",
};

/** A broker without network. Each kind adds a little more of itself with each call. */
class Holder {
  readonly broker = new Broker({ limits: { ...defaultLimits, ...wide } }, 0 as Millis);
  #connections = 0;

  connect(clientId: string, more: Partial<ConnectPacket> = {}): number {
    const connection = ++this.#connections;
    this.#handle({ type: "opened", connection, remote: "::1", isLocal: true, listener, token: "" });
    this.#handle({ type: "received", connection, packet: { ...connectPacket, clientId, ...more } });
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
  ...{ memory: Infinity, topicAliases: 65_535, receiveMaximum: 65_535 },
};
const connectPacket: ConnectPacket = {
  ...{ type: "connect", version: 5, bridge: false, clientId: "", cleanStart: true },
  ...{ keepAliveSeconds: 60, username: null, password: null, will: null },
  ...{ sessionExpiryInterval: 1000, receiveMaximum: 65_535, maximumPacketSize: null },
  ...{ topicAliasMaximum: 0, requestProblemInformation: true, authenticationMethod: null },
};

function publishPacket(topic: string, bytes: number, more: Partial<PublishPacket>): PublishPacket {
  return {
    ...{ type: "publish", topic, qos: 1, retain: false, dup: false, packetId: 1 },
    ...{ payload: new Uint8Array(bytes), properties: null, expirySeconds: null },
    ...{ topicAlias: 0, frame: null, ...more },
  };
}

function subscribePacket(filter: string): SubscribePacket {
  const one = { noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
  const subscriptions = [{ filter, qos: 1 as const, ...one }];
  const packet = { type: "subscribe", packetId: 1, subscriptionIdentifier: null } as const;
  return { ...packet, subscriptions, undecoded: 0 };
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

type More = (number: number) => void;

/** By name: makes a holder ready, and returns what adds one more. */
const kinds: Readonly<Record<string, (holder: Holder) => More>> = {
  connections: (holder) => (number) => void holder.connect(text("c", number)),
  sessions: (holder) => (number) => holder.close(holder.connect(text("c", number))),
  ids: (holder) => (number) => holder.close(holder.connect(text("c", number, 60_000))),
  subscriptions: (holder) => {
    const connection = holder.connect("c");
    return (number) => holder.receive(connection, subscribePacket(text("a/b/", number)));
  },
  "subscriptions of 190 levels": (holder) => {
    const connection = holder.connect("c");
    return (number) =>
      holder.receive(connection, subscribePacket(text("", 100_000 + number, 6 + 189, "/")));
  },
  "queues of small messages": (holder) => {
    const publisher = pair(holder, true);
    return () => holder.receive(publisher, publishPacket("q/t", 64, {}));
  },
  "queues of large messages": (holder) => {
    const publisher = pair(holder, true);
    return () => holder.receive(publisher, publishPacket("q/t", 16_384, {}));
  },
  inflight: (holder) => {
    const publisher = pair(holder, false);
    return () => holder.receive(publisher, publishPacket("q/t", 2000, {}));
  },
  "incoming QoS 2": (holder) => {
    let connection = 0;
    return (number) => {
      const id = number % 65_535;
      if (id === 0) connection = holder.connect(text("c", number));
      holder.receive(connection, publishPacket("t", 0, { qos: 2, packetId: id + 1 }));
    };
  },
  retained: (holder) => {
    const publisher = holder.connect("publisher");
    return (number) =>
      holder.receive(publisher, publishPacket(text("r/", number), 64, { retain: true }));
  },
  "retained of 199 levels": (holder) => {
    const publisher = holder.connect("publisher");
    return (number) => {
      const topic = text("", 100_000 + number, 6 + 198, "/");
      holder.receive(publisher, publishPacket(topic, 64, { retain: true }));
    };
  },
  "armed wills": (holder) => (number) => {
    const will = { topic: "w", payload: new Uint8Array(60_000), qos: 1 as const, retain: false };
    const more = { delayIntervalSeconds: 0, expirySeconds: null, properties: null };
    holder.connect(text("c", number), { will: { ...will, ...more } });
  },
  "delayed wills": (holder) => (number) => {
    const will = { topic: "w", payload: new Uint8Array(60_000), qos: 1 as const, retain: false };
    const more = { delayIntervalSeconds: 900, expirySeconds: null, properties: null };
    holder.close(holder.connect(text("c", number), { will: { ...will, ...more } }));
  },
  aliases: (holder) => {
    const connection = holder.connect("c");
    return (number) => {
      const packet = publishPacket(text("t", number, 60_000), 0, { qos: 0 });
      holder.receive(connection, { ...packet, topicAlias: (number % 65_000) + 1 });
    };
  },
  routes: (holder) => {
    for (let each = 0; each < 20; each++) {
      holder.receive(holder.connect(text("s", each)), subscribePacket("q/#"));
    }
    const publisher = holder.connect("publisher");
    return (number) => holder.receive(publisher, publishPacket(text("q/", number), 0, { qos: 0 }));
  },
};

/** The allocator gives memory back some time after a collection: waits until it falls no more. */
function settledRss(): number {
  let least = Infinity;
  for (let unchanged = 0; unchanged < 10; unchanged++) {
    Bun.gc(true);
    Bun.sleepSync(50);
    const { rss } = process.memoryUsage();
    if (rss < least) [least, unchanged] = [rss, 0];
  }
  return least;
}

/** Runs in a process of its own. Prints both numbers as JSON. */
function measure(kind: string): void {
  const make = kinds[kind];
  if (make === undefined) throw new Error(`no such kind: ${kind}`);
  // Code that runs for the first time takes memory too.
  const rehearsal = new Holder();
  const again = make(rehearsal);
  for (let number = 0; number < 2000; number++) again(number);
  const holder = new Holder();
  const add = make(holder);
  const { memory } = holder.broker;
  const [before, countedBefore] = [settledRss(), memory.total];
  const enough = kind === "routes" ? target / 5 : target;
  for (let number = 0; memory.total - countedBefore < enough && number < 9e5; number++) {
    add(number);
    if (kind === "routes" && number === 9000) break;
  }
  const counted = memory.total - countedBefore;
  const grew = settledRss() - before;
  // Read last, so that the broker is not collected before.
  const kept = holder.broker.sessions.size + rehearsal.broker.sessions.size;
  console.log(JSON.stringify({ counted, grew, kept }));
}

interface Figures {
  readonly counted: number;
  readonly grew: number;
}

async function compare(kind: string): Promise<boolean> {
  const child = Bun.spawn([process.execPath, import.meta.filename, kind], {
    env: { ...process.env, HOLDINGS_CHILD: "1" },
  });
  const { counted, grew } = JSON.parse(await new Response(child.stdout).text()) as Figures;
  const ratio = counted / grew;
  const reason = ratio > 1 + tolerance ? countedAsMore[kind] : undefined;
  const isRight = reason !== undefined || Math.abs(ratio - 1) <= tolerance;
  const [a, b] = [counted, grew].map((bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`);
  const mark = isRight ? "ok    " : "DIFFERS";
  console.log(
    `${mark} ${kind}: counted ${a}, grew ${b}, ratio ${ratio.toFixed(2)}${reason === undefined ? "" : `, ${reason}`}`,
  );
  return isRight;
}

async function main(): Promise<number> {
  const { values, positionals } = wordsOf({ help: { type: "boolean", default: false } });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const all = Object.keys(kinds);
  const unknown = positionals.find((kind) => !all.includes(kind));
  if (unknown !== undefined) {
    throw new UsageError(`there is no kind "${unknown}", but ${all.join(", ")}`);
  }
  if (process.env["HOLDINGS_CHILD"] === "1") {
    for (const kind of positionals) measure(kind);
    return 0;
  }
  let differs = 0;
  for (const kind of positionals.length === 0 ? all : positionals) {
    if (!(await compare(kind))) differs += 1;
  }
  return differs === 0 ? 0 : 1;
}

await runScript(main);
