import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const limits = { keepAliveMaxSeconds: 60 };

interface Case {
  readonly asked: number;
  readonly told: number | undefined;
  readonly inForce: number;
}

const v5: readonly Case[] = [
  { asked: 600, told: 60, inForce: 60 },
  { asked: 61, told: 60, inForce: 60 },
  { asked: 60, told: undefined, inForce: 60 },
  { asked: 10, told: undefined, inForce: 10 },
  // Keepalive 0 exceeds every maximum.
  { asked: 0, told: 60, inForce: 60 },
];

for (const { asked, told, inForce } of v5) {
  test(`a v5 client that asks for ${asked} s gets ${told ?? "nothing"}, and ${inForce} is enforced`, () => {
    const world = new World({ limits });
    const client = world.open();
    const connack = client.connect({ clientId: "c", protocolVersion: 5, keepalive: asked });
    expect(connack?.properties?.serverKeepAlive).toBe(told);
    expect(client.watched).toBe(inForce * 1500);
    const [connected] = world.noted("connected");
    expect(connected).toMatchObject({ keepAlive: inForce, keepAliveAsked: asked });
    expect(world.noted("keepAliveAboveMaximum")).toEqual([]);
    world.advance(inForce * 1500 - 1);
    expect(isOpen(world, client)).toBe(true);
    world.advance(1);
    expect(endOf(world, client).cause).toBe("keepAliveExpired");
    auditAtEnd(world);
  });
}

test("without a maximum CONNACK has no Server Keep Alive", () => {
  for (const keepalive of [0, 1, 65_535]) {
    const world = new World();
    const client = world.open();
    const connack = client.connect({ clientId: "c", protocolVersion: 5, keepalive });
    expect(connack?.properties?.serverKeepAlive).toBeUndefined();
    auditAtEnd(world);
  }
});

for (const version of [3, 4] as const) {
  test(`a v${version} client's interval above the maximum is honoured, and logged`, () => {
    const world = new World({ limits });
    const client = world.open();
    client.connect({ clientId: "c", protocolVersion: version, keepalive: 600 });
    expect(world.noted("keepAliveAboveMaximum")).toEqual([
      {
        event: "keepAliveAboveMaximum",
        peer: { clientId: "c", remote: client.remote },
        keepAlive: 600,
        maximum: 60,
      },
    ]);
    world.advance(600 * 1500 - 1);
    expect(isOpen(world, client)).toBe(true);
    world.advance(1);
    expect(endOf(world, client).cause).toBe("keepAliveExpired");
    auditAtEnd(world);
  });

  test(`a v${version} client's keepalive of 0 is honoured under a maximum, and logged`, () => {
    const world = new World({ limits });
    const client = world.open();
    client.connect({ clientId: "c", protocolVersion: version, keepalive: 0 });
    expect(world.noted("keepAliveAboveMaximum")).toMatchObject([{ keepAlive: 0, maximum: 60 }]);
    world.advance(86_400_000);
    expect(isOpen(world, client)).toBe(true);
    auditAtEnd(world);
  });

  test(`a v${version} client within the maximum logs nothing`, () => {
    const world = new World({ limits });
    world.open().connect({ clientId: "c", protocolVersion: version, keepalive: 60 });
    expect(world.noted("keepAliveAboveMaximum")).toEqual([]);
    auditAtEnd(world);
  });
}
