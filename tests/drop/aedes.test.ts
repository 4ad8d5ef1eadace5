import { createServer } from "node:net";
import { expect, test } from "bun:test";
import { Aedes } from "aedes";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import { localTarget } from "../support/embedded.ts";
import { played } from "../support/played.ts";

/** What needs a child process, root or a flag has tests of its own, and takes longer. */
const scenarios = catalogue.filter(({ needs }) => needs.every((need) => need === "loopback"));

test("aedes 1.2: v5 is refused, invalid wills are taken, deadlines are exact, the rest is right", async () => {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const results = await played(scenarios, localTarget(port));

  const v5 = results.filter(({ protocol }) => protocol === 5);
  expect(new Set(v5.map(({ verdict }) => verdict))).toEqual(new Set(["skipped"]));
  const v4 = results.filter(({ protocol }) => protocol === 4);
  const notRight = v4
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ id, verdict }) => [id, verdict]);
  expect(notRight).toEqual([["invalid-will", "fail"]]);
  broker.close();
  server.close();
}, 60_000);
