import { expect, test } from "bun:test";
import { RunningBroker } from "../support/executable.ts";
import { HttpSocket } from "../support/http-socket.ts";

/** A broker and the URL of its administration interface. */
async function administered(args: readonly string[] = []) {
  const broker = await RunningBroker.start({ args: ["--set", "admin.port=0", ...args] });
  const line = await broker.line("the administration", ({ event }) => event === "administration");
  const [url = ""] = Array.isArray(line["urls"]) ? line["urls"].map(String) : [];
  return { broker, url, port: Number(new URL(url).port) };
}

test("a PUT that breaks off ends nothing", async () => {
  const { broker, url, port } = await administered();
  await using _ = broker;
  using asker = await HttpSocket.connect(port);
  asker.ask("PUT /v1/log", ["Content-Length: 100"]);
  asker.send("abc");
  asker.hangUp();
  await asker.end();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await broker.stop();
});
