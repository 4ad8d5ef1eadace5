import { shownCharacters } from "../log/foreign.ts";
import { token } from "./play.ts";
import type { RunOptions } from "./run.ts";
import { Stage } from "./stage.ts";
import { stageOptions, type Way } from "./ways.ts";

/** Retained by mosquitto, by mqttd and by others that follow mosquitto: `mosquitto version 2.0.18`. */
const topic = "$SYS/broker/version";

/**
 * What the broker says of itself, trimmed and cut, asked on a connection of its own; null: nothing
 * within `RunOptions.versionWaitMs` beyond the time that a connection takes. Never rejects, and leaves
 * nothing behind.
 */
export async function brokerVersion(options: RunOptions, way: Way): Promise<string | null> {
  const { versionWaitMs, signal } = options;
  if (signal.aborted) return null;
  const stage = new Stage(
    stageOptions(options, way, () => {}),
    "version",
    token(),
  );
  const asked = said(stage).catch(() => null);
  const found = await Promise.race([asked, over(versionWaitMs + way.connectMs, signal)]);
  await stage.clear();
  // It may open only now.
  void asked.then(async () => stage.clear());
  return found;
}

async function said(stage: Stage): Promise<string | null> {
  const client = await stage.client({ clientId: stage.id("version") });
  const first = new Promise<string>((resolve) => {
    client.onArrival = ({ packet }) => {
      if (packet.topic === topic) resolve(textOf(Buffer.from(packet.payload)));
    };
  });
  await stage.subscribe(client, topic, 0);
  const text = await Promise.race([first, client.ended.then(() => "")]);
  return text === "" ? null : text;
}

function textOf(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload).trim();
  // The cut may split a surrogate pair.
  return text.slice(0, shownCharacters).replace(/[\ud800-\udbff]$/, "");
}

/** Milliseconds between two looks at the signal. */
const tickMs = 25;

/** Counts its own ticks, so that what arrives while this process stands still is read before. */
async function over(milliseconds: number, signal: AbortSignal): Promise<null> {
  for (let left = milliseconds; left > 0 && !signal.aborted; left -= tickMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, tickMs)));
  }
  return null;
}
