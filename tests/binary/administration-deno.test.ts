import { expect, test } from "bun:test";
import path from "node:path";
import { Folder, RunningBroker } from "../support/executable.ts";
import { HttpSocket } from "../support/http-socket.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

const root = path.resolve(import.meta.dir, "../..");
const deno = path.join(root, "node_modules/.bin/deno");
const command = [deno, "run", "-A", "--no-prompt", path.join(root, "src/main.ts")];
/** Deno compiles all sources first. */
const testLimitMs = 180_000;

test(
  "the administration interface answers under Deno as well",
  async () => {
    using cache = new Folder();
    const env = { DENO_DIR: cache.path };
    const args = ["--set", "admin.port=0", "--set", "admin.requestTimeout=300ms"];
    await using broker = await RunningBroker.start({ command, env, args });
    const url = await broker.administration();
    const port = Number(new URL(url).port);

    using stream = await HttpSocket.connect(port);
    stream.ask("GET /v1/events");
    await stream.until(": mqttd");
    await using _client = await MqttJsClient.connect(broker.port, { clientId: "dev-42" });
    expect(await stream.until('"event":"connected"')).toContain("dev-42");
    const clients: unknown = await (await fetch(`${url}/v1/clients`)).json();
    expect(clients).toMatchObject({ clients: [{ clientId: "dev-42" }], more: false });

    for (const path of ["/v1/overview", "/metrics", "/v1/wills?wait=1ms", "/v1/clients/dev-42"]) {
      const answer = await fetch(`${url}${path}`);
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      expect((await answer.text()).length).toBeGreaterThan(50);
    }

    for (const request of ["TRACE /v1/overview", "CONNECT there:1"]) {
      using asker = await HttpSocket.connect(port);
      asker.ask(request);
      expect(await asker.until("\r\n\r\n")).toMatch(/^HTTP\/1\.1 405 [^]*\r\nallow: GET, /i);
    }
    for (let round = 0; round < 20; round++) {
      using asker = await HttpSocket.connect(port);
      asker.ask("CONNECT there:1");
      asker.reset();
    }
    using aborted = await HttpSocket.connect(port);
    aborted.ask("PUT /v1/log", ["Content-Length: 100"]);
    aborted.send("abc");
    aborted.close();
    await aborted.end();
    using slow = await HttpSocket.connect(port);
    slow.send("GET /v1/ov");
    expect(await slow.end()).toStartWith("HTTP/1.1 408 ");
    const level = await fetch(`${url}/v1/log`, { method: "PUT", body: '{"level":"info"}' });
    expect(await level.json()).toEqual({ level: "info" });
    expect((await fetch(`${url}/v1/overview`, { headers: { host: "evil.example" } })).status).toBe(
      403,
    );

    const kicked = await fetch(`${url}/v1/client?id=dev-42`, { method: "DELETE" });
    expect(await kicked.json()).toEqual({ wasConnected: true });
    expect(await broker.ended("dev-42")).toMatchObject({ cause: "kicked" });
    stream.close();
    await broker.stop();
  },
  testLimitMs,
);
