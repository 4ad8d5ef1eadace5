import { expect, test } from "bun:test";
import { likeNamed } from "../../../src/core/quirks/likes.ts";
import { plantedQuirks } from "../../../src/core/quirks/planted.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, flatPage, pageOf, told, topicsOf } from "./explained.ts";

// What the standard asks for, where the broker was started to misbehave.

function worldLike(name: string): World {
  return new World({ rules: likeNamed(name)?.rules ?? {} });
}

test("explained: a silent client of a broker like rumqttd 0.19 was due by the standard", () => {
  const world = worldLike("rumqttd-0.19");
  mortal(world, { version: 4, keepalive: 5 });
  world.advance(12_000);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 12.0 s ago. This broker disconnects no silent client, because it was
    started to misbehave. By the standard it was due 4.50 s ago: the connection had
    to end after 7.50 s of silence. [v4-3.1.2-24]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50001 with MQTT 3.1.1 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 5 s. This broker disconnects no
                    silent client, because it was started to misbehave.
      08:00:00.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone'). [v4-3.1.2-8]
      08:00:00.000  Nothing has come after CONNECT, for 12.0 s.
      08:00:07.500  By the standard the connection had to end here, after 7.50 s of
                    silence, and its will to fire. This broker was started to
                    misbehave. [v4-3.1.2-24]

    What can happen now
      - If it falls silent, only TCP can find that: in minutes, or never. Then the
        will fires.
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v4-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
      - If another connection comes with the same client id, the will fires at once.
        [v4-3.1.2-8]

    What a statement says: mqttd rule v4-3.1.2-24
    "
  `);
});

test("explained: the same with a delay, and after its late end", () => {
  const world = worldLike("rumqttd-0.19");
  const client = mortal(world, { keepalive: 5, delay: 10, expiry: 60 });
  world.advance(12_000);
  expect(pageOf(world)).toContain("By the standard it is due in 5.50 s");
  world.advance(60_000);
  client.drop("eof");
  world.advance(10_000);
  const page = flatPage(world);
  expect(page).toContain("By the standard it was due 1 min 5 s earlier");
  expect(page).toContain("and its will to fire 10 s later.");
});

test("explained: a return to a connection that only a quirk kept alive is no matter of the device", () => {
  const world = worldLike("rumqttd-0.19");
  const connect = () => mortal(world, { version: 4, keepalive: 2, clean: false });
  connect();
  world.advance(2_000);
  connect();
  expect(topicsOf(world)).toContain("takeover");
  world.advance(12_000);
  connect();
  expect(pageOf(world)).toContain("The will before it fired at once, because another connection");
  expect(topicsOf(world)).not.toContain("takeover");
});

test("explained: a broker whose deadline is early", () => {
  const world = new World({ rules: plantedQuirks["A4-deadline-at-1.0"] });
  mortal(world, { version: 4, keepalive: 10 });
  world.advance(20_000);
  expect(flatPage(world)).toContain("By the standard it might have been silent for 5.00 s more.");
});

test.each(["silent", "pings", "FIN", "waits for a delay"])(
  "explained: of a broker that keeps the standard, it says nothing of the kind: %s",
  (what) => {
    const world = new World();
    const client = mortal(world, {
      keepalive: 5,
      delay: what.endsWith("delay") ? 10 : 0,
      expiry: 60,
    });
    const pings = what === "pings" ? 20 : 0;
    for (let second = 0; second < pings; second++) {
      world.advance(1_000);
      client.ping();
    }
    if (what === "FIN") client.drop("eof");
    world.advance(7_499);
    expect(pageOf(world)).not.toContain("By the standard");
    world.advance(60_000);
    expect(pageOf(world)).not.toContain("By the standard");
  },
);

test("explained: after `drop --how silent` only what can still happen is listed", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  const connection = world.broker.sessions.get("mortal")?.connection?.id ?? -1;
  world.driver.drop(connection, "silent");
  client.ping();
  world.advance(5_000);
  expect(explain(answerOf(world)).next).toMatchInlineSnapshot(`
    [
      {
        "rule": "v5-3.1.2-22",
        "text": "In 10.0 s its silence ends the connection, and the will fires: no packet of it is read any more.",
      },
      {
        "rule": "v5-3.1.2-8",
        "text": "If another connection comes with the same client id, the will fires at once.",
      },
      {
        "rule": "v5-3.1.2-8",
        "text": "If it is sent away (\`mqttd inspect kick\`), the will fires.",
      },
    ]
  `);
});
