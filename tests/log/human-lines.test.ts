import { expect, test } from "bun:test";
import pc from "picocolors";
import type { LogEvent } from "../../src/log/events.ts";
import { renderHuman } from "../../src/log/render.ts";
import { millis, now, samples } from "./samples.ts";

const plain = { colors: pc.createColors(false), zone: "utc" } as const;
const lines = (events: readonly LogEvent[]) =>
  `\n${events.map((event) => renderHuman(event, now, plain)).join("\n")}\n`;

test("a connection's start reads like mosquitto's line, with the will", () => {
  expect(lines(samples.connected)).toMatchInlineSnapshot(`
    "
    15:04:05.123 New client connected from 127.0.0.1:51042 as dev-42 (p5, c1, k10)
    15:04:05.123 New client connected from 127.0.0.1:51042 as dev-42 (p2, c1, k10, u'ann'), will on home/dev-42/status (q1, retained)
    15:04:05.123 New client connected from 127.0.0.1:51042 as dev-42 (p1, c1, k0)
    15:04:05.123 New client connected from 127.0.0.1:51042 as dev-42 (p5, c0, k60), asked for k3600, session resumed, session kept 1 h, will on home/dev-42/status (q1, delay 30 s)
    15:04:05.123 New client connected from 127.0.0.1:51042 as dev-42 (p2, c0, k10), session kept forever
    15:04:05.123 New bridge connected from 127.0.0.1:51042 as dev-42 (p2, c1, k10)
    "
  `);
});

test("a connection's end is one line with cause, silence and the will's fate", () => {
  expect(lines(samples.ended)).toMatchInlineSnapshot(`
    "
    15:04:05.123 Client dev-42 disconnected: DISCONNECT (silent 0 ms, allowed 15.0 s) · no will
    15:04:05.123 Client dev-42 disconnected: DISCONNECT (silent 0 ms, allowed 15.0 s) · will on home/dev-42/status discarded
    15:04:05.123 Client dev-42 disconnected: DISCONNECT with will (silent 2.10 s, allowed 15.0 s) · will published to 2 on home/dev-42/status
    15:04:05.123 Client dev-42 disconnected: DISCONNECT with an error (unspecified error (0x80), silent 2.10 s, allowed 15.0 s) · will published on home/dev-42/status (no subscribers)
    15:04:05.123 Client dev-42 disconnected: connection reset (RST) (silent 2.10 s, allowed 15.0 s) · no will
    15:04:05.123 Client dev-42 disconnected: exceeded timeout (silent 15.0 s, allowed 15.0 s) · will published to 3 on home/dev-42/status (1 queued, retained, 1 ms late)
    15:04:05.123 Client dev-42 disconnected: exceeded timeout (silent 19.0 s, allowed 15.0 s, the broker itself stood still for 4.00 s) · will published to 1 on home/dev-42/status (4.00 s late)
    15:04:05.123 Client dev-42 disconnected: closed its connection without DISCONNECT (FIN) (silent 2.10 s, no keepalive) · will published to 0 on home/dev-42/status (2 queued, 1 dropped, retained message cleared)
    15:04:05.123 Client dev-42 disconnected: connection reset (RST) (silent 2.10 s, no limit) · no will
    15:04:05.123 Client dev-42 disconnected: peer unreachable (found by TCP) (silent 2.10 s, allowed 15.0 s) · will due in 30 s on home/dev-42/status
    15:04:05.123 Client dev-42 disconnected: already connected, taken over by a new connection (silent 2.10 s, allowed 15.0 s) · will on home/dev-42/status cancelled (session resumed)
    15:04:05.123 Client dev-42 disconnected: already connected, taken over by a new connection (silent 2.10 s, allowed 15.0 s) · will published to 1 on home/dev-42/status (delay of 30 s skipped)
    15:04:05.123 Warning: Client dev-42 disconnected: protocol error (second CONNECT [v5-3.1.0-2], silent 0 ms, allowed 15.0 s) · will on home/dev-42/status discarded (not authorized to publish there)
    15:04:05.123 Error: Client dev-42 disconnected: store failed (silent 2.10 s, allowed 15.0 s) · will published to 0 on home/dev-42/status (4 dropped)
    15:04:05.123 Client [::1]:51043 disconnected: no CONNECT in time (silent 10.0 s, allowed 10.0 s)
    15:04:05.123 Client [::1]:51043 disconnected: no CONNECT yet, reset to make room (silent 4.00 s, allowed 10.0 s)
    15:04:05.123 Client dev-42 (127.0.0.1:51042) disconnected: refused (not authorized)
    15:04:05.123 Client dev-42 (127.0.0.1:51042) disconnected: refused (not authorized) · will on home/dev-42/status not armed
    15:04:05.123 Client [::1]:51043 disconnected: connection reset (RST)
    "
  `);
});

test("every end is told once, in mosquitto's words where it has them", () => {
  for (const event of samples.ended) {
    const line = renderHuman(event, now, plain);
    expect(line.match(/ disconnected: /g)).toHaveLength(1);
    expect(line.match(/ Client \S+( \(\S+\))? disconnected: /g)).toHaveLength(1);
    for (const [cause, words] of mosquitto) {
      expect(line.includes(` disconnected: ${words}`)).toBe(event.cause === cause);
    }
  }
});

const mosquitto = [
  ["keepAliveExpired", "exceeded timeout ("],
  ["closedByPeer", "closed its connection without DISCONNECT (FIN)"],
  ["webSocketClosed", "closed its connection without DISCONNECT (WebSocket Close)"],
  ["takenOver", "already connected, "],
] as const;

test("a client that has a keepalive is never said to have none", () => {
  const endless = samples.ended.filter(({ allowedMs, wasConnected }) => wasConnected && !allowedMs);
  const having = (keepAliveSeconds: number) =>
    lines(endless.map((event) => ({ ...event, keepAliveSeconds }))).match(/no \w+(?=\))/g);
  expect(having(0)).toEqual(["no keepalive", "no keepalive"]);
  // As with --like rumqttd-0.19.
  expect(having(5)).toEqual(["no limit", "no limit"]);
});

test("a delayed will's fate is a second line, which does not tell the end again", () => {
  expect(lines(samples.will)).not.toMatch(/ disconnected: |exceeded timeout/);
  expect(lines(samples.will)).toMatchInlineSnapshot(`
    "
    15:04:05.123 dev-42's will published to 2 on home/dev-42/status (1 queued, retained, due after 30.0 s, 0 ms late) · connection ended: connection reset (RST)
    15:04:05.123 dev-42's will published on home/dev-42/status (no subscribers, due after 10.0 s, 4 ms late, session ended) · connection ended: connection reset (RST)
    15:04:05.123 dev-42's will published to 1 on home/dev-42/status (due after 35.0 s, 5.00 s early, broker stopped) · connection ended: connection reset (RST)
    15:04:05.123 dev-42's will on home/dev-42/status cancelled: session resumed after 12.3 s · connection ended: connection reset (RST)
    15:04:05.123 Warning: dev-42's will on home/dev-42/status discarded: not authorized to publish there, due after 30.0 s · connection ended: connection reset (RST)
    "
  `);
});

test("other events of the core", () => {
  const { keepAliveAboveMaximum, subscribed, unsubscribed, publishRefused } = samples;
  const { dropping, notSent, sessionEnded, woke } = samples;
  expect(
    lines([
      ...[...keepAliveAboveMaximum, ...subscribed, ...unsubscribed, ...publishRefused],
      ...[...dropping, ...notSent, ...sessionEnded, ...woke],
    ]),
  ).toMatchInlineSnapshot(`
    "
    15:04:05.123 Warning: dev-42 asked for a keepalive of 2 h, above the maximum of 1 min 30 s; the broker honours it, because only MQTT 5.0 lets a server set another
    15:04:05.123 dev-42 subscribed to home/+/status (q1)
    15:04:05.123 Warning: Refused SUBSCRIBE from dev-42 to secret/#: not authorized (0x87)
    15:04:05.123 Warning: Refused SUBSCRIBE from dev-42 to secret/#: not authorized (0x80)
    15:04:05.123 dev-42 unsubscribed from home/+/status
    15:04:05.123 Warning: Refused PUBLISH from dev-42 on a/b: quota exceeded (0x97), retained messages
    15:04:05.123 Warning: Refused PUBLISH from dev-42 on a/b: quota exceeded, retained messages
    15:04:05.123 Warning: Outgoing messages are being dropped for client dev-42: its queue is full, first on a/b
    15:04:05.123 Warning: Outgoing messages are being dropped for client dev-42: larger than its Maximum Packet Size, first on a/b
    15:04:05.123 Warning: Retained messages are not being stored: the limit for retained messages is reached (limits.retainedBytes), first on a/b
    15:04:05.123 Warning: Did not send SUBACK to dev-42: 35 B, above its Maximum Packet Size of 24 B
    15:04:05.123 Session of client dev-42 ended: its Session Expiry Interval has passed
    15:04:05.123 Session of client dev-42 ended: replaced by a CONNECT with Clean Start 1
    15:04:05.123 Warning: The machine slept for 2 h 5 min: deadlines that passed meanwhile are due now; clients on this machine slept too and keep the time they had left
    "
  `);
});

test("a client's habit: the observation, its consequence, the fix", () => {
  expect(lines(samples.clientFault)).toMatchInlineSnapshot(`
    "
    15:04:05.123 Warning: dev-42 has a new client id (before: dev-7f3a) for the same will topic home/dev-42/status: the old id's will can be published after the new id's birth · give the device one client id and keep it
    15:04:05.123 Warning: dev-42 has a retained will on home/dev-42/status, but published nothing retained there while connected: after the first death the topic keeps the will for ever · publish a retained birth on the same topic after each CONNACK
    15:04:05.123 Warning: dev-42 has a retained will on home/dev-42/status, and published home/dev-42/birth retained, but nothing there: after the first death the topic keeps the will for ever · publish the birth, retained, on the will's own topic
    15:04:05.123 Warning: dev-42 has a will on home/dev-42/status, and a keepalive of 0: only TCP can detect a dead link, or nothing does · set a keepalive; the will is published 1.5 times the keepalive after the last packet
    15:04:05.123 Warning: dev-42 has a will on home/dev-42/status, and a keepalive of 2 h: a silent death is detected after 3 h · set the keepalive to two thirds of the time within which a death must be known
    15:04:05.123 Warning: dev-42 has a Will Delay Interval of 5 min, and a Session Expiry Interval of 1 min: the will is published when the session ends, which is earlier · set a Session Expiry Interval above the Will Delay Interval
    15:04:05.123 Warning: dev-42 has a will on home/dev-42/status that reached no subscriber and is not retained: its message is lost · check the topic's spelling, retain the will, or give the watcher a session that lasts
    15:04:05.123 Warning: dev-42 sent a clean DISCONNECT, which discarded its will on home/dev-42/status: 2 subscribers of that topic received nothing · publish the farewell before DISCONNECT, or send DISCONNECT 0x04 (MQTT 5.0)
    15:04:05.123 Warning: dev-42 has a client id that 10.0.0.5:51042 and 10.0.0.6:40110 take over from each other: each time one connects, the other is disconnected and its will is published · if these are two clients, give each an id of its own; if it is one that changes networks, let it end its old connection first
    "
  `);
});

test("events of the process", () => {
  const { listening, configurationLoaded, configurationReloaded } = samples;
  const { configurationReloadFailed, stopping, stopped, warning, loopBlocked } = samples;
  expect(
    lines([
      ...[...listening, ...configurationLoaded, ...configurationReloaded],
      ...[...configurationReloadFailed, ...stopping, ...stopped, ...warning, ...loopBlocked],
      ...samples.predecessor,
      ...[...samples.state, ...samples.logLinesDropped],
    ]),
  ).toMatchInlineSnapshot(`
    "
    15:04:05.123 mqttd is listening on 127.0.0.1:1883, [::1]:1883
    15:04:05.123 Configuration loaded from /etc/mqttd.json
    15:04:05.123 No configuration file: defaults, environment and flags
    15:04:05.123 Configuration reloaded from /etc/mqttd.json: changed limits.packetSize
    15:04:05.123 Configuration reloaded: no changes
    15:04:05.123 Configuration reloaded: no key changed, a file did
    15:04:05.123 Error: Configuration not reloaded from /etc/mqttd.json, nothing was changed: line 3: limits.packetSize: found "huge" · line 9: unknown key limit
    15:04:05.123 mqttd is stopping (SIGTERM)
    15:04:05.123 mqttd is stopping
    15:04:05.123 mqttd stopped
    15:04:05.123 Warning: Open to the network without passwords: use --host 127.0.0.1
    15:04:05.123 Warning: The broker itself stood still for 120 ms (process stopped, or event loop blocked): it reads what clients sent meanwhile before it ends any of them for silence
    15:04:05.123 Warning: The broker before this one (pid 4711, started 1 min 25 s earlier) was killed, or it crashed: its armed wills were not published, and its sessions, queued and retained messages are lost; a client that connects with Clean Start 0 gets Session Present 0
    15:04:05.123 State: connections 1, sessions 2, subscriptions 1, retained 1 (24 bytes), deadlines 3 · dev-42 (from 127.0.0.1:51042, k10, silent 2.10 s, ends in 12.9 s, will armed on home/dev-42/status) · dev-43 (offline, session ends in 50 min, 3 queued, will delayed on home/dev-42/status, due in 20.0 s)
    15:04:05.123 Warning: 1 log line dropped: the log's reader is slow
    15:04:05.123 Warning: 2300 log lines dropped: the log's reader is slow
    "
  `);
});

test("packets read like mosquitto's debug lines", () => {
  expect(lines(samples.packet)).toMatchInlineSnapshot(`
    "
    15:04:05.123 Received PUBLISH from dev-42 (d0, q1, r0, m7, 'a/b', ... (5 bytes))
    15:04:05.123 Sending PUBACK to dev-42 (m7, rc16)
    15:04:05.123 Received PINGREQ from dev-42
    15:04:05.123 Received SUBSCRIBE from dev-42 (m8, '#' q2)
    15:04:05.123 Sending SUBACK to dev-42 (m8, rc2, rc2, rc2, rc2, rc2, rc2, rc2, rc2, rc2, rc2, ... (12 in all))
    15:04:05.123 Sending CONNACK to dev-42 (1, rc0)
    15:04:05.123 Sending CONNACK to dev-42 (0, rc135 not authorized)
    15:04:05.123 Sending SUBACK to dev-42 (m8, rc1, rc135 not authorized)
    15:04:05.123 Sending UNSUBACK to dev-42 (m9, rc0, rc17)
    15:04:05.123 Sending PUBREC to dev-42 (m7, rc151 quota exceeded)
    15:04:05.123 Sending CONNACK to dev-42 (0, rc5 not authorized)
    15:04:05.123 Sending SUBACK to dev-42 (m8, rc1, rc128 failure)
    15:04:05.123 Sending UNSUBACK to dev-42 (m9)
    15:04:05.123 Sending PUBREC to dev-42 (m7)
    15:04:05.123 Sending CONNACK to dev-42 (0, rc5 not authorized)
    15:04:05.123 Sending SUBACK to dev-42 (m8, rc1, rc128 failure)
    15:04:05.123 Sending UNSUBACK to dev-42 (m9)
    15:04:05.123 Sending PUBREC to dev-42 (m7)
    "
  `);
});

test("the time is that of the event, in the requested zone", () => {
  const midnight = millis(Date.UTC(2026, 0, 2, 0, 0, 0, 7));
  const local = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
  expect(renderHuman({ event: "stopped" }, midnight, plain)).toStartWith("00:00:00.007 ");
  expect(renderHuman({ event: "stopped" }, millis(local), { ...plain, zone: "local" })).toStartWith(
    "03:04:05.006 ",
  );
});

test("colours add nothing but colours", () => {
  const colored = { colors: pc.createColors(true), zone: "utc" } as const;
  // The pattern looks for the escape character.
  // oxlint-disable-next-line no-control-regex
  const codes = /\u001b\[\d+m/g;
  for (const event of Object.values(samples).flat()) {
    const line = renderHuman(event, now, colored);
    expect(line).toMatch(codes);
    expect(line.replace(codes, "")).toBe(renderHuman(event, now, plain));
  }
});

test("on a terminal the lines of the start are as wide as it, those about clients stay whole", () => {
  const narrow = { ...plain, startColumns: () => 40 };
  const listening: LogEvent = {
    event: "listening",
    addresses: ["mqtt://127.0.0.1:1883", "mqtt://[::1]:1883", "ws://127.0.0.1:9001/mqtt"],
  };
  expect(`\n${renderHuman(listening, now, narrow)}\n`).toMatchInlineSnapshot(`
    "
    15:04:05.123 mqttd is listening on
                 mqtt://127.0.0.1:1883,
                 mqtt://[::1]:1883,
                 ws://127.0.0.1:9001/mqtt
    "
  `);
  const colored = { ...narrow, colors: pc.createColors(true) };
  expect(Bun.stripANSI(renderHuman(listening, now, colored))).toBe(
    renderHuman(listening, now, narrow),
  );
  for (const event of [...samples.connected, ...samples.ended, ...samples.will]) {
    expect(renderHuman(event, now, narrow)).toBe(renderHuman(event, now, plain));
  }
});
