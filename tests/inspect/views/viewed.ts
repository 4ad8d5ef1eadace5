import pc from "picocolors";
import type { Answers, Overview } from "../../../src/api/api.ts";
import { clientsOf, sessionsOf, subscriptionsOf } from "../../../src/core/queries/clients.ts";
import { overviewOf } from "../../../src/core/queries/overview.ts";
import { retainedOf, routeFor } from "../../../src/core/queries/routes.ts";
import { allOf } from "../../../src/core/steps.ts";
import { willsOf } from "../../../src/core/queries/wills.ts";
import { clientLines, clientsLines } from "../../../src/inspect/views/client.ts";
import { configLines } from "../../../src/inspect/views/config.ts";
import { overviewLines } from "../../../src/inspect/views/overview.ts";
import { retainedLines } from "../../../src/inspect/views/retained.ts";
import {
  routeLines,
  sessionsLines,
  subscriptionsLines,
} from "../../../src/inspect/views/sessions.ts";
import type { ViewStyle } from "../../../src/inspect/views/table.ts";
import { willsLines } from "../../../src/inspect/views/wills.ts";
import type { World } from "../../support/world.ts";
import { answerOf } from "../explain/explained.ts";

const startOfWorld = 1_800_000_000_000;

/** A terminal without colours, in Greenwich. */
export function plainStyle(columns: number): ViewStyle {
  return { columns, colors: pc.createColors(false), zone: "utc" };
}

export const colorfulStyle: ViewStyle = {
  columns: 80,
  colors: pc.createColors(true),
  zone: "utc",
};

/** The view of each verb, by verb; of one client, one topic, all retained messages. */
export function viewsOf(
  world: World,
  style: ViewStyle,
  { clientId, topic }: { readonly clientId: string; readonly topic: string },
): Record<string, string> {
  const { broker } = world;
  const now = startOfWorld + world.now;
  const text = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
  const wills = {
    now,
    wills: allOf(willsOf(broker)),
    more: false,
    decided: null,
    awaited: null,
    awaitedWill: null,
  };
  const sessions = allOf(sessionsOf(broker)).map(({ session, subscriptions }) => ({
    ...session,
    subscriptions: allOf(subscriptions),
  }));
  const route = { topic, recipients: allOf(routeFor(broker, topic)) };
  return {
    overview: text(overviewLines(overviewIn(world), style)),
    clients: text(clientsLines(now, allOf(clientsOf(broker)), style)),
    client: text(clientLines(answerOf(world, clientId), style)),
    wills: text(willsLines(wills, style)),
    sessions: text(sessionsLines(now, sessions, style)),
    subscriptions: text(subscriptionsLines(allOf(subscriptionsOf(broker)), style)),
    route: text(routeLines(route, style)),
    retained: text(retainedLines(now, allOf(retainedOf(broker, "#")), style)),
    config: text(configLines(configuration, style)),
  };
}

export function overviewIn(world: World): Overview {
  return {
    ...overviewOf(world.broker),
    now: startOfWorld + world.now,
    version: "1.2.3",
    process: {
      pid: 4711,
      rssBytes: 63_000_000,
      heapBytes: 9_000_000,
      loopLagMs: { median: 0, worst: 3 },
    },
    listeners: ["mqtt://127.0.0.1:1883", "mqtt://[::1]:1883"],
    rates: {
      publishesReceived: 0.4,
      publishesSent: 12.6,
      bytesReceived: 100,
      bytesSent: 1000,
      connections: 0,
    },
    logLevel: "info",
    like: null,
  };
}

const configuration: Answers["config"] = {
  file: "mqttd.json",
  values: [
    { path: "listeners.0.port", value: 1883, origin: "default" },
    { path: "limits.keepAliveMax", value: "10m", origin: "mqttd.json:3:21" },
    { path: "admin.host", value: null, origin: "default" },
    { path: "log.level", value: "debug", origin: "MQTTD_LOG__LEVEL" },
  ],
};
