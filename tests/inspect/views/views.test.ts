import { expect, test } from "bun:test";
import type { ClientSummary } from "../../../src/core/records/client-account.ts";
import { clientsLines } from "../../../src/inspect/views/client.ts";
import { overviewLines } from "../../../src/inspect/views/overview.ts";
import { messagesLines } from "../../../src/inspect/views/messages.ts";
import { retainedLines } from "../../../src/inspect/views/retained.ts";
import {
  routeLines,
  sessionsLines,
  subscriptionsLines,
} from "../../../src/inspect/views/sessions.ts";
import { table } from "../../../src/inspect/views/table.ts";
import { willsLines } from "../../../src/inspect/views/wills.ts";
import { width } from "../../../src/log/columns.ts";
import { accessBy } from "../../support/access.ts";
import { hold } from "../../support/held.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { colorfulStyle, overviewIn, plainStyle, viewsOf } from "./viewed.ts";

const asked = { clientId: "dev-42", topic: "home/dev-42/status" };

/** A few of all kinds: one with a close call, one offline, two that share, one whose will waits. */
function household(): World {
  const world = new World();
  const device = mortal(world, {
    id: "dev-42",
    version: 4,
    keepalive: 10,
    will: { topic: "home/dev-42/status", qos: 1, retain: true },
  });
  device.subscribe({ topic: "commands/dev-42/#", qos: 1 });
  const lamp = world.open();
  lamp.connect({
    clientId: "灯-三",
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 300 },
  });
  lamp.subscribe({ topic: "home/#", qos: 2 });
  lamp.drop();
  for (const id of ["worker-1", "worker-2"]) {
    const worker = world.open();
    worker.connect({ clientId: id, protocolVersion: 5 });
    worker.subscribe({ topic: "$share/crew/home/+/status", qos: 1 }, { topic: "own", nl: true });
    worker.publish("home/kitchen/temperature", "21.5", { retain: true, qos: 1 });
  }
  mortal(world, { id: "late", keepalive: 60, delay: 30, expiry: 600 }).drop();
  for (const wait of [9_500, 9_500, 14_600]) {
    world.advance(wait);
    device.ping();
  }
  world.advance(3_200);
  return world;
}

test("viewed: a held publisher, and the subscriber that holds it", () => {
  const world = new World();
  hold(world);
  world.advance(1500);
  const view = (clientId: string): string =>
    viewsOf(world, plainStyle(80), { ...asked, clientId })["client"]?.split("Events")[0] ?? "";
  expect(`\n${view("held")}\n${view("slow")}`).toMatchInlineSnapshot(`
    "
    held
    Connection   connected, from 127.0.0.1:50002, since 08:00:00.000, MQTT 3.1.1, on
                 tcp test, reading is paused, and the keepalive with it, held for
                 1.50 s because slow takes its messages more slowly than they
                 arrive; the broker reads from it again in 3.50 s at the latest
    Keepalive    60 s, silence of 1 min 30 s ends it, closest call 1 min 30 s
    Last packet  PUBLISH, 1.50 s ago
    Pings        fewer than two PINGREQs
    Session      connected, ends with the connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Will         armed on wills/held (q0): its client is connected [v4-3.1.2-8],
                 1.50 s ago

    slow
    Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 5.0, on
                 tcp test
    Keepalive    none: silence does not end it
    Last packet  SUBSCRIBE, 1.50 s ago
    Pings        fewer than two PINGREQs
    Session      connected, ends with the connection
    In flight    3 of 3 to it, 0 from it
    Queue        500 messages, 2.9 KiB
    Holds up     held: not read until its queue is shorter
    Subscribed   burst (q1)
    Will         none
    "
  `);
});

/** All views, one below the other. */
function shown(columns: number): string {
  const views = viewsOf(household(), plainStyle(columns), asked);
  return Object.entries(views)
    .map(([verb, text]) => `\n== ${verb}\n${text}`)
    .join("");
}

test("viewed: on a terminal of 80 columns", () => {
  expect(shown(80)).toMatchInlineSnapshot(`
    "
    == overview
    mqttd 1.2.3, up 36.8 s, pid 4711
    Listeners    mqtt://127.0.0.1:1883, mqtt://[::1]:1883
    Clients      3 connected (most 4), 5 sessions, 6 subscriptions
    Messages     0.4/s in, 13/s out; in all 2 in, 0 out, 0 dropped
    Kept         2 queued (56 B), 1 retained (52 B)
    Process      60.1 MiB (30.1 KiB for clients), loop lag 0 ms (worst 3 ms), log
                 level info
    Wills        1 armed, 0 delayed; 1 published, 0 discarded, 0 cancelled
    Lateness     keepalives none yet, wills 1 within 1 ms

    CLIENT  ENDED       WILL     CAUSE
    late    36.8 s ago  delayed  connection reset (RST)
    灯-三   36.8 s ago  no will  connection reset (RST)

    == clients
    CLIENT    FROM             DEADLINE   LAST PACKET         WILL   MQTT
    dev-42    127.0.0.1:50001  in 11.8 s  PINGREQ 3.20 s ago  armed  3.1.1, k10
    灯-三     offline          -          -                   -      5.0, 2 queued
    worker-1  127.0.0.1:50003  -          PUBLISH 36.8 s ago  -      5.0, k0
    worker-2  127.0.0.1:50004  -          PUBLISH 36.8 s ago  -      5.0, k0
    late      offline          -          -                   -      5.0

    == client
    dev-42
    Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 3.1.1, on
                 tcp test
    Keepalive    10 s, silence of 15 s ends it, deadline in 11.8 s, closest call
                 400 ms
    Last packet  PINGREQ, 3.20 s ago
    Pings        3, one every 12.1 s (median), worst 14.6 s
    Session      connected, ends with the connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Subscribed   commands/dev-42/# (q1)
    Will         armed on home/dev-42/status (q1, retained): its client is connected
                 [v4-3.1.2-8], 36.8 s ago
    Events
      08:00:00.000  New client connected from 127.0.0.1:50001 as dev-42 (p2, c1,
                    k10), will on home/dev-42/status (q1, retained)
      08:00:00.000  dev-42 subscribed to commands/dev-42/# (q1)

    == wills
    CLIENT  WHEN        WILL
    late    6.80 s ago  published on wills/late (no subscribers, q0, delay 30 s,
                        0 ms late): connection reset (RST) [v5-3.1.2-8]
    dev-42  36.8 s ago  armed on home/dev-42/status (q1, retained): its client is
                        connected [v4-3.1.2-8]

    == sessions
    CLIENT    SUBSCRIPTIONS  QUEUED  IN FLIGHT  STATE
    dev-42    1              0       0          connected, ends with the connection
    灯-三     1              2       0          offline, ends in 4 min 23 s
    worker-1  2              0       0          connected, ends with the connection
    worker-2  2              0       0          connected, ends with the connection
    late      0              0       0          offline, ends in 9 min 23 s

    == subscriptions
    CLIENT    FILTER                     OPTIONS
    dev-42    commands/dev-42/#          q1
    灯-三     home/#                     q2
    worker-1  $share/crew/home/+/status  q1, shared by crew
    worker-1  own                        q0, no local
    worker-2  $share/crew/home/+/status  q1, shared by crew
    worker-2  own                        q0, no local

    == route
    A message on home/dev-42/status would go to 2 clients.

    CLIENT    MESSAGE  UP TO  WHY
    灯-三     queued   q2     home/#; offline
    worker-1  sent     q1     $share/crew/home/+/status; connected
    worker-2  shared   q1     $share/crew/home/+/status; connected; another member's
                              turn

    == retained
    TOPIC                     QOS  EXPIRES  SIZE  PAYLOAD
    home/kitchen/temperature  q1   -        4 B   '21.5'

    == config
    Configuration of mqttd.json

    SETTING              VALUE  FROM
    listeners.0.port     1883   default
    limits.keepAliveMax  10m    mqttd.json:3:21
    admin.host           null   default
    log.level            debug  MQTTD_LOG__LEVEL
    "
  `);
});

test("viewed: on a wide terminal", () => {
  expect(shown(160)).toMatchInlineSnapshot(`
    "
    == overview
    mqttd 1.2.3, up 36.8 s, pid 4711
    Listeners    mqtt://127.0.0.1:1883, mqtt://[::1]:1883
    Clients      3 connected (most 4), 5 sessions, 6 subscriptions
    Messages     0.4/s in, 13/s out; in all 2 in, 0 out, 0 dropped
    Kept         2 queued (56 B), 1 retained (52 B)
    Process      60.1 MiB (30.1 KiB for clients), loop lag 0 ms (worst 3 ms), log level info
    Wills        1 armed, 0 delayed; 1 published, 0 discarded, 0 cancelled
    Lateness     keepalives none yet, wills 1 within 1 ms

    CLIENT  ENDED       WILL     CAUSE
    late    36.8 s ago  delayed  connection reset (RST)
    灯-三   36.8 s ago  no will  connection reset (RST)

    == clients
    CLIENT    FROM             DEADLINE   LAST PACKET         WILL   MQTT
    dev-42    127.0.0.1:50001  in 11.8 s  PINGREQ 3.20 s ago  armed  3.1.1, k10
    灯-三     offline          -          -                   -      5.0, 2 queued
    worker-1  127.0.0.1:50003  -          PUBLISH 36.8 s ago  -      5.0, k0
    worker-2  127.0.0.1:50004  -          PUBLISH 36.8 s ago  -      5.0, k0
    late      offline          -          -                   -      5.0

    == client
    dev-42
    Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 3.1.1, on tcp test
    Keepalive    10 s, silence of 15 s ends it, deadline in 11.8 s, closest call 400 ms
    Last packet  PINGREQ, 3.20 s ago
    Pings        3, one every 12.1 s (median), worst 14.6 s
    Session      connected, ends with the connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Subscribed   commands/dev-42/# (q1)
    Will         armed on home/dev-42/status (q1, retained): its client is connected [v4-3.1.2-8], 36.8 s ago
    Events
      08:00:00.000  New client connected from 127.0.0.1:50001 as dev-42 (p2, c1, k10), will on home/dev-42/status (q1, retained)
      08:00:00.000  dev-42 subscribed to commands/dev-42/# (q1)

    == wills
    CLIENT  WHEN        WILL
    late    6.80 s ago  published on wills/late (no subscribers, q0, delay 30 s, 0 ms late): connection reset (RST) [v5-3.1.2-8]
    dev-42  36.8 s ago  armed on home/dev-42/status (q1, retained): its client is connected [v4-3.1.2-8]

    == sessions
    CLIENT    SUBSCRIPTIONS  QUEUED  IN FLIGHT  STATE
    dev-42    1              0       0          connected, ends with the connection
    灯-三     1              2       0          offline, ends in 4 min 23 s
    worker-1  2              0       0          connected, ends with the connection
    worker-2  2              0       0          connected, ends with the connection
    late      0              0       0          offline, ends in 9 min 23 s

    == subscriptions
    CLIENT    FILTER                     OPTIONS
    dev-42    commands/dev-42/#          q1
    灯-三     home/#                     q2
    worker-1  $share/crew/home/+/status  q1, shared by crew
    worker-1  own                        q0, no local
    worker-2  $share/crew/home/+/status  q1, shared by crew
    worker-2  own                        q0, no local

    == route
    A message on home/dev-42/status would go to 2 clients.

    CLIENT    MESSAGE  UP TO  WHY
    灯-三     queued   q2     home/#; offline
    worker-1  sent     q1     $share/crew/home/+/status; connected
    worker-2  shared   q1     $share/crew/home/+/status; connected; another member's turn

    == retained
    TOPIC                     QOS  EXPIRES  SIZE  PAYLOAD
    home/kitchen/temperature  q1   -        4 B   '21.5'

    == config
    Configuration of mqttd.json

    SETTING              VALUE  FROM
    listeners.0.port     1883   default
    limits.keepAliveMax  10m    mqttd.json:3:21
    admin.host           null   default
    log.level            debug  MQTTD_LOG__LEVEL
    "
  `);
});

test("viewed: without room for columns", () => {
  expect(shown(40)).toMatchInlineSnapshot(`
    "
    == overview
    mqttd 1.2.3, up 36.8 s, pid 4711
    Listeners    mqtt://127.0.0.1:1883,
                 mqtt://[::1]:1883
    Clients      3 connected (most 4), 5
                 sessions, 6 subscriptions
    Messages     0.4/s in, 13/s out; in all
                 2 in, 0 out, 0 dropped
    Kept         2 queued (56 B), 1 retained
                 (52 B)
    Process      60.1 MiB (30.1 KiB for
                 clients), loop lag 0 ms
                 (worst 3 ms), log level
                 info
    Wills        1 armed, 0 delayed; 1
                 published, 0 discarded, 0
                 cancelled
    Lateness     keepalives none yet, wills
                 1 within 1 ms

    late
      ended: 36.8 s ago
      will: delayed
      cause: connection reset (RST)
    灯-三
      ended: 36.8 s ago
      will: no will
      cause: connection reset (RST)

    == clients
    dev-42
      from: 127.0.0.1:50001
      deadline: in 11.8 s
      last packet: PINGREQ 3.20 s ago
      will: armed
      mqtt: 3.1.1, k10
    灯-三
      from: offline
      mqtt: 5.0, 2 queued
    worker-1
      from: 127.0.0.1:50003
      last packet: PUBLISH 36.8 s ago
      mqtt: 5.0, k0
    worker-2
      from: 127.0.0.1:50004
      last packet: PUBLISH 36.8 s ago
      mqtt: 5.0, k0
    late
      from: offline
      mqtt: 5.0

    == client
    dev-42
    Connection   connected, from
                 127.0.0.1:50001, since
                 08:00:00.000, MQTT 3.1.1,
                 on tcp test
    Keepalive    10 s, silence of 15 s ends
                 it, deadline in 11.8 s,
                 closest call 400 ms
    Last packet  PINGREQ, 3.20 s ago
    Pings        3, one every 12.1 s
                 (median), worst 14.6 s
    Session      connected, ends with the
                 connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Subscribed   commands/dev-42/# (q1)
    Will         armed on home/dev-42/status
                 (q1, retained): its client
                 is connected [v4-3.1.2-8],
                 36.8 s ago
    Events
      08:00:00.000  New client connected
                    from 127.0.0.1:50001 as
                    dev-42 (p2, c1, k10),
                    will on
                    home/dev-42/status (q1,
                    retained)
      08:00:00.000  dev-42 subscribed to
                    commands/dev-42/# (q1)

    == wills
    late
      when: 6.80 s ago
      will: published on wills/late (no
        subscribers, q0, delay 30 s, 0 ms
        late): connection reset (RST)
        [v5-3.1.2-8]
    dev-42
      when: 36.8 s ago
      will: armed on home/dev-42/status (q1,
        retained): its client is connected
        [v4-3.1.2-8]

    == sessions
    dev-42
      subscriptions: 1
      queued: 0
      in flight: 0
      state: connected, ends with the
        connection
    灯-三
      subscriptions: 1
      queued: 2
      in flight: 0
      state: offline, ends in 4 min 23 s
    worker-1
      subscriptions: 2
      queued: 0
      in flight: 0
      state: connected, ends with the
        connection
    worker-2
      subscriptions: 2
      queued: 0
      in flight: 0
      state: connected, ends with the
        connection
    late
      subscriptions: 0
      queued: 0
      in flight: 0
      state: offline, ends in 9 min 23 s

    == subscriptions
    dev-42
      filter: commands/dev-42/#
      options: q1
    灯-三
      filter: home/#
      options: q2
    worker-1
      filter: $share/crew/home/+/status
      options: q1, shared by crew
    worker-1
      filter: own
      options: q0, no local
    worker-2
      filter: $share/crew/home/+/status
      options: q1, shared by crew
    worker-2
      filter: own
      options: q0, no local

    == route
    A message on home/dev-42/status would go
      to 2 clients.

    灯-三
      message: queued
      up to: q2
      why: home/#; offline
    worker-1
      message: sent
      up to: q1
      why: $share/crew/home/+/status;
        connected
    worker-2
      message: shared
      up to: q1
      why: $share/crew/home/+/status;
        connected; another member's turn

    == retained
    TOPIC  QOS  EXPIRES  SIZE  PAYLOAD
    home/kitchen/temperature
           q1   -        4 B   '21.5'

    == config
    Configuration of mqttd.json

    SETTING     VALUE  FROM
    listeners.0.port
                1883   default
    limits.keepAliveMax
                10m    mqttd.json:3:21
    admin.host  null   default
    log.level   debug  MQTTD_LOG__LEVEL
    "
  `);
});

test("viewed: in a pipe lines are not wrapped", () => {
  expect(shown(Infinity)).toMatchInlineSnapshot(`
    "
    == overview
    mqttd 1.2.3, up 36.8 s, pid 4711
    Listeners    mqtt://127.0.0.1:1883, mqtt://[::1]:1883
    Clients      3 connected (most 4), 5 sessions, 6 subscriptions
    Messages     0.4/s in, 13/s out; in all 2 in, 0 out, 0 dropped
    Kept         2 queued (56 B), 1 retained (52 B)
    Process      60.1 MiB (30.1 KiB for clients), loop lag 0 ms (worst 3 ms), log level info
    Wills        1 armed, 0 delayed; 1 published, 0 discarded, 0 cancelled
    Lateness     keepalives none yet, wills 1 within 1 ms

    CLIENT  ENDED       WILL     CAUSE
    late    36.8 s ago  delayed  connection reset (RST)
    灯-三   36.8 s ago  no will  connection reset (RST)

    == clients
    CLIENT    FROM             DEADLINE   LAST PACKET         WILL   MQTT
    dev-42    127.0.0.1:50001  in 11.8 s  PINGREQ 3.20 s ago  armed  3.1.1, k10
    灯-三     offline          -          -                   -      5.0, 2 queued
    worker-1  127.0.0.1:50003  -          PUBLISH 36.8 s ago  -      5.0, k0
    worker-2  127.0.0.1:50004  -          PUBLISH 36.8 s ago  -      5.0, k0
    late      offline          -          -                   -      5.0

    == client
    dev-42
    Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 3.1.1, on tcp test
    Keepalive    10 s, silence of 15 s ends it, deadline in 11.8 s, closest call 400 ms
    Last packet  PINGREQ, 3.20 s ago
    Pings        3, one every 12.1 s (median), worst 14.6 s
    Session      connected, ends with the connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Subscribed   commands/dev-42/# (q1)
    Will         armed on home/dev-42/status (q1, retained): its client is connected [v4-3.1.2-8], 36.8 s ago
    Events
      08:00:00.000  New client connected from 127.0.0.1:50001 as dev-42 (p2, c1, k10), will on home/dev-42/status (q1, retained)
      08:00:00.000  dev-42 subscribed to commands/dev-42/# (q1)

    == wills
    CLIENT  WHEN        WILL
    late    6.80 s ago  published on wills/late (no subscribers, q0, delay 30 s, 0 ms late): connection reset (RST) [v5-3.1.2-8]
    dev-42  36.8 s ago  armed on home/dev-42/status (q1, retained): its client is connected [v4-3.1.2-8]

    == sessions
    CLIENT    SUBSCRIPTIONS  QUEUED  IN FLIGHT  STATE
    dev-42    1              0       0          connected, ends with the connection
    灯-三     1              2       0          offline, ends in 4 min 23 s
    worker-1  2              0       0          connected, ends with the connection
    worker-2  2              0       0          connected, ends with the connection
    late      0              0       0          offline, ends in 9 min 23 s

    == subscriptions
    CLIENT    FILTER                     OPTIONS
    dev-42    commands/dev-42/#          q1
    灯-三     home/#                     q2
    worker-1  $share/crew/home/+/status  q1, shared by crew
    worker-1  own                        q0, no local
    worker-2  $share/crew/home/+/status  q1, shared by crew
    worker-2  own                        q0, no local

    == route
    A message on home/dev-42/status would go to 2 clients.

    CLIENT    MESSAGE  UP TO  WHY
    灯-三     queued   q2     home/#; offline
    worker-1  sent     q1     $share/crew/home/+/status; connected
    worker-2  shared   q1     $share/crew/home/+/status; connected; another member's turn

    == retained
    TOPIC                     QOS  EXPIRES  SIZE  PAYLOAD
    home/kitchen/temperature  q1   -        4 B   '21.5'

    == config
    Configuration of mqttd.json

    SETTING              VALUE  FROM
    listeners.0.port     1883   default
    limits.keepAliveMax  10m    mqttd.json:3:21
    admin.host           null   default
    log.level            debug  MQTTD_LOG__LEVEL
    "
  `);
});

test("viewed: colours change no word", () => {
  const colored = viewsOf(household(), colorfulStyle, asked);
  expect(Object.values(colored).join("")).toContain("\u001b[");
  for (const [verb, text] of Object.entries(viewsOf(household(), plainStyle(80), asked))) {
    expect(Bun.stripANSI(colored[verb] ?? ""), verb).toBe(text);
  }
});

for (const columns of [32, 40, 57, 80, 100]) {
  test(`viewed: no line is longer than ${columns} columns`, () => {
    for (const [verb, text] of Object.entries(viewsOf(household(), plainStyle(columns), asked))) {
      const lines = text.split("\n");
      expect(Math.max(...lines.map((line) => width(line))), verb).toBeLessThanOrEqual(columns);
    }
  });
}

test("viewed: an empty broker", () => {
  const style = plainStyle(80);
  const wills = { now: 0, wills: [], more: false, decided: null, awaited: null, awaitedWill: null };
  expect([
    ...clientsLines(0, [], style),
    ...willsLines(wills, style),
    ...sessionsLines(0, [], style),
    ...subscriptionsLines([], style),
    ...retainedLines(0, [], style),
    ...routeLines({ topic: "a", recipients: [] }, style),
  ]).toMatchInlineSnapshot(`
    [
      "no clients",
      "no wills",
      "no sessions",
      "no subscriptions",
      "no retained messages",
      "A message on a would go to 0 clients.",
    ]
  `);
});

test("viewed: what a broker that was killed before took with it", () => {
  const predecessor = { pid: 4710, startedAt: 0, followedAt: 90_000 };
  const died =
    "The broker before this one (pid 4710, started 1 min 30 s earlier) was killed, or it crashed";
  const style = plainStyle(Infinity);
  expect(overviewLines({ ...overviewIn(new World()), predecessor }, style)).toContain(
    `Before it    ${died}: its armed wills were not published`,
  );
  const wills = { now: 0, wills: [], more: false, decided: null, awaited: null, awaitedWill: null };
  expect(willsLines({ ...wills, predecessor }, style)).toEqual([
    "no wills",
    `${died}: its armed wills are lost, and not listed`,
  ]);
});

test("viewed: as many lines as a broker can have clients", () => {
  const rows = Array.from({ length: 300_000 }, (_, index) => [`client-${index}`, "away"]);
  expect(table(["CLIENT", "FROM"], rows, plainStyle(80))).toHaveLength(300_001);
});

test("viewed: payloads that are not text, or cut within a character", () => {
  const payloads = [
    Buffer.from([0xff, 0xc0, 0, 1]),
    Buffer.alloc(100, 0xfe),
    Buffer.from("é".repeat(50)),
    Buffer.from("\u001b[2J\ufeff"),
    Buffer.from("x"),
  ];
  const retained = payloads.map((payload, index) => ({
    topic: `t/${index}`,
    qos: 0,
    payloadBytes: payload.length,
    payload: payload.subarray(0, 64).toString("base64"),
    expiresAt: index === 0 ? 5000 : null,
  }));
  expect(`\n${retainedLines(1000, retained, plainStyle(80)).join("\n")}\n`).toMatchInlineSnapshot(`
    "
    TOPIC  QOS  EXPIRES    SIZE   PAYLOAD
    t/0    q0   in 4.00 s  4 B    ff c0 00 01
    t/1    q0   -          100 B  fe fe fe fe fe fe fe fe fe fe fe fe fe fe fe fe
                                  ...
    t/2    q0   -          100 B  'éééééééééééééééééééééééééééééééé' ...
    t/3    q0   -          7 B    '\\u001b[2J\\ufeff'
    t/4    q0   -          1 B    'x'
    "
  `);
});

test("viewed: the last messages, text and not", () => {
  const one = { id: 1, at: 1_800_000_000_000, topic: "home/lamp", qos: 1, retain: true } as const;
  const others = [
    { ...one, id: 2, qos: 0, retain: false, payloadBase64: "/sAAAQ==" },
    { ...one, id: 3, topic: "t\u001b[2J", qos: 2, retain: false, payload: "x".repeat(100) },
  ] as const;
  const messages = [{ ...one, payload: "é" }, ...others];
  const answer = { now: one.at, messages, lastId: 5, complete: true, missed: 2 };
  expect(`\n${messagesLines(answer, plainStyle(80)).join("\n")}\n`).toMatchInlineSnapshot(`
    "
    TIME          TOPIC         OPTIONS     SIZE   PAYLOAD
    08:00:00.000  home/lamp     q1, retain  2 B    'é'
    08:00:00.000  home/lamp     q0          4 B    fe c0 00 01
    08:00:00.000  't\\u001b[2J'  q2          100 B  'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                                                   xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
                                                   ...
    2 were not remembered: too many in a second, or too large (admin.messages)
    "
  `);
  expect(messagesLines({ ...answer, messages: [], missed: 0 }, plainStyle(80))).toEqual([
    "no messages",
  ]);
});

test("viewed: a refused client, and one that the operator has dropped", () => {
  const world = new World({
    access: accessBy({ mayPublish: (_, topic) => topic !== "secret" }),
  });
  const denied = world.open();
  denied.connect({
    clientId: "denied",
    protocolVersion: 5,
    will: { topic: "secret", payload: Buffer.from("x"), qos: 1, retain: false },
  });
  mortal(world, { id: "dropped", keepalive: 10 });
  const connection = world.broker.sessions.get("dropped")?.connection;
  if (connection) world.driver.drop(connection.id, "silent");
  world.advance(1000);
  const about = (clientId: string): Record<string, string> =>
    viewsOf(world, plainStyle(80), { clientId, topic: "t" });
  expect(`\n${about("denied")["client"]}`).toMatchInlineSnapshot(`
    "
    denied
    Connection   ended 1.00 s ago by: refused (the client may not publish on its
                 will topic: test.acl:1 'topic deny it'), from 127.0.0.1:50001,
                 since 08:00:00.000, MQTT 5.0, on tcp test
    Keepalive    none: silence does not end it
    Last packet  CONNECT, 1.00 s ago
    Pings        fewer than two PINGREQs
    Will         none: the CONNECT was refused, with a will on secret (q1)
    Events
      08:00:00.000  Client denied (127.0.0.1:50001) disconnected: refused (the
                    client may not publish on its will topic: test.acl:1 'topic deny
                    it' [v5-3.1.4-2]) · will on secret not armed
    "
  `);
  expect(`\n${about("dropped")["client"]}`).toMatchInlineSnapshot(`
    "
    dropped
    Connection   connected, from 127.0.0.1:50002, since 08:00:00.000, MQTT 5.0, on
                 tcp test, dropped by the operator (silent) 1.00 s ago
    Keepalive    10 s, silence of 15 s ends it, deadline in 14.0 s, closest call
                 15.0 s
    Last packet  CONNECT, 1.00 s ago
    Pings        fewer than two PINGREQs
    Session      connected, ends with the connection
    In flight    0 of 100 to it, 0 from it
    Queue        0 messages, 0 B
    Will         armed on wills/dropped (q0): its client is connected [v5-3.1.2-7],
                 1.00 s ago
    Events
      08:00:00.000  New client connected from 127.0.0.1:50002 as dropped (p5, c1,
                    k10), will on wills/dropped (q0)
    "
  `);
  expect(about("denied")["overview"]?.split("\n").slice(-3).join("\n")).toMatchInlineSnapshot(`
    "denied  1.00 s ago  no will  refused, the client may not publish on its will
                                 topic: test.acl:1 'topic deny it'
    "
  `);
});

test("viewed: a will with a Message Expiry Interval", () => {
  const world = new World();
  const properties = { messageExpiryInterval: 90 };
  mortal(world, { id: "dev-42", keepalive: 60, delay: 5, expiry: 600, will: { properties } });
  const { client = "", wills = "" } = viewsOf(world, plainStyle(120), asked);
  for (const view of [client, wills])
    expect(view).toContain("(q0, delay 5 s, message expiry 1 min 30 s)");
});

test("viewed: filters that begin with a wildcard do not match a topic that begins with $", () => {
  const route = (topic: string): string =>
    routeLines({ topic, recipients: [] }, plainStyle(200)).join("\n");
  expect(route("$alarm/door")).toContain("so no filter that begins with # or + matches it");
  expect(route("alarm/$door")).not.toContain("wildcard");
  const lines = (belowSys: number, others: number): string[] =>
    retainedLines(0, [], plainStyle(200), { belowSys, others });
  expect(lines(36, 0)).toEqual([
    "no retained messages",
    "36 below $SYS: mqttd inspect retained '$SYS/#'",
  ]);
  expect(lines(0, 2)).toEqual([
    "no retained messages",
    "Up to 2 on other topics that begin with $, which # does not match",
  ]);
});

test("viewed: clients by user and listener, as far as these tell them apart and lines have room", () => {
  const of = (
    clientId: string,
    listener: string | null,
    username: string | null,
  ): ClientSummary => ({
    ...{ clientId, listener, username, connected: listener !== null, protocol: "5.0" },
    remote: listener === null ? null : "127.0.0.1:50001",
    ...{ keepAliveSeconds: 60, lastPacket: null, deadlineAt: null, will: null },
    ...{ subscriptions: 0, queued: 0, inflight: 0 },
  });
  const head = (columns: number, ...clients: ClientSummary[]): (string | undefined)[] =>
    clientsLines(0, clients, plainStyle(columns)).map((line) =>
      line.replaceAll(/ {2,}/g, " ").replace(/ DEADLINE.*| - - - 5.*/, ""),
    );
  const tcp = of("dev-42", "tcp localhost:1883", "ann");
  const wss = of("dev-7", "wss localhost:9001", null);
  const away = of("dev-9", null, null);
  expect(head(120, tcp, wss, away)).toEqual([
    "CLIENT FROM USER LISTENER",
    "dev-42 127.0.0.1:50001 ann tcp",
    "dev-7 127.0.0.1:50001 - wss",
    "dev-9 offline - -",
  ]);
  expect(head(120, tcp, of("dev-8", "tcp 192.0.2.7:1883", null), wss)).toContain(
    "dev-8 127.0.0.1:50001 - tcp 192.0.2.7:1883",
  );
  // All on one listener, all without a user name.
  expect(head(120, wss, away)[0]).toBe("CLIENT FROM");
  const all = clientsLines(0, [tcp, wss], plainStyle(Infinity)).map((line) => width(line));
  const needed = Math.max(...all);
  expect(head(needed, tcp, wss)[0]).toBe("CLIENT FROM USER LISTENER");
  expect(head(needed - 1, tcp, wss)[0]).toBe("CLIENT FROM USER");
  expect(head(needed - "  LISTENER".length - 1, tcp, wss)[0]).toBe("CLIENT FROM");
  expect(clientsLines(0, [tcp], plainStyle(30))).toEqual([
    "dev-42",
    "  from: 127.0.0.1:50001",
    "  user: ann",
    "  mqtt: 5.0, k60",
  ]);
});
