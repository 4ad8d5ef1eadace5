import { afterAll, describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { Target } from "../../src/client/target.ts";
import { opensslMissing } from "../support/certificates.ts";
import { EmbeddedBroker } from "../support/embedded.ts";
import { Entrances } from "../support/entrances.ts";
import { eventually } from "../support/inbox.ts";

/** Clients that give up while their password is checked, on real sockets. */

const isMissing = opensslMissing !== null;
const entrances = isMissing ? null : new Entrances();
afterAll(() => entrances?.[Symbol.dispose]());

const kinds: readonly Target["transport"][] = ["tcp", "unix", "tls", "ws", "wss"];
const ends = ["fin", "reset"] as const;

describe.skipIf(isMissing)("a client that leaves before it is answered", () => {
  test.each(kinds.flatMap((kind) => ends.map((end) => [kind, end] as const)))(
    "%s, %s: who checks its password is told",
    async (kind, end) => {
      let [asked, gone] = [0, 0];
      using broker = await EmbeddedBroker.start({
        ...(entrances !== null && { entrance: entrances.of(kind) }),
        authenticate: ({ whenGone }) => {
          asked += 1;
          whenGone(() => (gone += 1));
        },
      });
      const client = await Client.open(broker.target, 5);
      client.connect({ clientId: "hasty" }).catch(() => {});
      await eventually(
        () => asked === 1,
        () => "CONNECT did not come",
      );
      expect(gone).toBe(0);
      client[end]();
      await eventually(
        () => gone === 1,
        () => "nobody noticed that the client is gone",
      );
      expect(broker.driver.connections).toBe(0);
    },
  );
});
