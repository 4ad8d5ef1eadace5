import { expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import { overviewOf } from "../../src/core/queries/overview.ts";
import { connectBytes, connectFlag, willQosFlag } from "../support/connect-bytes.ts";
import { endOf, mortal } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const invalid = { clientId: "mortal", willTopic: "wills/#" } as const;

for (const version of [4, 5] as const) {
  test(`a CONNECT with an invalid will is remembered under the id that it claimed (v${version})`, () => {
    const world = new World();
    const client = world.open();
    client.sendBytes(connectBytes({ version, ...invalid }));
    expect(endOf(world, client).peer.clientId).toBe("mortal");
    expect(clientOf(world.broker, "mortal")).toMatchObject({
      session: null,
      wills: [],
      connections: [
        {
          remote: client.remote,
          protocol: version === 5 ? "5.0" : "3.1.1",
          connectedAt: null,
          end: { detail: "Will Topic holds a wildcard" },
        },
      ],
      events: [{ event: { event: "ended" } }],
    });
  });
}

test("a CONNECT with impossible flags is still recorded under its client id", () => {
  const world = new World();
  const flags = connectFlag.clean | connectFlag.will | willQosFlag(3);
  world.open().sendBytes(connectBytes({ version: 4, clientId: "mortal", flags }));
  expect(clientOf(world.broker, "mortal")?.connections[0]?.end?.detail).toBe("Will QoS is 3");
});

test("a live connection with the id that a refused CONNECT claims is untouched", () => {
  const world = new World();
  mortal(world, { keepalive: 10 });
  world.open().sendBytes(connectBytes({ version: 4, ...invalid }));
  const account = clientOf(world.broker, "mortal");
  expect(account?.session?.connected).toBe(true);
  expect(account?.wills).toMatchObject([{ state: "armed" }]);
  expect(account?.connections.map(({ end }) => end?.cause ?? null)).toEqual([
    "protocolError",
    null,
  ]);
});

test("repeated refusals do not push out a client's history", () => {
  const world = new World();
  mortal(world, { keepalive: 10 }).drop();
  for (let time = 0; time < 50; time++) {
    world.open().sendBytes(connectBytes({ version: 4, ...invalid }));
    world.advance(1_000);
  }
  const causes = clientOf(world.broker, "mortal")?.connections.map(({ end }) => end?.cause);
  expect(causes).toEqual(["protocolError", "protocolError", "protocolError", "resetByPeer"]);
});

test("histories of ids that were only claimed are bounded", () => {
  const world = new World({ limits: { ledger: 10 } });
  for (let id = 0; id < 100; id++) {
    const clientId = `mortal-${id}`;
    world.open().sendBytes(connectBytes({ version: 5, ...invalid, clientId }));
  }
  expect(world.broker.records.clients.size).toBe(10);
});

test("a client whose id was unreadable is among the latest ends, by address", () => {
  const world = new World();
  const client = world.open();
  client.sendBytes(Uint8Array.of(0x10, 0x04, 0x00, 0x02, 0x58, 0x58));
  expect(overviewOf(world.broker).recentEnds).toMatchObject([
    { clientId: null, remote: client.remote, detail: "packet ends within Protocol Level" },
  ]);
});

test("the will of a refused CONNECT is recorded if it was readable", () => {
  const world = new World({ limits: { qos: 0 } });
  const flags = connectFlag.clean | connectFlag.will | willQosFlag(1);
  const bytes = connectBytes({ version: 5, clientId: "mortal", flags, willTopic: "wills/mortal" });
  world.open({ mountPoint: "lab/" }).sendBytes(bytes);
  expect(clientOf(world.broker, "mortal")?.connections[0]?.refusedWill).toEqual({
    ...{ topic: "lab/wills/mortal", qos: 1, retain: false },
    ...{ delayInterval: 0, payloadBytes: 4 },
  });
});
