import { expect, test } from "bun:test";
import pc from "picocolors";
import { overviewOf } from "../../../src/core/queries/overview.ts";
import { explanationText, explainUnknown } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";

// An id that the broker does not know, while connections failed before they were any client's.

const untrusted = "it does not trust this broker's certificate (unknown CA)";

function explained(world: World, near: readonly string[] = []) {
  return explainUnknown("dev-4", overviewOf(world.broker), near);
}

function page(world: World): string {
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  return explanationText(explained(world), style);
}

test("explained: handshakes that failed are the likely reason, each address once", () => {
  const world = new World();
  world.advance(1_000);
  world.open({}, "192.0.2.8").drop("webSocketFailed", "the path /nope is not this listener's");
  for (let times = 0; times < 3; times++) {
    world.advance(1_000);
    world.open({}, "192.0.2.7").drop("tlsFailed", untrusted);
  }
  world.advance(2_500);
  expect(page(world)).toMatchInlineSnapshot(`
    "dev-4 has not connected since the broker started 5.00 s ago (or the broker has
    since forgotten it). Likely reason: a TLS handshake from 192.0.2.7 failed 1.00 s
    ago, the last of 3: it does not trust this broker's certificate (unknown CA).

    What happened
      08:00:00.000  The broker started. It keeps sessions, retained messages and
                    wills in memory: what an earlier process held when it was killed
                    is lost, and its wills never fire.
      08:00:01.000  A connection from 192.0.2.8:50001 ended before its client id was
                    read: WebSocket failed, the path /nope is not this listener's.
      08:00:04.000  3 connections from 192.0.2.7 ended before their client ids were
                    read; the last: TLS failed, it does not trust this broker's
                    certificate (unknown CA).

    What to change
      - If its program runs at 192.0.2.7: mend what made a TLS handshake fail, since
        no client id is read before; \`mqttd inspect tail\` shows each attempt.
      - If its program runs at 192.0.2.8: mend what made a WebSocket handshake fail,
        since no client id is read before; \`mqttd inspect tail\` shows each attempt.
      - Look at the client id that its program really sends: some libraries draw a
        new one for each start, and some put something before the one that you give
        them. \`mqttd serve --verbose\` logs each CONNECT.
    "
  `);
});

test("explained: a refused CONNECT with another id is the likely reason", () => {
  const world = new World({
    authenticate: (_credentials, answer) =>
      answer({ reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password", isUntold: true }),
  });
  world.open({}, "192.0.2.7").connect({ clientId: "sensor-dev-4", protocolVersion: 5 });
  const { verdict, story, advice } = explained(world);
  expect(verdict.text).toEndWith(
    " Likely reason: a CONNECT from 192.0.2.7 as sensor-dev-4 failed 0 ms ago: wrong password.",
  );
  expect(story.at(-1)?.text).toBe(
    "A CONNECT from 192.0.2.7:50001 as sensor-dev-4 failed: refused, wrong password.",
  );
  expect(advice.map(({ topic }) => topic)).toEqual(["turnedAway", "unknownClient"]);
  expect(advice[0]?.text).toBe(
    "If its program runs at 192.0.2.7, it sends the client id sensor-dev-4: " +
      "`mqttd inspect explain sensor-dev-4` is about that one.",
  );
});

test("explained: they stay when many other connections have ended since, and ordinary ends are none", () => {
  const world = new World();
  world.open({}, "192.0.2.7").drop("tlsFailed", untrusted);
  for (let others = 0; others < 30; others++) mortal(world, { id: `m${others}` }).drop();
  // Whoever only looks whether the port is open.
  for (let looks = 0; looks < 30; looks++) world.open({}, "192.0.2.9").drop("eof");
  const { verdict, story } = explained(world);
  expect(verdict.text).toContain("Likely reason: a TLS handshake from 192.0.2.7 failed");
  expect(story.filter(({ text }) => text.includes("192.0.2.7"))).toHaveLength(1);
  expect(overviewOf(world.broker).turnedAway).toHaveLength(1);
});

test("explained: at most ten addresses are remembered, and three have advice", () => {
  const world = new World();
  for (let host = 1; host <= 12; host++) world.open({}, `192.0.2.${host}`).drop("proxyFailed");
  expect(overviewOf(world.broker).turnedAway?.map(({ remote }) => remote.split(":")[0])).toEqual(
    Array.from({ length: 10 }, (_, place) => `192.0.2.${12 - place}`),
  );
  const { advice } = explained(world);
  expect(advice.filter(({ topic }) => topic === "turnedAway")).toHaveLength(3);
});

test("explained: bytes that are no MQTT are told of, and blamed on nobody", () => {
  const world = new World();
  world.open().sendBytes(Uint8Array.of(0x10, 0x04, 0x00, 0x02, 0x58, 0x58));
  const { verdict, story } = explained(world);
  expect(verdict.text).not.toContain("Likely reason");
  expect(story.at(-1)?.text).toContain("ended before its client id was read: malformed packet");
});
