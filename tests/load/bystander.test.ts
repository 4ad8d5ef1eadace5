import { expect, test } from "bun:test";
import { Bystander, type Sighting } from "../../src/load/bystander.ts";
import { serveEcho } from "../../src/load/echo.ts";
import type { LoadTarget } from "../../src/load/client.ts";
import { embeddedBroker } from "../../src/server/embedded.ts";
import { localTarget } from "../support/embedded.ts";
import { eventually } from "../support/inbox.ts";
import { reservedPort } from "../support/reserved-port.ts";
import { SocketClient } from "../support/socket-client.ts";
import { QuirkyBroker } from "./quirky-broker.ts";

const targetAt = (port: number): LoadTarget => ({
  ...localTarget(port),
  version: 4,
  pid: null,
  prefix: "b",
});

/** What a bystander of this broker sees from its beginning until `meanwhile` resolves. */
async function sighting(
  port: number,
  meanwhile: (bystander: Bystander) => Promise<void>,
  first: "open" | "begin" = "open",
): Promise<Sighting> {
  const echo = await serveEcho();
  try {
    const bystander = new Bystander(targetAt(port), echo.port);
    if (first === "begin") bystander.begin();
    await bystander.open();
    if (first === "open") bystander.begin();
    await meanwhile(bystander);
    return await bystander.end();
  } finally {
    echo.stop();
  }
}

test("a broker without a load: every ping is answered, every will comes, none is ended", async () => {
  const broker = await embeddedBroker();
  try {
    const { ping, silent, ...rest } = await sighting(broker.port, async () => {
      using watcher = await SocketClient.connect(broker.port, { clientId: "watcher" });
      await watcher.subscribe("b/silent/+");
      // One of the 100 clients fell silent again: its second will was due after the beginning.
      await watcher.received.count("a will", 101, ({ packet }) => packet.cmd === "publish");
    });
    expect(rest).toMatchObject({ silentMissing: 0, pinging: 50, ended: 0, errors: [] });
    // Fewer than one every 10 ms, if this machine is slow.
    expect(ping.count).toBeGreaterThan(0);
    expect(rest.echo.count).toBe(ping.count);
    expect(silent.count).toBeGreaterThan(0);
    expect(rest.judged.count).toBe(silent.count);
    // A will comes after the end of its connection, and is mostly read after it too.
    expect(rest.judged.p50 ?? NaN).toBeLessThanOrEqual(silent.p50 ?? NaN);
  } finally {
    await broker.close();
  }
}, 180_000);

test("a broker that answers no ping and ends nobody for silence", async () => {
  using broker = new QuirkyBroker(null);
  const enoughPings = async (): Promise<void> => {
    // One every 10 ms, and 50 clients' own; a will is due every 15 ms.
    const enough = broker.pings + 100;
    await eventually(
      () => broker.pings >= enough,
      () => `${broker.pings} of ${enough} PINGREQs`,
    );
  };
  // Nobody falls silent twice here: of those who are due before the beginning nothing would be seen.
  const seen = await sighting(broker.port, enoughPings, "begin");
  const { ping, judged, silent, silentMissing, ended } = seen;
  // An answer that never came counts with its age, at least the time that was waited for wills.
  expect(ping.count).toBeGreaterThan(0);
  expect(ping.p50 ?? 0).toBeGreaterThan(2000);
  expect(silentMissing).toBeGreaterThan(0);
  expect(silent.count).toBe(silentMissing);
  expect(judged.count).toBe(silentMissing);
  expect(ended).toBe(0);
}, 180_000);

test("a broker that ends the pinging clients is seen", async () => {
  using broker = new QuirkyBroker(null);
  // alive-1 and alive-10 to alive-19.
  const victims = 11;
  const { ended, pinging } = await sighting(broker.port, async (bystander) => {
    broker.hangUp((clientId) => clientId.startsWith("b-alive-1"));
    await eventually(
      () => bystander.ended === victims,
      () => `${bystander.ended} of ${victims} were ended`,
    );
  });
  expect({ ended, pinging }).toEqual({ ended: victims, pinging: 50 });
}, 180_000);

test("silent clients that are refused are counted, and are no error", async () => {
  using broker = new QuirkyBroker(null);
  broker.refuses = (clientId) => clientId.includes("-silent-");
  const { refused, judged, silent, errors } = await sighting(broker.port, async (bystander) => {
    await eventually(
      () => bystander.refused > 0,
      () => "no silent client was refused",
    );
  });
  expect(refused).toBeGreaterThan(0);
  const counts = { judged: judged.count, silent: silent.count };
  expect({ ...counts, errors }).toEqual({ judged: 0, silent: 0, errors: [] });
}, 180_000);

test("a broker that is not there is an error of the bystander", async () => {
  const port = reservedPort();
  const bystander = new Bystander(targetAt(port), port);
  const failed = await bystander.open().catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Error);
});
