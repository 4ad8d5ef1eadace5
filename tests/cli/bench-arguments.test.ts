import { expect, test } from "bun:test";
import type { BenchRequest } from "../../src/cli/bench-request.ts";
import { mqttd } from "./surroundings.ts";

async function asked(...args: string[]): Promise<BenchRequest> {
  const { code, stderr, measured } = await mqttd(["bench", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [request] = measured;
  if (request === undefined) throw new Error("nothing was asked for");
  return request;
}

const rowsOf = ({ rows }: BenchRequest): string[] => rows.map(({ name }) => name);
const brokersOf = ({ brokers }: BenchRequest) =>
  brokers.map((broker) =>
    broker.kind === "running"
      ? `${broker.name} ${broker.host} ${broker.port} ${broker.username ?? ""}`
      : broker.kind === "command"
        ? `${broker.name}: ${broker.line}`
        : `${broker.name}, embedded`,
  );

test("without flags, the broker on localhost", async () => {
  const request = await asked("--rows", "busy-20");
  expect(brokersOf(request)).toEqual(["localhost:1883 localhost 1883 "]);
  expect(request).toMatchObject({
    runs: 1,
    seconds: 2,
    version: 4,
    hasBystander: true,
    json: false,
  });
});

test("brokers by URL and command, in the order by kind, with names", async () => {
  const request = await asked(
    "--rows=trie",
    "--embedded",
    ...["--command", "/usr/sbin/mosquitto -p {port}"],
    ...["--command", "fmq=flashmq -p {port}"],
    ...["--url", "mqtt://ann:secret@localhost:1884"],
    ...["--url", "mine=mqtt://[::1]:1885"],
  );
  expect(brokersOf(request)).toEqual([
    "localhost:1884 localhost 1884 ann",
    "mine ::1 1885 ",
    "mosquitto: /usr/sbin/mosquitto -p {port}",
    "fmq: flashmq -p {port}",
    "mqttd, embedded",
  ]);
});

test("two brokers with one name get numbers", async () => {
  const request = await asked("--rows=trie", "--command", "m -p {port}", "--command", "m {port}");
  expect(brokersOf(request)).toEqual(["m: m -p {port}", "m-2: m {port}"]);
});

test("host and port, and the credentials of a running broker", async () => {
  const request = await asked("--rows=trie", "-h", "127.0.0.1", "-p", "1884", "-u", "ann");
  expect(brokersOf(request)).toEqual(["127.0.0.1:1884 127.0.0.1 1884 ann"]);
});

test("rows by name, by group and with commas; each once, in the order of the bench", async () => {
  const request = await asked("--rows", "busy-500,trie", "-r", "busy-20", "--rows", "trie");
  expect(rowsOf(request)).toEqual(["trie", "busy-20", "busy-500"]);
  const holdups = rowsOf(await asked("--rows", "holdups", "--except", "trie,busy-20"));
  expect(holdups).toContain("busy-500");
  expect(holdups).not.toContain("trie");
});

test("another machine has to be confirmed", async () => {
  const url = "mqtt://broker.example";
  const refused = await mqttd(["bench", "--rows", "trie", "--url", url]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toBe(
    "mqttd: mqtt://broker.example:1883 is another machine: a load may stop what others use " +
      "(if the broker is yours: --remote)\n",
  );
  expect(brokersOf(await asked("--rows", "trie", "--url", url, "--remote"))).toEqual([
    "broker.example:1883 broker.example 1883 ",
  ]);
});

test.each([
  [["--rows", "tri"], 'there is no row "tri" (did you mean trie?)'],
  [["--rows", "holdup"], 'there is no row "holdup" (did you mean holdups?)'],
  [["--rows", "trie", "--except", "all"], "--except leaves no row to play"],
  [["--rows", "trie", "--command", "mosquitto"], "allowed: a command with {port} for the port"],
  [["--rows", "trie", "--runs", "0"], "allowed: a number of runs from 1 to 100"],
  [["--rows", "trie", "--seconds", "x"], "allowed: seconds from 1 to 3600"],
  [["--rows", "trie", "-V", "3.1"], "the loads speak 3.1.1 or 5"],
  [["--rows", "trie", "--embedded", "--broker-pid", "1"], "the process of one running broker"],
  [["--rows", "trie", "--url", "localhost", "-p", "1884"], "both name the broker"],
  [["--rows", "trie", "--url", "mqtts://localhost"], "TLS is not supported yet"],
  [["trie"], "for a row: --rows trie"],
  [["mqtt://localhost"], "for a broker: --url mqtt://localhost"],
  [["--row", "trie"], "did you mean --rows?"],
])("mqttd bench %p is wrong usage", async (args, words) => {
  const { code, stdout, stderr, measured } = await mqttd(["bench", ...args]);
  expect({ code, stdout, measured }).toEqual({ code: 2, stdout: "", measured: [] });
  expect(stderr).toContain(words);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("--list names every row, with --json as NDJSON", async () => {
  const { stdout } = await mqttd(["bench", "--list"], { columns: 60 });
  const lines = stdout.split("\n");
  expect(lines.find((line) => line.includes("busy-500"))).toContain("500 publishers");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  const json = (await mqttd(["bench", "--list", "--json"])).stdout.trimEnd().split("\n");
  expect(json.map((line) => JSON.parse(line) as object)).toContainEqual({
    name: "trie-one",
    group: "holdups",
    title: "8,192 filters of {a,+} at 13 levels, one session; new topics",
    short: false,
  });
});
