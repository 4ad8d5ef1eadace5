/** Plays brokers that stand still while their clients send: see `help`. */
import path from "node:path";
import { blockedBroker, stoppedBroker } from "../tests/standstill/held-brokers.ts";
import { type Cast, type HeldBroker, standstill } from "../tests/standstill/play.ts";
import { Folder } from "../tests/support/executable.ts";
import { root, tool } from "./command.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run stopped -- [options]

Stops dist/mqttd (or MQTTD_EXECUTABLE) with SIGSTOP while clients with a will and a keepalive of 2 s
ping every 0.4 s, send DISCONNECT, reconnect or are silent, then continues it. A client that sent in
time may not lose its connection or its will; the silent ones end at once. Then the same with 2,000
clients that ping, with a loop that a callback of its own process blocks, and under Deno.

  --times N      how often to play each (5)
  --seconds LIST how long the broker stands still (3,5,20)
  --like NAME    a broker that misbehaves, to prove that the script notices
  --json         one JSON object a line

Exit codes: 0 all right, 1 a standstill went wrong, 2 wrong usage.`;

const options = {
  times: { type: "string", default: "5" },
  seconds: { type: "string", default: "3,5,20" },
  like: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

interface Row {
  readonly name: string;
  readonly start: () => Promise<HeldBroker & AsyncDisposable>;
  readonly cast: Cast;
  readonly seconds: readonly number[];
  readonly times: number;
}

const few: Cast = { pinging: 50, leaving: 10, returning: 10, silent: 5 };

async function main(): Promise<number> {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const times = Number(values.times);
  const seconds = values.seconds.split(",").map(Number);
  if (!Number.isInteger(times) || times < 1 || !seconds.every((one) => one >= 3 && one <= 60)) {
    throw new UsageError("--times takes a whole number, --seconds a list of numbers from 3 to 60");
  }
  using cache = new Folder();
  const args = values.like === undefined ? [] : ["--like", values.like];
  const stopped = async () => stoppedBroker({ args });
  const underDeno = async () =>
    stoppedBroker({
      command: [tool("deno"), "run", "-A", "--no-prompt", path.join(root, "src/main.ts")],
      env: { DENO_DIR: cache.path },
      readyBoundMs: 30_000,
      args,
    });
  const rows: readonly Row[] = [
    { name: "stopped", start: stopped, cast: few, seconds, times },
    {
      name: "stopped, 2,000 clients",
      start: stopped,
      cast: { ...few, pinging: 2000 },
      seconds,
      times,
    },
    {
      name: "blocked in data",
      start: async () => blockedBroker("data"),
      cast: few,
      seconds,
      times,
    },
    {
      name: "blocked in a timer",
      start: async () => blockedBroker("timer"),
      cast: few,
      seconds,
      times,
    },
    { name: "stopped, Deno", start: underDeno, cast: few, seconds, times },
  ];
  let wrong = 0;
  for (const row of rows) for (const one of row.seconds) wrong += await play(row, one, values.json);
  return wrong === 0 ? 0 : 1;
}

/** Plays one row and prints a line. Returns how many of its standstills went wrong. */
async function play(row: Row, seconds: number, isJson: boolean): Promise<number> {
  const within: number[] = [];
  const problems: string[] = [];
  for (let time = 0; time < row.times; time++) {
    await using broker = await row.start();
    const { silentWithinMs, ...report } = await standstill(broker, seconds * 1000, row.cast);
    within.push(silentWithinMs);
    const { ended, pingingWills, leavingWills, returningWills, silentWills } = report;
    const isRight =
      ended + pingingWills + leavingWills + returningWills === 0 && silentWills === row.cast.silent;
    if (!isRight) problems.push(JSON.stringify(report));
  }
  const sorted = within.toSorted((a, b) => a - b);
  const facts = {
    name: row.name,
    seconds,
    times: row.times,
    ...row.cast,
    wrong: problems.length,
    silentWithinMs: { median: sorted[sorted.length >> 1], worst: sorted.at(-1) },
  };
  if (isJson) console.log(JSON.stringify(facts));
  else {
    const { median = 0, worst = 0 } = facts.silentWithinMs;
    console.log(
      `${row.name}, ${seconds} s: ${row.times - problems.length} of ${row.times} right; the silent ` +
        `ended within ${median.toFixed(1)} ms (worst ${worst.toFixed(1)})`,
    );
  }
  for (const problem of problems) console.error(`  ${problem}`);
  return problems.length;
}

await runScript(main);
