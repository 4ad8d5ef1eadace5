import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { otherBroker, startBroker } from "../../bench/broker.ts";
import { Children } from "../../bench/children.ts";
import { type LoadPlan, LoadReport } from "../../bench/load.ts";

const bench = join(import.meta.dir, "../../bench");

/** A short run against the forwarder with one planted quirk; returns the report's errors. */
async function errorsWith(quirk: string, qos: 0 | 1, version: 4 | 5): Promise<string[]> {
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), "mqttd-bench-"));
  try {
    const forwarder = otherBroker(
      "forwarder",
      `'${process.execPath}' '${bench}/forwarder.ts' {port} '${quirk}'`,
    );
    const { port, pid } = await startBroker(forwarder, children, folder, []);
    const plan: LoadPlan = {
      host: "127.0.0.1",
      port,
      brokerPid: pid,
      version,
      publishers: 2,
      subscribersEach: 2,
      qos,
      window: 20,
      payloadBytes: 64,
      warmUpMs: 200,
      countMs: quirk === "none" || quirk === "forget PUBACK" ? 300 : 8000,
      stallMs: 500,
    };
    const command = [process.execPath, `${bench}/loader.ts`, JSON.stringify(plan)];
    const loader = children.spawn(command, { stdout: "pipe", stderr: "inherit" });
    const report = LoadReport.parse(JSON.parse(await new Response(loader.stdout).text()));
    expect(report.delivered).toBeGreaterThanOrEqual(0);
    return report.errors;
  } finally {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const version of [4, 5] as const) {
  for (const qos of [0, 1] as const) {
    test(`a sound forwarder gives no error, version ${version}, QoS ${qos}`, async () => {
      expect(await errorsWith("none", qos, version)).toEqual([]);
    });
  }
}

test("a lost message fails the run", async () => {
  expect((await errorsWith("lose", 0, 4))[0]).toMatch(/message \d+ arrived instead of \d+/);
});

test("a duplicated message fails the run", async () => {
  expect((await errorsWith("repeat", 1, 4))[0]).toMatch(/message \d+ arrived instead of \d+/);
});

test("a changed payload fails the run", async () => {
  expect((await errorsWith("spoil", 0, 4))[0]).toMatch(/differs from the published one/);
});

test("a disconnect fails the run", async () => {
  expect((await errorsWith("hang up", 0, 4))[0]).toMatch(/closed/);
});

test("silence fails the run", async () => {
  expect((await errorsWith("fall silent", 0, 4))[0]).toMatch(/no progress for 500 ms/);
});

test("a missing PUBACK fails the run", async () => {
  expect((await errorsWith("forget PUBACK", 1, 4))[0]).toMatch(/expected PUBACK of message \d+/);
});
