import { expect, test } from "bun:test";
import { commands } from "../../src/cli/commands.ts";
import { verbs } from "../../src/cli/inspect-verbs.ts";
import { configKeys, dotted, valuePaths } from "../../src/config/keys.ts";
import { catalogue } from "../../src/drop/scenarios/catalogue.ts";
import { mqttd } from "./surroundings.ts";

/** What is offered for the last word. */
async function offered(...words: string[]): Promise<{ kind: string; values: string[] }> {
  const { code, stdout, stderr } = await mqttd(["complete", "--", ...words], {
    // Client ids are asked of no broker that runs here.
    env: { MQTTD_RUN_DIR: "/nonexistent" },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [kind = "", ...lines] = stdout.trimEnd().split("\n");
  return { kind, values: lines.map((line) => line.split("\t")[0] ?? "") };
}

async function words(...typed: string[]): Promise<string[]> {
  const { kind, values } = await offered(...typed);
  expect(kind).toBe("words");
  return values;
}

test("commands, verbs and flags are those of the help", async () => {
  expect(await words("")).toEqual([...commands.map(({ name }) => name), "help"]);
  expect(await words("se")).toEqual(["serve"]);
  expect(await words("drop-")).toEqual([]);
  expect(await words("-")).toEqual(["--help", "--version"]);
  expect(await words("help", "ins")).toEqual(["inspect"]);
  const named = Object.keys(verbs).filter((verb) => verb !== "");
  expect(await words("inspect", "")).toEqual(named);
  expect(await words("help", "inspect", "")).toEqual(named);
  expect(await words("inspect", "help", "ex")).toEqual(["explain"]);
  expect(await words("inspect", "kick", "--")).not.toContain("--how");
  expect(await words("inspect", "drop", "dev-42", "--ho")).toEqual(["--how"]);
  expect(await words("inspect", "client", "")).toEqual([]);
  expect(await words("no-such-command", "--")).toEqual([]);
});

test("a flag is offered again only if it may be repeated", async () => {
  const flags = await words("serve", "--port", "1884", "--set", "log.level=warn", "-q", "--");
  expect(flags).toContain("--set");
  expect(flags).toContain("--config");
  expect(flags).not.toContain("--port");
  expect(flags).not.toContain("--quiet");
});

test("a value is offered at each place where a flag takes it", async () => {
  expect(await words("serve", "--log-level", "w")).toEqual(["warn"]);
  expect(await words("serve", "--log-level=w")).toEqual(["--log-level=warn"]);
  expect(await words("serve", "-v", "--color", "")).toEqual(["auto", "always", "never"]);
  expect(await words("serve", "--like", "rum")).toEqual(["rumqttd-0.19"]);
  expect(await words("simulate-drop", "-V", "3.1.")).toEqual(["3.1.1"]);
  expect(await words("inspect", "tail", "--event", "end")).toEqual(["ended"]);
  // The port's value is still to come, and nobody knows it.
  expect(await words("serve", "--port", "")).toEqual([]);
  // After -- there is no flag.
  expect(await words("simulate-drop", "--", "--")).toEqual([]);
});

test("files and folders are left to the shell", async () => {
  for (const typed of [
    ["serve", "--config", ""],
    ["serve", "-c", "m"],
    ["serve", "--config=m"],
    ["passwd", ""],
    ["inspect", "packet", ""],
  ]) {
    expect({ typed, ...(await offered(...typed)) }).toEqual({ typed, kind: "files", values: [] });
  }
  expect(await offered("certs", "")).toEqual({ kind: "folders", values: [] });
});

test("--set: every key, and the values of those that have a few", async () => {
  const keys = valuePaths(configKeys(), 0).map((path) => `${dotted(path)}=`);
  expect(keys.length).toBeGreaterThan(50);
  expect(await words("serve", "--set", "")).toEqual(keys);
  expect(await words("serve", "--set", "limits.packetS")).toEqual(["limits.packetSize="]);
  expect(await words("serve", "--set", "listeners.2.mou")).toEqual(["listeners.2.mountPoint="]);
  expect(await words("serve", "--set=sys.")).toEqual(["--set=sys.interval="]);
  expect(await words("serve", "--set", "log.level=")).toEqual(
    ["error", "warn", "info", "debug"].map((level) => `log.level=${level}`),
  );
  expect(await words("serve", "--set", "limits.retain=t")).toEqual(["limits.retain=true"]);
  expect(await words("serve", "--set", "limits.qos=")).toHaveLength(3);
  expect(await words("serve", "--set", "limits.memory=a")).toEqual(["limits.memory=auto"]);
  expect(await words("serve", "--set", "no.such.key=")).toEqual([]);
});

test("ids of scenarios and statements, rows of the bench, in lists with commas too", async () => {
  expect(await words("simulate-drop", "")).toEqual(catalogue.map(({ id }) => id));
  expect(await words("simulate-drop", "rst", "half")).toEqual(["half-open"]);
  expect(await words("simulate-drop", "--except", "rst,half")).toEqual(["rst,half-open"]);
  expect(await words("simulate-drop", "--except=rst,half")).toEqual(["--except=rst,half-open"]);
  expect(await words("rule", "v4-3.1.2-24")).toEqual(["v4-3.1.2-24"]);
  expect(await words("bench", "--rows", "wil")).toContain("wills");
});

test("-D: the packet, then a property that it may have, then what is known of its value", async () => {
  const at = async (...typed: string[]) => words("pub", "-D", ...typed);
  expect(await at("")).toHaveLength(6);
  expect(await at("publish", "c")).toEqual(["content-type", "correlation-data"]);
  expect(await at("disconnect", "")).toEqual(["session-expiry-interval", "user-property"]);
  expect(await at("connect", "receive-maximum", "")).toEqual([]);
  expect(await at("will", "payload-format-indicator", "")).toEqual(["0", "1"]);
  expect(await at("publish", "user-property", "from", "")).toEqual([]);
  expect(await at("publish", "user-property", "from", "me", "-D", "c")).toEqual(["connect"]);
  expect(await at("no-packet", "")).toEqual([]);
});

/** Placeholders of values that only the user knows. */
const free = new Set([
  ...["ADDRESS", "CLIENT", "COMMAND", "DURATION", "HOST", "ID", "N", "NAME", "PASSWORD", "PATH"],
  ...["FILTER", "FORMAT", "PERCENT", "PREFIX"],
  ...["PID", "PORT", "SECONDS", "TEXT", "TIME", "TOPIC", "URL", "WHERE"],
]);

test("each flag's value is offered, unless only the user knows it", async () => {
  for (const { name, load } of commands) {
    const { command } = await load();
    for (const { rawName } of command.options) {
      const [, flag, placeholder] = /--([a-z0-9-]+) <([^>]+)>/.exec(rawName) ?? [];
      if (flag === undefined || placeholder === undefined || free.has(placeholder)) continue;
      const { kind, values } = await offered(name, `--${flag}`, "");
      expect({ name, flag, isOffered: kind !== "words" || values.length > 0 }).toEqual({
        name,
        flag,
        isOffered: true,
      });
    }
  }
});

test("a shell that is missing or misspelt", async () => {
  const missing = await mqttd(["completions"], { env: { SHELL: "/usr/bin/zsh" } });
  expect(missing).toMatchObject({ code: 2, stdout: "" });
  expect(missing.stderr).toContain("mqttd completions zsh");
  const wrong = await mqttd(["completions", "bsh"]);
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
  expect(wrong.stderr).toContain("did you mean bash?");
});
