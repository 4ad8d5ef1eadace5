import { expect, test } from "bun:test";
import { clientLines } from "../../../src/inspect/views/client.ts";
import { renderHuman } from "../../../src/log/render.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { plainStyle } from "../views/viewed.ts";
import { answerOf, brief, flatPage, pageOf, topicsOf, watched } from "./explained.ts";
import pc from "picocolors";

// Clients that lived, and were ended for silence: half a packet, or nothing but what they received.

/** A PUBLISH of 44 bytes on `lab/t`. */
const publish = Buffer.from([0x30, 42, 0, 5, ...Buffer.from(`lab/t${"x".repeat(35)}`)]);

test("explained: half a PUBLISH, then silence", () => {
  const world = watched();
  const client = mortal(world, { version: 4, keepalive: 10 });
  world.advance(1_000);
  client.sendBytes(publish.subarray(0, 5));
  world.advance(1_000);
  client.sendBytes(publish.subarray(5, 12));
  world.advance(20_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 15.0 s after its last packet, because its keepalive of
    10 s allows 15.0 s of silence. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  No complete packet came after CONNECT until the end, 15.0 s
                    later.
      08:00:02.000  Of a PUBLISH only 12 of the 44 bytes came, over 1.00 s, the last
                    of them 13.0 s before the end. Only a complete packet counts as
                    a sign of life. [v4-3.1.2-24]
      08:00:15.000  The connection ended: no complete packet came from it for
                    15.0 s, and its keepalive of 10 s allows 15.0 s of silence.
                    [v4-3.1.2-24]
      08:00:15.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v4-3.1.2-8]

    What to change
      - <incompletePacket> [v4-3.1.2-24]
    "
  `);
  const [end] = world.noted("ended");
  if (end === undefined) throw new Error("the connection has not ended");
  const style = { colors: pc.createColors(false), zone: "utc" } as const;
  expect(renderHuman(end, world.clock.now(), style)).toContain(
    "exceeded timeout (silent 15.0 s, allowed 15.0 s, 12 of 44 B of a PUBLISH arrived)",
  );
});

test("explained: a client that waits in the middle of a packet, whatever it sends", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 0 });
  // Its Remaining Length is 100 too high, so that the PINGREQ after it is a part of its payload.
  client.sendBytes(Uint8Array.from([0x30, 142, 1, ...publish.subarray(2)]));
  world.advance(2_000);
  client.ping();
  expect(topicsOf(world)).not.toContain("incompletePacket");
  world.advance(2_000);
  expect(topicsOf(world)).toContain("incompletePacket");
  expect(pageOf(world)).toContain("Of a PUBLISH only 47 of the 145 bytes have come, over 2.00 s");
  const view = clientLines(answerOf(world), plainStyle(80)).join("\n");
  expect(view).toContain("Incomplete");
  expect(view).toContain("47 of 145 B of a PUBLISH arrived");
});

test.each([
  [1, "Of a PUBLISH only 1 byte came, 10.0 s before the end."],
  [2, "Of a PUBLISH only 2 of the 44 bytes came, the last of them 10.0 s before the end."],
])("explained: %d bytes, then FIN", (bytes, words) => {
  const world = new World();
  const client = mortal(world, { keepalive: 60 });
  client.sendBytes(publish.subarray(0, bytes));
  world.advance(10_000);
  client.drop("eof");
  const page = flatPage(world);
  expect(page).toContain(words);
  // A device whose power was cut has written no wrong packet.
  expect(topicsOf(world)).not.toContain("incompletePacket");
});

test("explained: a packet that came in pieces is no half packet", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  for (const byte of publish) client.sendBytes(Uint8Array.of(byte));
  expect(answerOf(world).connections[0]).not.toHaveProperty("incomplete");
  client.sendBytes(Uint8Array.of(0xc0));
  client.sendBytes(Uint8Array.of(0));
  world.advance(20_000);
  expect(answerOf(world).connections[0]).not.toHaveProperty("incomplete");
  expect(pageOf(world)).not.toContain("complete packet");
});

test("explained: a DISCONNECT in two pieces is a clean one", () => {
  const world = new World();
  const client = mortal(world, { version: 4, keepalive: 10 });
  client.sendBytes(Uint8Array.of(0xe0));
  client.sendBytes(Uint8Array.of(0));
  expect(world.noted("ended")[0]).not.toHaveProperty("incomplete");
});

test("explained: SUBSCRIBE, then a client that only receives", () => {
  const world = new World();
  const feeder = mortal(world, { id: "feeder" });
  const client = mortal(world, { version: 4, keepalive: 2 });
  client.subscribe("lab/#");
  for (let second = 0; second < 4; second++) {
    feeder.publish("lab/1", "x");
    feeder.publish("lab/2", "x");
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 3.00 s after its last packet, because its keepalive of
    2 s allows 3.00 s of silence. Nobody had subscribed to wills/mortal.
    [v4-3.1.2-8]

    What happened
      08:00:00.000  The last packet was SUBSCRIBE, 3.00 s before the end.
      08:00:03.000  The connection ended: nothing came from it for 3.00 s, and its
                    keepalive of 2 s allows 3.00 s of silence. [v4-3.1.2-24]
      08:00:03.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal. [v4-3.1.2-8]

    What to change
      - <onlyReceives> [v4-3.1.2-23]
      - <willUnheard>
    "
  `);
});

test("explained: what was sent to it before its last packet is not counted", () => {
  const world = new World();
  const feeder = mortal(world, { id: "feeder" });
  const client = mortal(world, { keepalive: 2 });
  client.subscribe({ topic: "lab/#", qos: 1 });
  feeder.publish("lab/1", "x", { qos: 1 });
  const [message] = client.take("publish");
  client.send({ cmd: "puback", messageId: message?.messageId ?? 0, reasonCode: 0 });
  world.advance(1_000);
  feeder.publish("lab/2", "x");
  world.advance(3_000);
  const page = flatPage(world);
  expect(page).toContain(
    "after its PUBACK, no PINGREQ either, and was sent 1 message in those 3.00 s.",
  );
});

test("explained: a subscriber that nothing was sent to may have died", () => {
  const world = new World();
  mortal(world, { keepalive: 2 }).subscribe("lab/#");
  world.advance(4_000);
  expect(topicsOf(world)).not.toContain("onlyReceives");
});

test("explained: a client that pinged is not told to ping", () => {
  const world = new World();
  const feeder = mortal(world, { id: "feeder" });
  const client = mortal(world, { keepalive: 2 });
  client.subscribe("lab/#");
  world.advance(1_000);
  client.ping();
  world.advance(1_000);
  client.ping();
  feeder.publish("lab/1", "x");
  world.advance(4_000);
  expect(topicsOf(world)).not.toContain("onlyReceives");
  expect(answerOf(world).connections[0]?.end).toMatchObject({ deliveredInSilence: 1 });
});
