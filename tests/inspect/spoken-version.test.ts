import { expect, test } from "bun:test";
import pc from "picocolors";
import { protocolName } from "../../src/core/packet.ts";
import { plantedQuirks } from "../../src/core/quirks/planted.ts";
import { explain } from "../../src/inspect/explain/explain.ts";
import { habitsOf } from "../../src/inspect/explain/lint.ts";
import { renderHuman, renderJson } from "../../src/log/render.ts";
import { accessBy } from "../support/access.ts";
import { mortal, type MortalOptions } from "../support/mortal.ts";
import type { TestClient } from "../support/client.ts";
import { World, type WorldOptions } from "../support/world.ts";
import { answerOf, pageOf } from "./explain/explained.ts";
import { plainStyle, viewsOf } from "./views/viewed.ts";

// A statement binds those who speak its version: of a client of MQTT 3.1.1 or 3.1 no text and no
// JSON names a statement of 5.0, and of one of 5.0 none of 3.1.1.

type Version = NonNullable<MortalOptions["version"]>;

/** What a client does; the world is read afterwards. */
type Life = (world: World, version: Version, deny: (topic: string) => void) => void;

const refusedBy = (will: MortalOptions["will"]): Life => {
  return (world, protocolVersion) => {
    const own = { topic: "wills/mortal", payload: "gone", qos: 0, retain: false } as const;
    world.open().connect({ clientId: "mortal", protocolVersion, will: { ...own, ...will } });
  };
};
const sends = (act: (client: TestClient) => void): Life => {
  return (world, version) => act(mortal(world, { version, clean: false, keepalive: 10 }));
};
type After = (client: TestClient, ...rest: Parameters<Life>) => void;

const ends = (after: After): Life => {
  return (world, version, deny) => {
    const options = { version, clean: false, keepalive: 10, will: { retain: true } };
    const client = mortal(world, { ...options, ...(version === 5 && { expiry: 60, delay: 5 }) });
    after(client, world, version, deny);
    world.advance(3_000);
  };
};

const refusals: Readonly<Record<string, Life>> = {
  "a will below $SYS": refusedBy({ topic: "$SYS/x" }),
  "a will too deep": refusedBy({ topic: "a/".repeat(300) }),
  "a will on a denied topic": refusedBy({ topic: "denied" }),
  "a will above the QoS": refusedBy({ qos: 2 }),
  "a large will": refusedBy({ payload: Buffer.alloc(200) }),
  anonymous: (world, protocolVersion) => {
    const listener = { allowAnonymous: false };
    world.open(listener).connect({ clientId: "mortal", protocolVersion });
    const named = { clientId: "mortal", protocolVersion, username: "ann" };
    world.open(listener).connect(named);
  },
  "QoS 2": sends((client) => client.publish("t", "x", { qos: 2 })),
  "a deep topic": sends((client) => client.publish("a/".repeat(300), "x")),
  "a wildcard": sends((client) => client.publish("a/#", "x")),
  "a denied PUBLISH": sends((client) => client.publish("denied", "x", { qos: 1 })),
  "a denied SUBSCRIBE": sends((client) => client.subscribe("denied", "a")),
  "a wrong acknowledgement": (world, version) => {
    const client = mortal(world, { version });
    client.subscribe({ topic: "t", qos: 1 });
    client.publish("t", "x");
    world.open().connect({ clientId: "other" });
    const other = mortal(world, { id: "other", version });
    other.publish("t", "x", { qos: 1 });
    for (const cmd of ["pubrec", "pubcomp"] as const) client.send({ cmd, messageId: 1 });
  },
  "a second CONNECT": sends((client) => void client.connect({ clientId: "mortal" })),
  flags: sends((client) => client.sendBytes(Uint8Array.of(0xc1, 0))),
};

const endings: Readonly<Record<string, Life>> = {
  FIN: ends((client) => client.drop("eof")),
  silence: ends((_client, world) => world.advance(16_000)),
  "a clean DISCONNECT": ends((client) => client.send({ cmd: "disconnect" })),
  "a takeover": ends((_client, world, version) => {
    mortal(world, { version, clean: false });
    mortal(world, { version, clean: true });
  }),
  "a return": ends((client, world, version) => {
    client.drop();
    world.advance(1_000);
    mortal(world, { version, clean: false, ...(version === 5 && { expiry: 60 }) }).drop();
  }),
  "a will that may no longer be published": ends((client, _world, _version, deny) => {
    deny("wills/mortal");
    client.drop();
  }),
  "a broker that stops": ends((_client, world) => world.driver.order({ type: "stopping" })),
};

/** All that is said of the world's clients. */
function saidIn(world: World): string[] {
  const style = { colors: pc.createColors(false), zone: "utc" } as const;
  const at = world.clock.now();
  const said = world.events.flatMap((event) => [
    renderHuman(event, at, style),
    renderJson(event, at),
  ]);
  for (const clientId of ["mortal", "other"]) {
    if (!world.broker.records.clients.of(clientId)) continue;
    const answer = answerOf(world, clientId);
    said.push(JSON.stringify(answer), JSON.stringify(explain(answer)), pageOf(world, clientId));
    said.push(...habitsOf(answer).map((finding) => JSON.stringify(finding)));
    said.push(...Object.values(viewsOf(world, plainStyle(100), { clientId, topic: "t" })));
  }
  return said;
}

function worldWith(options: Partial<WorldOptions>, denied: ReadonlySet<string>): World {
  return new World({
    ...options,
    limits: { qos: 1, payloadSize: 100, topicLevels: 100 },
    access: accessBy({
      mayPublish: (_who, topic) => !denied.has(topic),
      maySubscribe: (_who, filter) => !denied.has(filter),
    }),
  });
}

/** What is said with a statement of a version that the client does not speak, by life. */
function foreignIn(
  version: Version,
  lived: Readonly<Record<string, Life>>,
  options: Partial<WorldOptions>,
): string[] {
  const other = version === 5 ? /\bv[34]-\d/ : /\bv5-\d/;
  let named = 0;
  const foreign = Object.entries(lived).flatMap(([life, live]) => {
    const denied = new Set(["denied"]);
    const world = worldWith(options, denied);
    live(world, version, (topic) => denied.add(topic));
    world.advance(1_000);
    const said = saidIn(world);
    named += said.filter((text) => /\bv\d-\d/.test(text)).length;
    return said.filter((text) => other.test(text)).map((text) => `${life}: ${text}`);
  });
  // Else the texts were not those of these lives.
  expect(named).toBeGreaterThan(Object.keys(lived).length);
  return foreign;
}

for (const version of [3, 4, 5] as const) {
  test(`statements of the version that was spoken: MQTT ${protocolName[version]}`, () => {
    expect(foreignIn(version, { ...refusals, ...endings }, {})).toEqual([]);
  });
}

for (const [name, rules] of Object.entries(plantedQuirks)) {
  test(`statements of the version that was spoken: MQTT 3.1.1 with ${name}`, () => {
    expect(foreignIn(4, endings, { rules })).toEqual([]);
  });
}
