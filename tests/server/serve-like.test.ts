import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "../../src/client/client.ts";
import { localTarget } from "../support/embedded.ts";
import { spawn } from "../support/child.ts";

const main = fileURLToPath(import.meta.resolve("../../src/main.ts"));

/**
 * A broker in its own process; `lines` reads its log up to the line that `until` accepts, or to its
 * end.
 */
class Serving implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "mqttd-like-"));
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #log: AsyncIterator<Uint8Array>;
  #text = "";

  constructor(...args: readonly string[]) {
    this.#child = spawn(
      [process.execPath, main, "serve", "--port", "0", "--log-format", "json", ...args],
      { cwd: this.folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    this.#log = this.#child.stderr[Symbol.asyncIterator]();
  }

  async lines(until: string): Promise<Record<string, unknown>[]> {
    while (!this.#text.includes(`"event":"${until}"`)) {
      const chunk = await this.#log.next();
      if (chunk.done === true) throw new Error(`it ended: ${this.#text}`);
      this.#text += Buffer.from(chunk.value).toString();
    }
    return this.#text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  async port(): Promise<number> {
    const listening = (await this.lines("listening")).find(({ event }) => event === "listening");
    return Number(/127\.0\.0\.1:(\d+)/.exec(JSON.stringify(listening))?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
    rmSync(this.folder, { recursive: true });
  }
}

test("a misbehaving broker announces it first, and on every line", async () => {
  await using broker = new Serving("--like", "rumqttd-0.19");
  const lines = await broker.lines("listening");
  expect(lines[0]).toMatchObject({ level: "warn", event: "warning" });
  expect(lines[0]?.["text"]).toBe(
    "this broker misbehaves on purpose (like rumqttd-0.19); start it without --like for correct behaviour",
  );
  expect(lines[1]?.["text"]).toStartWith("rumqttd-0.19: no keepalive deadline");
  expect(lines.filter(({ like }) => like !== "rumqttd-0.19")).toEqual([]);
});

/** The broker's end of a client's connection has a timer of TCP's own pending (proc(5), `tr`). */
function tcpWatches(port: number): boolean {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const established = "01";
  const [row] = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local && fields[3] === established);
  if (row === undefined) throw new Error("there is no such connection");
  return row[5]?.startsWith("02") === true;
}

describe.if(process.platform === "linux")("TCP's own detectors", () => {
  for (const { args, watches } of [
    { args: [], watches: true },
    { args: ["--like", "mosquitto-2.0"], watches: true },
    { args: ["--like", "rumqttd-0.19"], watches: false },
  ]) {
    test(`${watches ? "on" : "off"}: serve ${args.join(" ")}`, async () => {
      await using broker = new Serving(...args);
      const port = await broker.port();
      const client = await Client.open(localTarget(port), 4);
      await client.connect({ clientId: "silent", clean: true, keepalive: 60 });
      await broker.lines("connected");
      expect(tcpWatches(port)).toBe(watches);
      client.leave();
    });
  }
});
