import { expect, test } from "bun:test";
import path from "node:path";
import { Chromium, chromiumMissing } from "../support/chromium.ts";
import { RunningBroker } from "../support/executable.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

const library = path.resolve(import.meta.dir, "../../node_modules/mqtt/dist/mqtt.min.js");
const why = chromiumMissing === null ? "" : ` (skipped: ${chromiumMissing})`;

/** Serves a page that connects with a will, and publishes. */
function page(url: string): Bun.Server<undefined> {
  const script = `
    const will = { topic: "page/status", payload: "gone", qos: 1, retain: false };
    const client = mqtt.connect(${JSON.stringify(url)}, { clientId: "page", keepalive: 60, will, reconnectPeriod: 0 });
    client.on("connect", () => client.publish("page/hello", "here", { qos: 1 }));`;
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url: asked }) => {
      const { pathname } = new URL(asked);
      if (pathname === "/mqtt.js") return new Response(Bun.file(library));
      const html = `<!doctype html><script src="/mqtt.js"></script><script>${script}</script>`;
      return new Response(html, { headers: { "Content-Type": "text/html" } });
    },
  });
}

test.skipIf(chromiumMissing !== null)(
  `a page in a browser connects and publishes; its tab is closed, and its will fires${why}`,
  async () => {
    await using broker = await RunningBroker.start({
      args: ["--set", "listeners.1.transport=ws", "--set", "listeners.1.port=0"],
    });
    const url = broker.urls.find((one) => one.startsWith("ws:")) ?? "";
    await using watcher = await MqttJsClient.connect(broker.port, { protocolVersion: 5 });
    await watcher.mqtt.subscribeAsync("page/+", { qos: 1 });
    using server = page(url);
    await using browser = await Chromium.start("MAP evil.example 127.0.0.1");

    const tab = await browser.open(`http://localhost:${server.port}/`);
    const isHello = ({ topic }: { topic: string }): boolean => topic === "page/hello";
    await watcher.messages.first("the page's message", isHello);

    await browser.close(tab);
    expect((await watcher.message("page/status")).payload.toString()).toBe("gone");
    expect(await broker.ended("page")).toMatchObject({
      cause: "webSocketClosed",
      detail: "1001, going away",
      will: { fate: "published" },
    });

    // A page of the web, whose name could be anybody's, may not.
    await browser.open(`http://evil.example:${server.port}/`);
    const isRefused = ({ event, cause }: { event: string; cause?: unknown }): boolean =>
      event === "ended" && cause === "webSocketFailed";
    const refused = await broker.line("the refusal", isRefused);
    expect(refused["detail"]).toStartWith(`a page of http://evil.example:${server.port}, which`);
  },
  180_000,
);
