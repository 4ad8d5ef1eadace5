import { expect, test } from "bun:test";
import { documentTables, machineText } from "../../src/load/report/document.ts";
import { sizePanels } from "../../src/load/report/sizes.ts";
import { summarize } from "../../src/load/report/summary.ts";
import { textReport } from "../../src/load/report/text.ts";
import { resultOf } from "./results.ts";

const rows = [
  { name: "row", title: "50 pairs", better: "more" as const },
  { name: "late", title: "5,000 wills", better: "less" as const },
];
const runs = (row: string, broker: string, values: readonly number[], unit: "/s" | "ms" = "/s") =>
  values.map((value, at) => resultOf({ row, broker, run: at + 1 }, { value, unit }));

test("medians with their spread, and ratios to the first broker", () => {
  const [row] = summarize(
    rows,
    ["mosquitto", "mqttd"],
    [...runs("row", "mosquitto", [100, 90, 110]), ...runs("row", "mqttd", [400, 420, 380])],
  );
  expect(row?.lines.map(({ figures, ratio }) => ({ ...figures[0], ratio }))).toMatchObject([
    { name: "delivered", unit: "/s", median: 100, min: 90, max: 110, ratio: null },
    { name: "delivered", unit: "/s", median: 400, min: 380, max: 420, ratio: { median: 4 } },
  ]);
});

test("a ratio compares the runs of the same minutes", () => {
  const [row] = summarize(
    rows,
    ["a", "b"],
    [...runs("row", "a", [100, 10]), ...runs("row", "b", [200, 40])],
  );
  expect(row?.lines[1]?.ratio).toEqual({ median: 3, min: 2, max: 4 });
});

test("where less is better, half of it is twice as good", () => {
  const [row] = summarize(
    rows,
    ["a", "b"],
    [...runs("late", "a", [80], "ms"), ...runs("late", "b", [40], "ms")],
  );
  expect(row?.lines[1]?.ratio).toEqual({ median: 2, min: 2, max: 2 });
  expect(row?.lines[1]?.perCpuSecond).toBeNull();
});

test("a load that uses more than 0.9 of its core is said to be the limit", () => {
  const of = (loadCpu: number) =>
    summarize(rows, ["mqttd"], [resultOf({}, { loadCpu })])[0]?.lines[0];
  expect(of(1.7)?.isLoadBound).toBe(false);
  expect(of(1.9)?.isLoadBound).toBe(true);
  const text = textReport(summarize(rows, ["mqttd"], [resultOf({}, { loadCpu: 1.9 })]), 100);
  expect(text).toContain("95 %!");
  expect(text).toContain("the load was the limit");
});

test("invalid runs do not count and are told; the most that were ended counts", () => {
  const [row] = summarize(
    rows,
    ["mqttd"],
    [
      resultOf({ run: 1 }, { value: 100, ended: 3 }),
      resultOf({ run: 2 }, { value: 900, errors: ["message 7 arrived instead of 6"] }),
      resultOf({ run: 3 }, { value: 120 }),
    ],
  );
  const [line] = row?.lines ?? [];
  expect(line?.figures[0]).toMatchObject({ median: 110, min: 100, max: 120 });
  expect(line?.errors).toEqual(["run 2: message 7 arrived instead of 6"]);
  expect(line?.sighting?.ended).toBe(3);
});

test("runs that differ much are noisy", () => {
  const notes = (values: number[]) =>
    summarize(rows, ["mqttd"], runs("row", "mqttd", values))[0]?.lines[0]?.notes;
  expect(notes([100, 124])).toEqual([]);
  expect(notes([100, 130])).toEqual(["noisy: the runs differ by a factor of 1.30"]);
});

test("without CPU of the broker there is no rate a CPU second, and no point in a chart", () => {
  const summary = summarize(rows, ["mqttd"], [resultOf({}, { brokerCpu: null })]);
  expect(summary[0]?.lines[0]).toMatchObject({ perCpuSecond: null, costs: null, brokerBusy: null });
  expect(sizePanels([{ name: "row", size: { of: "filters", value: 10 } }], summary)).toEqual([]);
});

test("a chart has the CPU of a message, by broker and size", () => {
  // 1 s of CPU in 2 s is half a core: 100/s are 200 for each second of CPU.
  const summary = summarize(rows, ["mqttd"], [resultOf({ row: "row" }, { value: 100 })]);
  const [panel] = sizePanels([{ name: "row", size: { of: "filters", value: 10 } }], summary);
  expect(panel).toMatchObject({
    horizontal: "filters",
    series: [{ name: "mqttd", points: [{ x: 10, y: 5000, min: 5000, max: 5000 }] }],
  });
});

test("the report for people", () => {
  const summary = summarize(
    rows,
    ["mosquitto", "mqttd"],
    [
      ...runs("row", "mosquitto", [100_000, 90_000]),
      ...runs("row", "mqttd", [400_000, 420_000]),
      ...runs("late", "mqttd", [40], "ms"),
    ],
  );
  expect(textReport(summary, 80)).toMatchInlineSnapshot(`
    "                          median       min..max   ratio    min..max  a CPU s  broker  load  peak RSS
    50 pairs
      mosquitto  delivered  95.0 k/s  90.0..100 k/s                        190 k    50 %  25 %  80.0 MiB
      mqttd      delivered   410 k/s   400..420 k/s  4.33 x  4.00..4.67    820 k    50 %  25 %  80.0 MiB
    5,000 wills
      mqttd      delivered   40.0 ms                                                50 %  25 %  80.0 MiB

    bystander    ping p99   worst  echo p99   worst  judged    late  ended
    50 pairs
      mosquitto   9500 ms  19.0 s    0.5 ms  0.9 ms  19.0 s  19.0 s   0/50
      mqttd        41.0 s  82.0 s    0.5 ms  0.9 ms  82.0 s  82.0 s   0/50
    5,000 wills
      mqttd        4.0 ms  8.0 ms    0.5 ms  0.9 ms  8.0 ms  8.0 ms   0/50

    a CPU s: the rate for each second of CPU that the broker used; broker, load: CPU
      in percent of a core; ratio: above 1 is better than the first broker

    ping: an idle client's PINGREQ; echo: the same moments against an idle server,
      which is how late this machine is by itself; judged: how late the broker ended
      silent clients, keepalive 1 s, at worst; late: how late their wills came, at
      worst; ended: clients with keepalive 2 s that pinged in time
    "
  `);
});

test("one run of one broker fits into 80 columns", () => {
  const summary = summarize(rows, ["mosquitto"], runs("row", "mosquitto", [123_456]));
  const lines = textReport(summary, 80).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[0]).not.toContain("min..max");
});

test("the tables of a document", () => {
  const summary = summarize(
    rows,
    ["mosquitto", "mqttd"],
    [
      ...runs("row", "mosquitto", [100_000, 90_000]),
      resultOf({ row: "row", run: 1 }, { value: 400_000, notes: ["of interest"] }),
      resultOf({ row: "late", run: 1 }, { errors: ["it failed"] }),
    ],
  );
  const groups = [
    { title: "Speed", rows: summary },
    { title: "Nothing", rows: [] },
  ];
  expect(documentTables(groups)).toMatchInlineSnapshot(`
    "## Speed

    - \`row\`: 50 pairs (delivered)
    - \`late\`: 5,000 wills

    | load | broker | median | min..max | ratio | min..max |
    | --- | --- | --- | --- | --- | --- |
    | row | mosquitto | 95.0 k/s | 90.0..100 k/s |  |  |
    |  | mqttd | 400 k/s | 1 run | 4.00 |  |
    | late | mqttd | invalid |  |  |  |

    | cost | broker | a CPU s | CPU of the broker | of the load | peak RSS | grown by |
    | --- | --- | --- | --- | --- | --- | --- |
    | row | mosquitto | 190 k | 50 % | 25 % | 80.0 MiB | 30.0 MiB |
    |  | mqttd | 800 k | 50 % | 25 % | 80.0 MiB | 30.0 MiB |
    | late | mqttd | - | - | - | - | - |

    | bystander | broker | ping p99 | worst | echo p99 | worst | judged p99 | worst | late p99 | worst | ended |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | row | mosquitto | 9500 ms | 19.0 s | 0.5 ms | 0.9 ms | 9500 ms | 19.0 s | 9500 ms | 19.0 s | 0 of 50 |
    |  | mqttd | 40.0 s | 80.0 s | 0.5 ms | 0.9 ms | 40.0 s | 80.0 s | 40.0 s | 80.0 s | 0 of 50 |

    - row, mqttd: of interest
    - late, mqttd: invalid: run 1: it failed"
  `);
});

test("when, where, and how busy the machine was", () => {
  const machine = {
    date: "2026-11-29T22:01:02.000Z",
    version: "0.1.0 (abc1234)",
    cores: 2,
    cpu: "AMD EPYC",
    memoryGib: 24,
    kernel: "Linux 6.18 x64",
    loadAverage: 0.2,
    pinned: { broker: 0, load: 1 },
    brokers: [],
  };
  expect(machineText([])).toBe("Nothing was measured yet.");
  expect(machineText([machine])).toBe(
    "Measured on 2026-11-29 22:01 UTC with mqttd 0.1.0 (abc1234): 2 cores of AMD EPYC, 24 GiB, Linux 6.18 x64, broker on\n" +
      "core 0, load on core 1. Load average before the start: 0.2.",
  );
  const later = { ...machine, date: "2026-11-30T01:02:03.000Z", loadAverage: 3 };
  for (const machines of [
    [machine, later],
    [later, machine],
  ]) {
    expect(flat(machineText(machines))).toContain("22:01 UTC to 2026-11-30 01:02 UTC");
  }
  expect(flat(machineText([machine, later]))).toContain(
    "0.2 to 3, so other programs used the machine",
  );
});

const flat = (text: string): string => text.replaceAll("\n", " ");
