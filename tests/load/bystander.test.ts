import { expect, test } from "bun:test";
import { Bystander } from "../../src/load/bystander.ts";
import { serveEcho } from "../../src/load/echo.ts";
import type { LoadTarget } from "../../src/load/client.ts";
import { embeddedBroker } from "../../src/server/embedded.ts";
import { QuirkyBroker } from "./quirky-broker.ts";

const targetAt = (port: number): LoadTarget => ({
  host: "127.0.0.1",
  port,
  version: 4,
  username: null,
  password: null,
  pid: null,
  prefix: "b",
});

test("a broker without a load: every ping is answered, every will comes, none is ended", async () => {
  const broker = await embeddedBroker();
  const echo = await serveEcho();
  try {
    const bystander = new Bystander(targetAt(broker.port), echo.port);
    await bystander.open();
    bystander.begin();
    await Bun.sleep(1000);
    const { ping, silent, ...rest } = await bystander.end();
    expect(rest).toMatchObject({ silentMissing: 0, pinging: 50, ended: 0, errors: [] });
    // Fewer than one every 10 ms, if this machine is slow.
    expect(ping.count).toBeGreaterThan(0);
    expect(rest.echo.count).toBe(ping.count);
    expect(silent.count).toBeGreaterThan(0);
  } finally {
    echo.stop();
    await broker.close();
  }
}, 20_000);

test("a broker that answers no ping and ends nobody for silence", async () => {
  using broker = new QuirkyBroker(null);
  const echo = await serveEcho();
  try {
    const bystander = new Bystander(targetAt(broker.port), echo.port);
    await bystander.open();
    bystander.begin();
    await Bun.sleep(300);
    const { ping, silent, silentMissing, ended } = await bystander.end();
    // An answer that never came counts with its age, at least the time that was waited for wills.
    expect(ping.count).toBeGreaterThan(0);
    expect(ping.p50 ?? 0).toBeGreaterThan(2000);
    expect(silentMissing).toBeGreaterThan(0);
    expect(silent.count).toBe(silentMissing);
    expect(ended).toBe(0);
  } finally {
    echo.stop();
  }
}, 20_000);

test("a broker that ends the pinging clients is seen", async () => {
  using broker = new QuirkyBroker(null);
  const echo = await serveEcho();
  try {
    const bystander = new Bystander(targetAt(broker.port), echo.port);
    await bystander.open();
    bystander.begin();
    broker.hangUp((clientId) => clientId.startsWith("b-alive-1"));
    await Bun.sleep(100);
    const { ended, pinging } = await bystander.end();
    // alive-1 and alive-10 to alive-19.
    expect({ ended, pinging }).toEqual({ ended: 11, pinging: 50 });
  } finally {
    echo.stop();
  }
}, 20_000);

test("silent clients that are refused are counted, and are no error", async () => {
  using broker = new QuirkyBroker(null);
  broker.refuses = (clientId) => clientId.includes("-silent-");
  const echo = await serveEcho();
  try {
    const bystander = new Bystander(targetAt(broker.port), echo.port);
    await bystander.open();
    bystander.begin();
    await Bun.sleep(500);
    const { refused, silent, errors } = await bystander.end();
    expect(refused).toBeGreaterThan(0);
    expect({ silent: silent.count, errors }).toEqual({ silent: 0, errors: [] });
  } finally {
    echo.stop();
  }
}, 20_000);

test("a broker that is not there is an error of the bystander", async () => {
  const broker = new QuirkyBroker(null);
  const { port } = broker;
  broker[Symbol.dispose]();
  const bystander = new Bystander(targetAt(port), port);
  const failed = await bystander.open().catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Error);
});
