import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { progressTo, type Screen } from "../../../src/drop/report/progress.ts";
import type { RunName } from "../../../src/drop/run.ts";
import { localTarget } from "../../support/embedded.ts";
import { result } from "./results.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const run = (id: string): RunName => ({ id, protocol: 5, target: localTarget(1883) });

function progress(screen: Screen | null, more: { naming?: boolean; color?: boolean } = {}) {
  const written: string[] = [];
  const shown = progressTo({
    write: (text) => written.push(text),
    screen: () => screen,
    color: false,
    planned: 30,
    naming: false,
    ...more,
  });
  return { shown, written };
}

/** The cursor's own line, and so many above it. */
function erasing(lines: number): string {
  return `\r\u001b[2K${"\u001b[1A\u001b[2K".repeat(lines)}`;
}

test("without a terminal: a line when a scenario ends, with nothing that the report says too", () => {
  const { shown, written } = progress(null);
  shown.started(run("rst"));
  shown.waits(run("rst"), "the will", performance.now() + 8000, performance.now());
  jest.advanceTimersByTime(1000);
  expect(written).toEqual([]);
  shown.ended(run("rst"), result("rst"));
  shown.ended(
    run("half-open"),
    result("half-open", { verdict: "fail", detail: "no\u001b[2J\nwill" }),
  );
  shown.doubted(run("retain"), "no\u001b[2J way");
  shown.stop();
  expect(`\n${written.join("")}`).toMatchInlineSnapshot(`
    "
    pass          rst                   MQTT 5
    FAIL          half-open             MQTT 5
    in doubt      retain                MQTT 5      no\\u001b[2J way; plays again at the end, alone
    "
  `);
});

test("several addresses are named", () => {
  const { shown, written } = progress(null, { naming: true });
  shown.ended(run("rst"), result("rst"));
  expect(written.join("")).toContain("MQTT 5     mqtt://127.0.0.1:1883\n");
});

test("on a terminal: counts and a countdown for each scenario, erased at the end", () => {
  const { shown, written } = progress({ columns: 80, rows: 24 });
  const now = performance.now();
  shown.started(run("rst"));
  shown.started(run("half-open"));
  shown.started(run("ping-alive"));
  shown.started(run("retain"));
  shown.waits(run("rst"), "the will", now + 8000, now - 500);
  shown.waits(run("half-open"), "the will", now + 11_000, now + 3000);
  shown.waits(run("ping-alive"), "no will", now + 2000, null);
  shown.ended(run("fin"), result("fin"));
  shown.ended(run("drip"), result("drip", { verdict: "finding" }));
  jest.advanceTimersByTime(100);
  const frame = written.join("");
  expect(`\n${frame.replace(/\d\.\d s/g, "N s")}`).toMatchInlineSnapshot(`
    "
    2 of 30 done, 1 finding
      rst                   MQTT 5      the will: due N s ago, N s left
      half-open             MQTT 5      the will is due in N s
      ping-alive            MQTT 5      no will: N s left
      retain                MQTT 5      begins
    "
  `);
  shown.stop();
  expect(written.at(-1)).toBe(erasing(5));
  const count = written.length;
  jest.advanceTimersByTime(1000);
  shown.stop();
  expect(written).toHaveLength(count);
});

test("a frame takes the place of the one before, and other words stand above it", () => {
  const { shown, written } = progress({ columns: 80, rows: 24 });
  shown.started(run("rst"));
  jest.advanceTimersByTime(100);
  shown.say("called off\n");
  jest.advanceTimersByTime(100);
  const frame = "0 of 30 done\n  rst                   MQTT 5      begins\n";
  const erase = erasing(2);
  expect(written).toEqual([frame, `${erase}called off\n`, frame, erase + frame]);
  shown.stop();
});

test("no line is wider than the terminal, and no more lines than it has", () => {
  const { shown, written } = progress({ columns: 30, rows: 8 });
  for (let n = 0; n < 20; n++) shown.started(run(`takeover-delay-clean-${n}`));
  jest.advanceTimersByTime(100);
  const lines = written.join("").trimEnd().split("\n");
  expect(lines).toHaveLength(7);
  expect(lines.at(-1)).toBe("  and 15 more");
  for (const line of lines) expect(line.length).toBeLessThan(30);
  shown.stop();
});

test("on a narrow terminal the words stand closer", () => {
  const { shown, written } = progress({ columns: 40, rows: 8 });
  const now = performance.now();
  shown.started(run("half-open"));
  shown.waits(run("half-open"), "the will", now + 11_000, now + 3000);
  jest.advanceTimersByTime(100);
  expect(written.join("")).toBe("0 of 30 done\n  half-open 5: the will is due in 2.9 s\n");
  shown.stop();
});

test("what never drew erases nothing", () => {
  const { shown, written } = progress({ columns: 80, rows: 24 });
  shown.stop();
  expect(written).toEqual([]);
});
