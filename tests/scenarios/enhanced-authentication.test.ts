import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("v5-4.12.0-1: an unsupported authentication method is refused with 0x8C", () => {
  const world = new World();
  const client = world.open();
  const connack = client.connect({
    clientId: "a",
    protocolVersion: 5,
    properties: {
      authenticationMethod: "SCRAM-SHA-256",
      authenticationData: Buffer.from("n,,n=user"),
    },
  });
  expect(connack).toMatchObject({ reasonCode: 0x8c, sessionPresent: false });
  expect(client.closedBy).toBe("end");
  expect(world.noted("ended")).toMatchObject([{ cause: "refused", wasConnected: false }]);
});

test("it is refused before the password is checked", () => {
  let asked = 0;
  const world = new World({
    authenticate: (_, answer) => {
      asked += 1;
      answer(null);
    },
  });
  world.open().connect({
    clientId: "a",
    protocolVersion: 5,
    properties: { authenticationMethod: "X" },
  });
  expect(asked).toBe(0);
});

test("v5-3.15.0: AUTH without an agreed method ends the connection with 0x82", () => {
  for (const reasonCode of [0x18, 0x19] as const) {
    const world = new World();
    const client = world.open();
    client.connect({ clientId: "a", protocolVersion: 5 });
    client.send({ cmd: "auth", reasonCode, properties: { authenticationMethod: "X" } });
    expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
    expect(client.closedBy).toBe("end");
  }
});

test("AUTH is no packet of v4", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.sendBytes(Uint8Array.from([0xf0, 0]));
  expect(client.closedBy).toBe("end");
  expect(world.noted("ended")).toMatchObject([{ cause: "malformedPacket" }]);
});
