import { expect, test } from "bun:test";
import type { RetainedAccount } from "../../../src/core/records/broker-account.ts";
import { explainUnknown, levelsOf } from "../../../src/inspect/explain/explain.ts";
import { mortal, watcherOf } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, flatPage, watched } from "./explained.ts";

test("the payload of a will: text, hexadecimal, cut, and the same as before", () => {
  const world = watched();
  mortal(world, { keepalive: 10, will: { payload: "0" } });
  expect(flatPage(world)).toContain("(QoS 0, not retained, 1 byte, '0', no delay).");
  mortal(world, { keepalive: 10, will: { payload: Buffer.from([8, 0xff]) } });
  expect(flatPage(world)).toContain("2 bytes, 08 ff, no delay). [");
  mortal(world, { keepalive: 10, will: { payload: Buffer.from([8, 0xff]) } });
  expect(flatPage(world)).toContain("08 ff, no delay), the same bytes as its previous will.");
  mortal(world, { keepalive: 10, will: { payload: "x".repeat(100) } });
  expect(flatPage(world)).toContain(`100 bytes, '${"x".repeat(64)}' ..., no delay). [`);
  // Only the beginning is kept, so the rest may differ.
  mortal(world, { keepalive: 10, will: { payload: "x".repeat(100) } });
  expect(flatPage(world)).not.toContain("the same bytes");
});

test("a client id is never capitalised at the beginning of a sentence", () => {
  const world = new World();
  watcherOf(world, "wills/#");
  const will = { topic: "wills/shared", retain: true };
  const first = mortal(world, { id: "mqttjs_0a11beef", keepalive: 60, will });
  const second = mortal(world, { id: "mqttjs_77c0ffee", keepalive: 60, will });
  second.publish("wills/shared", "online", { retain: true });
  world.advance(1_000);
  first.publish("wills/shared", "offline", { retain: true });
  first.send({ cmd: "disconnect" });
  const page = flatPage(world, "mqttjs_77c0ffee");
  expect(page).toContain(
    "What it had published on wills/shared was replaced 0 ms ago by mqttjs_0a11beef, and the topic now " +
      "holds 'offline'.",
  );
  expect(page).not.toContain("Mqttjs");
});

test("an unknown id that is a level of a topic: its client comes before other advice", () => {
  const world = watched();
  const bridge = mortal(world, { id: "bridge", will: { topic: "homie/bridge/$state" } });
  bridge.publish("homie/lamp/$state", "ready", { retain: true });
  const { wills } = answerOf(world, "bridge");
  const retained = ["tele/boiler/LWT", "homie/door/$state"].map(
    (topic) => ({ topic }) as RetainedAccount,
  );
  const adviceOn = (id: string): string =>
    explainUnknown(id, { now: 0, startedAt: 0, recentEnds: [] }, [], levelsOf(id, wills, retained))
      .advice[0]?.text ?? "";
  expect(adviceOn("lamp")).toStartWith(
    "lamp is a level of the topic homie/lamp/$state, on which bridge has published a retained message: " +
      "`mqttd inspect explain bridge` is about that client.",
  );
  expect(adviceOn("bridge")).toContain("on which bridge has its will");
  expect(adviceOn("boiler")).toContain("tele/boiler/LWT, which holds a retained message: look for");
  expect(adviceOn("door")).toContain(
    "bridge may publish it, as its will is on a topic that differs",
  );
  expect(adviceOn("boil")).toStartWith("Look at the client id");
});

test("another connection's length does not read as a silence", () => {
  const world = watched();
  mortal(world, { keepalive: 2 });
  world.advance(4_170);
  mortal(world, { keepalive: 2 });
  expect(flatPage(world)).toContain(
    "MQTT 5.0, open for 3.00 s. Keepalive expired; will fired, 1 got it",
  );
});
