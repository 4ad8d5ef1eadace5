import { expect, test } from "bun:test";
import { RunningBroker } from "../support/executable.ts";

test("at the start, one whole line warns of a listener that refuses every client", async () => {
  const args = ["--set", "listeners.1.port=0", "--set", "listeners.1.allowAnonymous=false"];
  await using broker = await RunningBroker.start({ args });
  const { text } = await broker.line("the warning", ({ event }) => event === "warning");
  expect(text).toBe(
    "listeners.1 refuses every client: allowAnonymous is false, and no password file " +
      "applies; set auth.passwordFile (mqttd passwd creates one)",
  );
  await broker.stop();

  await using human = await RunningBroker.start({ args, logFormat: "human" });
  const fits = (line: string): boolean => line.includes("refuses every client");
  expect(await human.lines.first("the warning", fits)).toEndWith("(mqttd passwd creates one)");
});
