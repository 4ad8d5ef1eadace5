import { expect, test } from "bun:test";
import { logText } from "../support/account-text.ts";
import { briefPage, unknownExplained } from "../support/brief-account.ts";
import { reservedPort } from "../support/reserved-port.ts";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// The broker itself ends: its log's lines about the wills, and the queries that work afterwards.

function delayed(clientId: string) {
  const will = { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0 as const };
  return {
    clean: false,
    properties: { sessionExpiryInterval: 60 },
    will: { ...will, retain: false, properties: { willDelayInterval: 30 } },
  };
}

/** From the first line with these words. */
function linesFrom(lines: readonly string[], words: string): readonly string[] {
  return lines.slice(lines.findIndex((line) => line.includes(words)));
}

test(
  "an orderly stop: wills are published, delayed ones too, and inspect finds no broker",
  async () => {
    await using accounts = await WillAccounts.start();
    await using _armed = await accounts.mqttjs("armed");
    const waits = await accounts.mqttjs("waits", delayed("waits"));
    await waits.vanish();
    await accounts.ended("waits");
    const { broker } = accounts;
    broker.signal("SIGTERM");
    expect(await broker.exit()).toBe(0);
    expect(logText(linesFrom(broker.lines.items, "mqttd is stopping"))).toMatchInlineSnapshot(`
      "mqttd is stopping (SIGTERM)
      waits's will published to 1 on wills/waits (due after <measured>, <lateness>, broker stopped) · connection ended: closed without DISCONNECT (FIN)
      Client watcher disconnected: broker stopped (silent <measured>, no keepalive) · no will
      Client armed disconnected: broker stopped (silent <measured>, allowed 45.0 s) · will published to 1 on wills/armed
      mqttd stopped"
    `);
    await accounts.watcher.ended;
    expect(accounts.watcher.messages()).toEqual(["wills/waits=gone", "wills/armed=gone"]);
    expect(await accounts.inspect("explain", "armed")).toMatchInlineSnapshot(`
      {
        "code": 3,
        "stderr": 
      "mqttd: found no running broker (start one with mqttd serve, or name one elsewhere with --admin)
      "
      ,
        "stdout": "",
      }
    `);
  },
  rowLimitMs,
);

test(
  "killed and restarted: it has no record of the earlier wills, and explains why",
  async () => {
    await using accounts = await WillAccounts.start({ port: reservedPort() });
    await using _armed = await accounts.mqttjs("armed");
    const { port, broker } = accounts;
    await accounts.line(" as armed ");
    broker.signal("SIGKILL");
    expect(await broker.exit()).toBeNull();
    // It had no time to log anything.
    expect(logText(linesFrom(broker.lines.items, " as armed "))).toMatchInlineSnapshot(
      `"New client connected from 127.0.0.1:<port> as armed (p5, c1, k30), will on wills/armed (q0)"`,
    );
    // It registers where the one before did.
    const env = { MQTTD_RUN_DIR: `${broker.folder.path}-run` };
    await using again = await WillAccounts.start({ port, env });
    expect(logText(again.broker.lines.items.slice(0, 1))).toContain(
      "was killed, or it crashed: its armed wills were not published",
    );
    const { code, stderr, stdout } = await accounts.inspect("explain", "armed");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "mqttd: no such client (not seen, or forgotten; mqttd inspect clients lists those with a session)\n",
    });
    const explanation = await unknownExplained(broker.folder, "armed");
    const page = briefPage(stdout, explanation).replaceAll(/\s+/g, " ");
    expect(page).toContain(
      "was killed, or it crashed: if armed was connected then, its will is lost, and was not " +
        "published. Advice: killedBroker, unknownClient",
    );
    expect((await accounts.inspect("wills")).stdout).toContain("its armed wills are lost");
  },
  rowLimitMs,
);
