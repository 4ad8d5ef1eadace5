import { afterAll, describe, expect, test } from "bun:test";
import path from "node:path";
import { Folder } from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { type Door, everyDoor } from "../support/listeners.ts";
import { blockedBroker, stoppedBroker } from "./held-brokers.ts";
import { standstill, type Cast } from "./play.ts";
import { all } from "../support/inbox.ts";

const root = path.resolve(import.meta.dir, "../..");
const deno = path.join(root, "node_modules/.bin/deno");
const limitMs = 180_000;
/** A second more than the silence that their keepalive allows. */
const heldMs = 4000;
const cast: Cast = { pinging: 50, leaving: 10, returning: 5, silent: 5 };
const right = { ended: 0, pingingWills: 0, leavingWills: 0, returningWills: 0, silentWills: 5 };

describe("a broker that stood still ends only the silent clients", () => {
  const others = everyDoor.filter((door) => door !== "mqtt");
  const groups: readonly { readonly name: string; readonly doors: readonly Door[] }[] = [
    { name: "TCP", doors: ["mqtt"] },
    { name: others.join(", "), doors: others },
  ];
  test.each(groups)(
    "stopped by SIGSTOP, clients by $name",
    async ({ doors }) => {
      // Each has a broker of its own.
      await all(
        doors.map(async (door) => {
          await using broker = await stoppedBroker({}, door);
          const { silentWithinMs, ...report } = await standstill(broker, heldMs, cast);
          expect({ door, ...report }).toEqual({ door, ...right });
          expectInTime("the ends of the silent", silentWithinMs, 1000);
        }),
      );
    },
    limitMs,
  );

  for (const where of ["data", "timer"] as const) {
    test(
      `its loop blocked in a callback of a ${where === "data" ? "socket" : "timer"}`,
      async () => {
        await using broker = await blockedBroker(where);
        const { silentWithinMs, ...report } = await standstill(broker, heldMs, cast);
        expect(report).toEqual(right);
        expectInTime("the ends of the silent", silentWithinMs, 1000);
      },
      limitMs,
    );
  }

  test(
    "these tests detect a broker that judges before it reads: it ends all clients",
    async () => {
      await using broker = await stoppedBroker({
        args: ["--like", "A4-unread-packets-do-not-count"],
      });
      const { silentWithinMs: _, ...report } = await standstill(broker, heldMs, cast);
      expect(report).toEqual({
        ended: 50,
        pingingWills: 50,
        leavingWills: 10,
        returningWills: 5,
        silentWills: 5,
      });
    },
    limitMs,
  );

  const cache = new Folder();
  afterAll(() => cache[Symbol.dispose]());
  test(
    "stopped under Deno, which shows no descriptors",
    async () => {
      await using broker = await stoppedBroker({
        command: [deno, "run", "-A", "--no-prompt", path.join(root, "src/main.ts")],
        env: { DENO_DIR: cache.path },
      });
      const { silentWithinMs, ...report } = await standstill(broker, heldMs, cast);
      expect(report).toEqual(right);
      expectInTime("the ends of the silent", silentWithinMs, 1000);
    },
    limitMs,
  );
});
