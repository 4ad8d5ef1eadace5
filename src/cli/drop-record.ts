import { arch, platform } from "node:os";
import { type Target, targetText } from "../client/target.ts";
import { protocolText } from "../drop/protocol.ts";
import type { RunRecord, Settings } from "../drop/report/records.ts";
import type { DropRequest } from "./drop-request.ts";
import type { Version } from "./version.ts";

/** What was asked for and by which program, as reports tell it; without passwords. */
export function runRecord(
  request: DropRequest,
  { version, commit }: Version,
  at: Date,
  brokers: ReadonlyMap<Target, string | null>,
): Omit<RunRecord, "type"> {
  const { target, via, versions, scenarios, command } = request;
  return {
    mqttd: version,
    commit,
    platform: `${runtime()} on ${platform()} ${arch()}`,
    at: at.toISOString(),
    command: [...command],
    target: targetText(target),
    via: via === null ? null : targetText(via),
    brokerVersion: brokers.get(target) ?? null,
    viaBrokerVersion: via === null ? null : (brokers.get(via) ?? null),
    protocols: versions.map(protocolText),
    scenarios: scenarios.map(({ id }) => id),
    settings: settingsOf(request),
  };
}

function settingsOf(request: DropRequest): Settings {
  const { topic, payload, qos, retain, delay } = request.will;
  return {
    keepAlive: request.keepAliveSeconds,
    waitMs: request.waitMs,
    toleranceMs: request.toleranceMs,
    longWait: request.goesOn,
    serial: request.serial,
    strict: request.strict,
    clientId: request.clientId,
    username: request.target.username,
    willTopic: topic ?? null,
    willPayload: payload?.toString() ?? null,
    willQos: qos ?? null,
    willRetain: retain ?? null,
    willDelay: delay ?? null,
    deniedTopic: request.deniedTopic,
  };
}

function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}
