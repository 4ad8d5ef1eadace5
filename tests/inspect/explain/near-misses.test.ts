import { expect, test } from "bun:test";
import type { SubscriptionAccount } from "../../../src/core/records/client-account.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
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

test("near misses: other topics and those that match by now are none", () => {
  expect(advised("tele/boiler", ["tele/pump", "tele/#", "#"])).toBe("none");
});
