import { expect, test } from "bun:test";
import { Broker } from "../../src/core/broker.ts";
import type { Millis } from "../../src/core/io.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ConnectPacket } from "../../src/core/packet.ts";

const listener = { name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true };
const payload = (text: string): Uint8Array => new TextEncoder().encode(text);
const silent = 3000 as Millis;

function connectOf(clientId: string, topic: string | null): ConnectPacket {
  return {
    type: "connect",
    version: 4,
    bridge: false,
    clientId,
    cleanStart: true,
    keepAliveSeconds: topic === null ? 0 : 2,
    username: null,
    password: null,
    will:
      topic === null
        ? null
        : {
            topic,
            payload: payload("offline"),
            qos: 0,
            retain: true,
            delayIntervalSeconds: 0,
            expirySeconds: null,
            properties: null,
          },
    sessionExpiryInterval: null,
    receiveMaximum: 65_535,
    maximumPacketSize: null,
    topicAliasMaximum: 0,
    requestProblemInformation: true,
    authenticationMethod: null,
  };
}

function connect(broker: Broker, connection: number, packet: ConnectPacket, now: Millis): void {
  broker.handle(
    { type: "opened", connection, remote: "r", isLocal: false, listener, token: "t" },
    now,
  );
  broker.handle({ type: "received", connection, packet }, now);
  broker.handle({ type: "authenticated", connection, refused: null }, now);
}

/** Ten clients whose silence was judged, and whose wills wait, with retained "offline" on `s/N`. */
function judged(limits: Partial<Limits> = {}): Broker {
  const broker = new Broker({ limits }, 0 as Millis);
  connect(broker, 100, connectOf("other", null), 0 as Millis);
  for (let number = 0; number < 10; number++) {
    connect(broker, number, connectOf(`dev-${number}`, `s/${number}`), 0 as Millis);
  }
  // Turns in which nothing fits but the judging.
  const unread = { asked: 10, connections: new Set<number>(), newcomers: false };
  for (let turn = 0; turn < 10 && broker.connections.size > 1; turn++) {
    broker.budget.limit = broker.budget.spent;
    broker.handle({ type: "deadline", unread }, silent);
  }
  expect(broker.connections.size).toBe(1);
  expect(broker.isBehind).toBe(true);
  return broker;
}

const retainedOn = (broker: Broker, topic: string): string => {
  const messages = [...broker.retained.match(topic, () => broker.now)].filter(
    (one) => one !== null,
  );
  return messages.map((one) => new TextDecoder().decode(one.payload)).join();
};

test("a message on the topic of a will that is due does not overtake it", () => {
  const broker = judged();
  expect(retainedOn(broker, "s/9")).toBe("");
  const frame = null;
  const packet = {
    ...({ type: "publish", topic: "s/9", qos: 0, retain: true, dup: false, packetId: 0 } as const),
    ...{ payload: payload("online"), properties: null, expirySeconds: null, topicAlias: 0, frame },
  };
  broker.handle({ type: "received", connection: 100, packet }, silent);
  expect(retainedOn(broker, "s/9")).toBe("online");
  broker.budget.limit = Infinity;
  const unread = { asked: 0, connections: new Set<number>(), newcomers: false };
  broker.handle({ type: "deadline", unread }, silent);
  expect(broker.isBehind).toBe(false);
  expect(retainedOn(broker, "s/9")).toBe("online");
  expect(retainedOn(broker, "s/8")).toBe("offline");
  // Sessions that ended with their connections are gone with their wills.
  expect(broker.sessions.size).toBe(1);
});

for (const cleanStart of [true, false]) {
  test(`a client that returns with Clean Start ${Number(cleanStart)} finds its due will published, even after a standstill`, () => {
    const broker = judged();
    const later = 3500 as Millis;
    broker.handle({ type: "stoodStill", since: silent }, later);
    connect(broker, 9, { ...connectOf("dev-9", null), cleanStart }, later);
    expect(retainedOn(broker, "s/9")).toBe("offline");
    expect(broker.sessions.get("dev-9")?.isOver).toBe(false);
  });
}

test("a session that is over but for its will gives its place to a new one", () => {
  const broker = judged({ sessions: 11 });
  connect(broker, 11, connectOf("new", null), silent);
  expect(broker.sessions.get("new")?.connection?.state).toBe("connected");
  expect(broker.sessions.size).toBe(11);
  // One of them, the first, and its will is published.
  const texts = Array.from({ length: 10 }, (_, number) => retainedOn(broker, `s/${number}`));
  expect(texts).toEqual(["offline", ...Array.from({ length: 9 }, () => "")]);
});

test("a stop publishes the wills that are due", () => {
  const broker = judged();
  broker.handle({ type: "stopping" }, silent);
  for (let number = 0; number < 10; number++) {
    expect(retainedOn(broker, `s/${number}`)).toBe("offline");
  }
});
