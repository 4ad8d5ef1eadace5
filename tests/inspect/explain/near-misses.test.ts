import { expect, test } from "bun:test";
import type { SubscriptionAccount } from "../../../src/core/records/client-account.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { subscriptionsOf } from "../../../src/core/queries/queries.ts";
import { accessBy } from "../../support/access.ts";
import { mortal, type MortalOptions } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf } from "./explained.ts";

/** The advice about these subscriptions of `ha`, for a will on this topic that nobody received. */
function advised(topic: string, filters: readonly string[], options: MortalOptions = {}): string {
  const world = new World();
  mortal(world, { keepalive: 10, will: { topic }, ...options }).drop();
  const subscriptions = filters.map((filter): SubscriptionAccount => ({
    ...{ clientId: "ha", filter, qos: 0, noLocal: false, retainAsPublished: false },
    ...{ identifier: 0, group: null },
  }));
  const { advice } = explain(answerOf(world), subscriptions);
  return advice.find((one) => one.topic === "nearMiss")?.text ?? "none";
}

test("near misses: case, a slash at the beginning, the mount point", () => {
  expect(advised("Tele/boiler/LWT", ["tele/+/lwt"])).toBe(
    "The will's topic is Tele/boiler/LWT. Now ha subscribes to tele/+/lwt, which differs by upper and " +
      "lower case.",
  );
  expect(advised("tele/boiler", ["/tele/#"])).toContain("differs by a slash at its beginning");
  expect(advised("/tele/boiler", ["tele/#"])).toContain("differs by a slash at its beginning");
  const behind = { listener: { mountPoint: "lab/" } };
  expect(advised("tele/boiler/LWT", ["tele/+/LWT"], behind)).toContain(
    "Now ha subscribes to tele/+/LWT, which differs by the mount point lab/ of the listener.",
  );
  expect(advised("Tele/boiler", ["$share/crew/tele/#"])).toContain("upper and lower case");
});

test("near misses: a slash at the end", () => {
  expect(advised("tele/boiler/", ["tele/+"])).toContain(
    "which differs by the slash at the end of the topic.",
  );
  expect(advised("tele/boiler", ["tele/+/"])).toContain("differs by a slash at its end");
  expect(advised("tele/boiler/", ["tele/+/x"])).toBe("none");
});

test("near misses: # does not match a topic with $, which no slash mends", () => {
  expect(advised("$devices/boiler", ["#", "+/boiler"])).toBe("none");
  expect(advised("$devices/boiler", ["$Devices/#"])).toContain("upper and lower case");
});

test("near misses: another topic is none; one that matches by now came too late", () => {
  expect(advised("tele/boiler", ["tele/pump"])).toBe("none");
  expect(advised("tele/boiler", ["tele/pump", "tele/#"])).toBe(
    "Now ha subscribes to tele/#, which matches tele/boiler: it did not yet when the will was " +
      "published. Subscribe before, or retain the will.",
  );
  expect(advised("tele/boiler", ["tele/#"], { will: { topic: "tele/boiler", retain: true } })).toBe(
    "none",
  );
  // Behind a mount point, it may have subscribed to another topic.
  const behind = { listener: { mountPoint: "lab/" } };
  expect(advised("tele/boiler", ["lab/#"], behind)).toBe("none");
});

test("near misses: a subscriber that may not read the topic was not too late", () => {
  const access = accessBy({ mayRead: ({ clientId }) => clientId !== "ha" });
  const world = new World({ access });
  const ha = world.open();
  ha.connect({ clientId: "ha", protocolVersion: 5 });
  ha.subscribe({ topic: "wills/#", qos: 1 });
  mortal(world, { keepalive: 10 }).drop();
  const subscriptions = [...subscriptionsOf(world.broker)].filter((one) => one !== null);
  expect(subscriptions).toHaveLength(1);
  const { verdict, advice } = explain(answerOf(world), subscriptions);
  expect(verdict.text).toContain("may not read wills/mortal and missed it");
  expect(advice.map(({ topic }) => topic)).toEqual(["deniedReaders"]);
  expect(advice[0]?.text).toBe(
    "For ha to receive it: change the line test.acl:1 'topic deny it', which denies wills/mortal, " +
      "and `mqttd inspect reload`.",
  );
});
