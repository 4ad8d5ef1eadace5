import { setting } from "../../../log/duration.ts";
import { shellWord } from "../../../config/problem.ts";
import { brokerText, versionText } from "../comparison.ts";
import type { Recording, Settings } from "../records.ts";
import { html, type Markup } from "./markup.ts";

/** What was asked for, and of which program: enough to play it again. */
export function settingsList(recording: Recording): Markup {
  const { run } = recording;
  const rows: readonly (readonly [string, string])[] = [
    ["began", run.at],
    ["broker", run.target],
    ["via", run.via ?? ""],
    ["broker's version", brokerText(recording)],
    ["protocols", run.protocols.map((protocol) => `MQTT ${protocol}`).join(", ")],
    ["scenarios", run.scenarios.join(", ")],
    ["mqttd", versionText(recording)],
    ["platform", run.platform],
    ...settingRows(run.settings),
  ];
  const items = rows
    .filter(([, value]) => value !== "")
    .map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    );
  const command = ["mqttd", ...run.command].map(pasted).join(" ");
  return html`<dl>
    ${items}
    <dt>command line</dt>
    <dd><code>${command}</code></dd>
  </dl>`;
}

/** Quoted only where a shell would change it. */
function pasted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : shellWord(word);
}

function settingRows(settings: Settings): (readonly [string, string])[] {
  const { keepAlive, waitMs, toleranceMs, willDelay, willQos, willRetain } = settings;
  return [
    ["keepalive", `${keepAlive} s`],
    ["wait", `${setting(waitMs)}${settings.longWait ? "" : ", no longer wait"}`],
    ["tolerance", setting(toleranceMs)],
    ["strict", settings.strict ? "yes" : "no"],
    ["serial", settings.serial ? "yes" : "no"],
    ["client id", settings.clientId ?? "random"],
    ["user", settings.username ?? "none"],
    ["will topic", settings.willTopic ?? "random"],
    ["will payload", settings.willPayload ?? ""],
    ["will QoS", willQos === null ? "" : String(willQos)],
    ["will retained", willRetain === null ? "" : willRetain ? "yes" : "no"],
    ["will delay", willDelay === null ? "" : `${willDelay} s`],
    ["denied topic", settings.deniedTopic ?? ""],
  ];
}
