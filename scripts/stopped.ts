/** Plays brokers that stand still while their clients send: see `help`. */
import path from "node:path";
import { blockedBroker, stoppedBroker } from "../tests/standstill/held-brokers.ts";
import { type Cast, type HeldBroker, standstill } from "../tests/standstill/play.ts";
import { Folder } from "../tests/support/executable.ts";
import { type Door, everyDoor, transports } from "../tests/support/listeners.ts";
import { root, tool } from "./command.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run stopped -- [options]

Stops dist/mqttd (or MQTTD_EXECUTABLE) with SIGSTOP while clients with a will and a keepalive of 2 s
ping every 0.4 s, send DISCONNECT, reconnect or are silent, then continues it. A client that sent in
time may not lose its connection or its will; the silent ones end at once. Then the same with 2,000
clients that ping, with a loop that a callback of its own process blocks, and under Deno.

  --times N      how often to play each (5)
  --seconds LIST how long the broker stands still (3,5,20)
  --transport LIST
                 how the clients of a stopped broker connect (tcp): tcp, tls, ws, wss, unix
  --like NAME    a broker that misbehaves, to prove that the script notices
  --json         one JSON object a line

Exit codes: 0 all right, 1 a standstill went wrong, 2 wrong usage.`;

const options = {
  times: { type: "string", default: "5" },
  seconds: { type: "string", default: "3,5,20" },
  transport: { type: "string", default: "tcp" },
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
  const rows = values.transport.split(",").flatMap((transport): Row[] => {
    const door = doorOf(transport);
    const name = transport === "tcp" ? "" : ` (${transport})`;
    const stopped = async () => stoppedBroker({ args }, door);
    const underDeno = async () =>
      stoppedBroker(
        {
          command: [tool("deno"), "run", "-A", "--no-prompt", path.join(root, "src/main.ts")],
          env: { DENO_DIR: cache.path },
          readyBoundMs: 30_000,
          args,
        },
        door,
      );
    const same = { cast: few, seconds, times };
    const many = { ...few, pinging: 2000 };
    return [
      { ...same, name: `stopped${name}`, start: stopped },
      { ...same, name: `stopped, 2,000 clients${name}`, start: stopped, cast: many },
      { ...same, name: `stopped, Deno${name}`, start: underDeno },
    ];
  });
  if (rows.some(({ name }) => name === "stopped")) rows.push(...blockedRows(seconds, times));
  let wrong = 0;
  for (const row of rows) for (const one of row.seconds) wrong += await play(row, one, values.json);
  return wrong === 0 ? 0 : 1;
}

function blockedRows(seconds: readonly number[], times: number): Row[] {
  const same = { cast: few, seconds, times };
  return [
    { ...same, name: "blocked in data", start: async () => blockedBroker("data") },
    { ...same, name: "blocked in a timer", start: async () => blockedBroker("timer") },
  ];
}

function doorOf(transport: string): Door {
  const door = everyDoor.find((one) => transports[one] === transport);
  if (door !== undefined) return door;
  throw new UsageError(
    `--transport takes a list of ${everyDoor.map((one) => transports[one]).join(", ")}`,
  );
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
