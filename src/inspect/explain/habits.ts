import type { ClientHabit } from "../../core/events.ts";
import { duration, setting } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { byHabit } from "./by-habit.ts";
import { idleTimeout } from "./idle-timeout.ts";
import { rulesOf } from "./on-purpose.ts";
import { bdSeqAdvice } from "./sparkplug.ts";
import { accepted, type Advice, isV5, type Scene, sentence } from "./parts.ts";

/** What a client does again and again that makes its wills go wrong, whatever became of this one. */
export function adviceOnHabits(scene: Scene): (Advice | null)[] {
  const { will } = scene;
  return [
    ...scene.answer.faults.map((habit) => remembered(scene, habit)),
    will === null ? null : delayCut(scene),
    bdSeqAdvice(will),
    drawnId(scene),
    thrownAway(scene),
    neverKept(scene),
    idleTimeout(scene),
    reconnectLoop(scene),
  ];
}

/** A habit that the broker saw. Those that the latest connection refutes, or shows itself, are left out. */
export function remembered(
  { answer, connection }: Scene,
  habit: ClientHabit & { readonly at: number },
): Advice | null {
  if (shownOtherwise.has(habit.fault)) return null;
  if (habit.fault === "sharedWillTopic" && !isStillShared(answer)) return null;
  const ago = duration(Math.max(0, answer.now - habit.at));
  const when = habit.at < connection.openedAt ? ` (seen ${ago} ago)` : "";
  return byHabit(habit, when, isOver(answer, habit));
}

/** Whether what a habit says of another client is no longer so. */
function isOver({ connections, willTopic }: Scene["answer"], habit: ClientHabit): boolean {
  const isConnected = connections.some(({ connectedAt, end }) => connectedAt !== null && !end);
  switch (habit.fault) {
    case "sharedClientId":
      return !isConnected;
    case "sharedWillTopic": {
      const { count = 0, clientIds = [] } = willTopic?.others ?? {};
      const isThere = clientIds.includes(habit.other) || count > clientIds.length;
      return !isConnected || !isThere;
    }
    case "birthOverwritten": {
      const { clientId = null, willArmedAt = null } = willTopic?.retained ?? {};
      return !isConnected || clientId !== habit.by || willArmedAt === null;
    }
    default:
      return false;
  }
}

/** The other is connected, and no will has overwritten anything yet, which has advice of its own. */
function isStillShared({ willTopic, wills, faults }: Scene["answer"]): boolean {
  const [newest] = wills;
  const overwrote = newest?.fate?.fate === "published" && newest.fate.overwrote !== undefined;
  const overwritten = faults.some(({ fault }) => fault === "birthOverwritten");
  return willTopic?.others.count !== 0 && !overwrote && !overwritten;
}

/** What the connection and its will tell by themselves, as they are now. */
const shownOtherwise: ReadonlySet<ClientHabit["fault"]> = new Set([
  "noKeepAlive",
  "longKeepAlive",
  "delayBeyondSession",
  "willUnheard",
  "cleanDisconnect",
] as const);

function delayCut({ answer, connection, will }: Scene): Advice | null {
  const { willWaitsFor, sessionEndCutsDelay } = rulesOf(answer);
  if (willWaitsFor !== "delay" || sessionEndCutsDelay !== "always") return null;
  const expiry = will?.sessionExpirySeconds ?? Infinity;
  if (will === null || will.delaySeconds <= expiry) return null;
  const delay = setting(will.delaySeconds * 1000);
  const fires = expiry === 0 ? "at once" : `after ${setting(expiry * 1000)}`;
  const { sessionExpiryAskedSeconds: asked = expiry } = connection;
  const change =
    (asked ?? Infinity) >= will.delaySeconds
      ? `It asked for ${asked === null ? "a session that never expires" : setting(asked * 1000)}, but this ` +
        `broker allows no more: give it a higher limits.sessionExpiryMax, or the will a shorter delay.`
      : "Ask for a Session Expiry Interval above the delay.";
  const text =
    `Its will asks for a delay of ${delay}, and its session ends ` +
    `${expiry === 0 ? "with its connection" : `${setting(expiry * 1000)} after its connection`}: the ` +
    `will fires ${fires}, since it never outlives its session. ${change}`;
  return { topic: "delayBeyondSession", ...sentence(text, "v5-3.1.2-8") };
}

/** Ids as libraries and tools draw them when they are given none. */
const drawn = [
  { by: "mqttd", id: /^auto-[0-9a-f]{8}-[0-9a-f-]{27}$/ },
  { by: "mosquitto", id: /^(auto-[0-9A-F]{8}-[0-9A-F-]{27}|mosq-[A-Za-z0-9]{18})$/ },
  { by: "MQTT.js", id: /^mqttjs_[0-9a-f]{8}$/ },
  { by: "Paho", id: /^paho\d{10,}$/ },
  { by: "MQTTX", id: /^mqttx_[0-9a-f]{8}$/ },
  { by: "MQTT Explorer", id: /^mqtt-explorer-[0-9a-f]{8}$/ },
];

function drawnId({ answer, will }: Scene): Advice | null {
  const found = drawn.find(({ id }) => id.test(answer.clientId));
  if (found === undefined || will === null) return null;
  const whose =
    found.by === "mqttd"
      ? "It gave no client id, so the broker drew one"
      : `Its client id looks as if ${found.by} had drawn it`;
  const text =
    `${whose}: after a restart it is another client. Its return then neither takes over nor cancels ` +
    `anything, and the will of the old id can land after the birth of the new one. Give the device ` +
    `one client id and keep it.`;
  return { topic: "randomClientId", ...sentence(text) };
}

/** A session is asked to be kept, and thrown away by each CONNECT. */
function thrownAway({ answer }: Scene): Advice | null {
  const latest = accepted(answer).slice(0, 3);
  const [first] = latest;
  if (first === undefined || latest.length < 2 || !isV5(first)) return null;
  const throws = latest.every(
    ({ cleanStart, sessionExpirySeconds: expiry }) => cleanStart && expiry !== 0,
  );
  if (!throws) return null;
  const kept =
    first.sessionExpirySeconds === null
      ? "for ever"
      : `for ${setting(first.sessionExpirySeconds * 1000)}`;
  const text =
    `It asks for its session to be kept ${kept}, and throws it away with Clean Start 1 each time it ` +
    `comes back: subscriptions and queued messages are lost, and a delayed will fires at its return. ` +
    `Connect with Clean Start 0.`;
  return { topic: "cleanStartEachTime", ...sentence(text, "v5-3.1.2-4") };
}

/** Clean Start 0 alone does not keep a session in MQTT 5.0, as Clean Session 0 did in 3.1.1. */
function neverKept({ connection, answer }: Scene): Advice | null {
  const { cleanStart, sessionExpirySeconds, sessionExpiryAskedSeconds, connectedAt } = connection;
  if (connectedAt === null || cleanStart || sessionExpirySeconds !== 0) return null;
  const flag = isV5(connection) ? "Clean Start 0" : "Clean Session 0";
  const head = `${name(answer.clientId)} connects with ${flag}, yet its session ends with each connection`;
  if (sessionExpiryAskedSeconds !== undefined) {
    const text = `${head}: this broker keeps no sessions. Give it a limits.sessionExpiryMax above 0.`;
    return { topic: "sessionNotKept", ...sentence(text) };
  }
  if (!isV5(connection)) return null;
  const text =
    `${head}: its Session Expiry Interval is 0 or absent. In MQTT 5.0 a session is kept only for as ` +
    `long as that says.`;
  return { topic: "sessionNotKept", ...sentence(text, "v5-3.1.2-23") };
}

/** Connections so many and so close that they are a loop without a pause. */
const loop = { connections: 6, withinMs: 10_000 };

/** It reconnects without a pause, whatever ends its connections. */
function reconnectLoop({ answer }: Scene): Advice | null {
  // A script that connects for each message and says goodbye is no loop.
  const latest = accepted(answer).filter(({ end }) => end?.cause !== "disconnected");
  const [newest] = latest;
  if (newest === undefined) return null;
  const close = latest.filter(({ openedAt }) => newest.openedAt - openedAt <= loop.withinMs);
  const oldest = close.at(-1);
  if (oldest === undefined || close.length < loop.connections) return null;
  const span = newest.openedAt - oldest.openedAt;
  const counts = new Map<string, number>();
  for (const { end } of close) {
    if (end !== null) counts.set(end.causeText, (counts.get(end.causeText) ?? 0) + 1);
  }
  const ends = [...counts].map(([text, count]) => `${text} (${count})`).join(", ");
  const text =
    `It connected ${close.length} times within ${duration(span)}, one every ` +
    `${duration(span / (close.length - 1))}. Its connections ended by: ${ends}. Find out why they end, and ` +
    `let it wait before it connects again, longer each time.`;
  return { topic: "reconnectLoop", ...sentence(text) };
}
