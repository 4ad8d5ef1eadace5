import { expect, test } from "bun:test";
import { type Load, LoadContext, type LoadReport } from "../../src/load/load.ts";
import { busyPublishers } from "../../src/load/loads/busy-publishers.ts";
import { churn } from "../../src/load/loads/churn.ts";
import {
  coldConnects,
  coldSubscribes,
  coldUnsubscribes,
} from "../../src/load/loads/cold-packets.ts";
import {
  keepalivesTogether,
  publishThenFin,
  sessionsTogether,
  shareGroups,
  willsDueTogether,
  willsTogether,
} from "../../src/load/loads/due-together.ts";
import {
  deepFilters,
  deepRetained,
  delayedWills,
  endlessSessions,
  halfPackets,
  largeRetained,
  queuedMessages,
  topicAliases,
  unseenTopics,
} from "../../src/load/loads/growth.ts";
import { idleConnections } from "../../src/load/loads/idle.ts";
import { muteConnections } from "../../src/load/loads/mute-connections.ts";
import { largeMessages, stalledReaders } from "../../src/load/loads/readers.ts";
import { rows } from "../../src/load/loads/rows.ts";
import { deepTree, plainFilters, wideTree } from "../../src/load/loads/sizes.ts";
import { sharedLevels } from "../../src/load/loads/trie.ts";
import { silentClients, willsAtOnce } from "../../src/load/loads/wills.ts";
import { embeddedBroker } from "../../src/server/embedded.ts";
import { localTarget } from "../support/embedded.ts";

/** A small form of a load, against a broker in this process. */
async function played(load: Load, version: 4 | 5, knowsMemory: boolean): Promise<LoadReport> {
  const broker = await embeddedBroker();
  try {
    const target = {
      ...localTarget(broker.port),
      version,
      // The broker is in this process; a load whose broker is known waits until it is warm.
      pid: knowsMemory ? process.pid : null,
      prefix: "b",
    };
    const context = new LoadContext({ target, seconds: 0.2 });
    return await context.play(load, async () => {});
  } finally {
    await broker.close();
  }
}

const loads: readonly (readonly [name: string, load: Load, figure: string])[] = [
  ["shared levels", sharedLevels(4, 2), "PUBLISH on new topics"],
  ["stalled readers", stalledReaders(3, 3, 65_536), "publisher answered after"],
  ["large messages", largeMessages(3, 2, 65_536), "MiB delivered"],
  ["busy publishers", busyPublishers(3), "PUBLISH sent"],
  ["wills together", willsTogether(20, 3), "last will after"],
  ["wills due together", willsDueTogether(20, 3), "last will late"],
  ["keepalives together", keepalivesTogether(20), "late p99"],
  ["sessions together", sessionsTogether(20, 2), "sessions"],
  ["PUBLISH, then FIN", publishThenFin(1000, 3), "last delivery after FIN"],
  ["shared subscriptions", shareGroups(500), "PUBLISH"],
  ["cold CONNECT", coldConnects(100), "CONNECT"],
  ["cold SUBSCRIBE", coldSubscribes(100), "SUBSCRIBE"],
  ["cold UNSUBSCRIBE", coldUnsubscribes(100), "UNSUBSCRIBE"],
  ["mute connections", muteConnections(50), "honest CONNACK p99"],
  ["churn", churn(5), "clients"],
  ["idle connections", idleConnections(20), "memory a connection"],
  ["wills at once, RST", willsAtOnce(20, "reset"), "last will after first end"],
  ["wills at once, FIN", willsAtOnce(20, "fin"), "last will after first end"],
  ["silent clients", silentClients(20, 30), "late p99"],
  ["deep filters", deepFilters(200, 50), "grown by"],
  ["deep retained", deepRetained(200, 50), "grown by"],
  ["large retained", largeRetained(3, 100_000), "grown by"],
  ["unseen topics", unseenTopics(200, 3), "grown by"],
  ["delayed wills", delayedWills(3, 10_000), "grown by"],
  ["endless sessions", endlessSessions(10, 1000), "grown by"],
  ["topic aliases", topicAliases(2, 10, 1000), "grown by"],
  ["half packets", halfPackets(3, 10_000), "grown by"],
  ["queued messages", queuedMessages(3, 10, 1000), "grown by"],
  ["plain filters", plainFilters(100), "PUBLISH"],
  ["a deep tree", deepTree(10), "PUBLISH"],
  ["a wide tree", wideTree(100), "PUBLISH"],
];

test.each(loads.map((load, index) => [...load, index % 2 === 0 ? 4 : 5] as const))(
  "%s against a sound broker",
  async (_, load, figure, version) => {
    const knowsMemory = figure === "grown by" || figure === "memory a connection";
    const { errors, notes, figures, cpu } = await played(load, version, knowsMemory);
    expect({ errors, notes }).toEqual({ errors: [], notes: [] });
    expect(figures[0]?.name).toBe(figure);
    for (const { value } of figures) expect(value).toBeFinite();
    expect(cpu.seconds).toBeGreaterThan(0);
  },
  180_000,
);

test("rows have names of their own, which fit into a report", () => {
  const names = rows.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, title } of rows) {
    expect(name).toMatch(/^[a-z][a-z0-9-]{1,19}$/);
    expect(title.length).toBeLessThanOrEqual(68);
  }
});
