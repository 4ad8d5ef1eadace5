import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { reach, verbs } from "../../src/cli/inspect-verbs.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { run, RunningBroker } from "../support/executable.ts";

const document = readFileSync(path.resolve(import.meta.dir, "../../docs/inspect.md"), "utf8");

/** Names in backticks in the item of a verb. */
function documented(verb: string): Set<string> {
  const [, list = ""] = document.split("\n## JSON\n");
  const item = list.split("\n- ").find((one) => one.startsWith(`${verb}:`));
  if (item === undefined) throw new Error(`docs/inspect.md has no item for ${verb}`);
  return new Set(Array.from(item.matchAll(/`(\w+)`/g), ([, name = ""]) => name));
}

/** All keys in an answer, except those below keys that other items describe. */
function keysIn(value: unknown, elsewhere: readonly string[]): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => keysIn(item, elsewhere));
  return Object.entries(value).flatMap(([key, inner]) =>
    elsewhere.includes(key) ? [key] : [key, ...keysIn(inner, elsewhere)],
  );
}

/** The item of a verb, its arguments, and the keys whose values other items describe. */
const items: readonly (readonly [item: string, ask: string, elsewhere?: readonly string[]])[] = [
  ["(none)", "", ["ends", "wills", "pendingWills"]],
  ["`clients`", "clients"],
  ["`client`", "client dev-42", ["session", "wills", "events", "end"]],
  ["`wills`", "wills"],
  ["`sessions`", "sessions", ["subscriptions"]],
  ["`subscriptions`", "subscriptions"],
  ["`subscriptions TOPIC`", "subscriptions home/dev-42"],
  ["`retained`", "retained #"],
  ["`messages`", "messages home/#"],
  ["`acl`", "acl --client dev-1 --topic home/dev-1"],
  ["`config`", "config"],
  ["`explain`", "explain dev-42"],
  ["`packet`", "packet c0 00 30 05 00 01 23 68 69"],
  ["`reload`", "reload"],
  ["`log`", "log info"],
  ["`drop`", "drop dev-42"],
  ["`kick`", "kick dev-42"],
];

test("every key of every answer is in the documentation", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  const { port } = broker;
  const connect = async (clientId: string): Promise<Bun.Socket> => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const willTopic = `home/${clientId}`;
    socket.write(connectBytes({ version: 4, clientId, flags: 0x26, keepAlive: 10, willTopic }));
    await broker.line(
      clientId,
      ({ client, event }) => client === clientId && event === "connected",
    );
    return socket;
  };
  const device = await connect("dev-42");
  device.terminate();
  await broker.ended("dev-42");
  const again = await connect("dev-1");
  // SUBSCRIBE to home/#, then PINGREQ twice.
  again.write(
    Uint8Array.from([0x82, 11, 0, 1, 0, 6, ...Buffer.from("home/#"), 1, 0xc0, 0, 0xc0, 0]),
  );
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(
    connectBytes({ version: 4, clientId: "dev-42", flags: 0x26, willTopic: "home/dev-42" }),
  );
  await broker.log.count("connected", 3, ({ event }) => event === "connected");
  for (const [item, ask, elsewhere = []] of items) {
    const words = ask.split(" ").filter((word) => word !== "");
    const { code, stdout, stderr } = await run(broker.folder, ["inspect", ...words, "--json"]);
    expect({ ask, stderr, isKnown: code === 0 || ask.startsWith("kick") }).toEqual({
      ask,
      stderr: "",
      isKnown: true,
    });
    expect(stdout.split("\n")).toHaveLength(2);
    const answer: unknown = JSON.parse(stdout);
    const known = documented(item);
    const keys = keysIn(answer, elsewhere).filter((key) => key !== "more");
    expect({ item, missing: keys.filter((key) => !known.has(key)) }).toEqual({ item, missing: [] });
    expect(keys.length, item).toBeGreaterThan(0);
  }
});

test("every verb, and every flag of one, is in the documentation", () => {
  for (const [verb, { flags }] of Object.entries(verbs)) {
    expect(document).toContain(`mqttd inspect ${verb}`.trim());
    for (const flag of [...reach, ...Object.keys(flags)])
      expect(document).toContain(flag === "protocol" ? "`-V " : `--${flag}`);
  }
});
