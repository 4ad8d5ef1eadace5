import { expect, test } from "bun:test";
import { Broker } from "../../src/core/broker.ts";
import type { Effect, Millis } from "../../src/core/io.ts";
import type { ConnectPacket } from "../../src/core/packet.ts";

const listener = { name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true };
const packet: ConnectPacket = {
  type: "connect",
  version: 5,
  bridge: false,
  clientId: "dev",
  cleanStart: false,
  keepAliveSeconds: 0,
  username: null,
  password: null,
  will: {
    topic: "status",
    payload: new Uint8Array([1]),
    qos: 0,
    retain: false,
    delayIntervalSeconds: 10,
    expirySeconds: null,
    properties: null,
  },
  sessionExpiryInterval: 60,
  receiveMaximum: 65_535,
  maximumPacketSize: null,
  topicAliasMaximum: 0,
  requestProblemInformation: true,
  authenticationMethod: null,
};

/** The fate of the delayed will of a client that drops at 0 and returns at `returnsAt` ms. */
function fateAtReturn(returnsAt: number): unknown {
  const broker = new Broker({}, 0 as Millis);
  const connect = (connection: number, at: number): readonly Effect[] => {
    const now = at as Millis;
    broker.handle(
      { type: "opened", connection, remote: "r", isLocal: false, listener, token: "t" },
      now,
    );
    broker.handle({ type: "received", connection, packet }, now);
    return broker.handle({ type: "authenticated", connection, refused: null }, now);
  };
  connect(1, 0);
  broker.handle({ type: "closed", connection: 1, how: "reset" }, 0 as Millis);
  // No `deadline` ran meanwhile: the loop was held up.
  return connect(2, returnsAt).flatMap((effect) =>
    effect.type === "note" && effect.event.event === "will" ? [effect.event.will.fate] : [],
  );
}

test("a return before the due time cancels the will", () => {
  expect(fateAtReturn(9_999)).toEqual(["cancelled"]);
});

test("a return after the due time does not, although the deadline has not run yet", () => {
  expect(fateAtReturn(10_000)).toEqual(["published"]);
});
