import { createServer } from "node:net";
import { expect, test } from "bun:test";
import { Aedes } from "aedes";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import type { RunOptions } from "../../src/drop/run.ts";
import type { Result, Scenario } from "../../src/drop/scenario.ts";
import { localTarget } from "../support/embedded.ts";
import { named, played, turn, unhurried } from "../support/played.ts";
import { all } from "../support/inbox.ts";

/** What needs a child process, root or a flag has tests of its own, and takes longer. */
const scenarios = catalogue.filter(({ needs }) => needs.every((need) => need === "loopback"));

/** Each scenario against an aedes of its own. */
async function playedOnAedes(scenario: Scenario, options: Partial<RunOptions>): Promise<Result[]> {
  await turn();
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    return await played([scenario], localTarget(port), {
      keepAliveSeconds: unhurried(scenario, 2),
      ...options,
    });
  } finally {
    broker.close();
    server.close();
  }
}

test("aedes 1.2: invalid wills are taken, deadlines are exact, the rest is right", async () => {
  const playing = scenarios.map(async (scenario) => playedOnAedes(scenario, { versions: [4] }));
  const notRight = (await all(playing))
    .flat()
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ id, verdict }) => [id, verdict]);
  expect(notRight).toEqual([["invalid-will", "fail"]]);
}, 180_000);

test("aedes 1.2: v5 is refused", async () => {
  const [v4, v5] = await playedOnAedes(named(catalogue, "rst"), { versions: [4, 5] });
  expect([v4?.verdict, v5?.verdict]).toEqual(["pass", "skipped"]);
}, 180_000);
