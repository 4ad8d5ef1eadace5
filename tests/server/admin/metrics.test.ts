import { describe, expect, test } from "bun:test";
import { Administered } from "../../support/administered.ts";
import { mortal, watcherOf } from "../../support/mortal.ts";
import { spawn } from "../../support/child.ts";

const promtool = Bun.which("promtool");
const without =
  promtool === null ? ": skipped, promtool is not installed (prometheus in Debian)" : "";

/** A broker on which every counted event has happened once. */
async function eventful(): Promise<string> {
  const admin = new Administered();
  const { world } = admin;
  watcherOf(world, "wills/#");
  mortal(world, { id: "rst", keepalive: 10 }).drop();
  mortal(world, { id: "said goodbye", keepalive: 10 }).send({ cmd: "disconnect" });
  mortal(world, { id: "silent", keepalive: 10 });
  mortal(world, { id: "delayed", keepalive: 10, expiry: 100, delay: 60 }).drop();
  world.advance(15_000);
  admin.context.vitals.beat(3, 0, world.broker.statistics);
  admin.context.vitals.beat(700, 1000, world.broker.statistics);
  const answer = await admin.ask("/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return answer.text();
}

test.skipIf(promtool === null)(`promtool reports nothing${without}`, async () => {
  await using child = spawn([promtool ?? "", "check", "metrics"], {
    stdin: new Blob([await eventful()]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect({ code: await child.exited, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("each event is counted under its name", async () => {
  const lines = (await eventful()).split("\n");
  expect(lines).toContain("mqttd_clients_connected 1");
  expect(lines).toContain('mqttd_connections_ended_total{cause="keepAliveExpired"} 1');
  expect(lines).toContain('mqttd_connections_ended_total{cause="resetByPeer"} 2');
  expect(lines).toContain('mqttd_wills_total{fate="published"} 2');
  expect(lines).toContain('mqttd_wills_total{fate="discarded"} 1');
  expect(lines).toContain('mqttd_wills{state="delayed"} 1');
  expect(lines).toContain("mqttd_keepalive_lateness_seconds_count 1");
  expect(lines).toContain('mqttd_event_loop_lag_seconds_bucket{le="0.005"} 1');
  expect(lines).toContain('mqttd_event_loop_lag_seconds_bucket{le="+Inf"} 2');
  expect(lines).toContain("mqttd_event_loop_lag_seconds_sum 0.703");
});

describe("the text format", () => {
  test("each family has its help and its type once, before its values", async () => {
    const text = await eventful();
    expect(text).toEndWith("\n");
    const families = text.split(/^(?=# HELP )/m);
    const names = new Set<string>();
    for (const family of families) {
      const [help = "", type = "", ...values] = family.trimEnd().split("\n");
      const name = help.split(" ")[2] ?? "";
      expect(names.has(name)).toBe(false);
      names.add(name);
      expect(type).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`));
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) {
        expect(value).toMatch(
          new RegExp(`^${name}(_bucket|_sum|_count)?(\\{\\w+="[^"]*"\\})? [\\d.e+-]+$`),
        );
      }
    }
  });
});
