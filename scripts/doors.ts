/** Plays every scenario over every transport: see `help`. */
import { spawn } from "../tests/support/child.ts";
import { executable, Folder, RunningBroker } from "../tests/support/executable.ts";
import { type Door, everyDoor, Listeners, urlOf } from "../tests/support/listeners.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run doors -- [options]

Starts dist/mqttd (or MQTTD_EXECUTABLE) with a listener for each transport, and plays every scenario
of \`simulate-drop\` over each, in MQTT 3.1.1 and 5: each has to pass, or to be skipped because the
protocol or the transport has nothing of the kind. broker-crash is left out. Two minutes a transport.

  --only SCHEME  ${everyDoor.join(", ")}; repeatable
  --except ID    leave a scenario out; repeatable

Exit codes: 0 all right, 1 something did not pass, 2 wrong usage.`;

/** What may be skipped, and why. */
const allowed = [
  "MQTT 5.0 only",
  "bridges with MQTT 5 use the ordinary level",
  "the address is no WebSocket: ws:// or wss://",
  "the address has no TLS: mqtts:// or wss://",
  "a unix socket knows no reset",
  "a unix socket has no network link",
];
/** Denied by the access list, for `acl`. */
const deniedTopic = "denied/will";
const accessList = "topic readwrite #\ntopic readwrite $mqttd-drop/#\ntopic deny denied/#\n";

async function main(): Promise<number> {
  const values = flagsOf({
    only: { type: "string", multiple: true, default: [] },
    except: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const unknown = values.only.find((name) => !everyDoor.some((door) => door === name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: ${everyDoor.join(", ")}`);
  using listeners = new Listeners();
  using folder = new Folder({ "ca.crt": listeners.ca ?? "" });
  await using broker = await RunningBroker.start({
    files: { acl: accessList },
    args: [...listeners.args, "--set", "auth.aclFile=acl"],
  });
  let isRight = true;
  for (const door of everyDoor) {
    if (values.only.length > 0 && !values.only.includes(door)) continue;
    const results = await played(broker, door, folder, values.except);
    isRight = told(door, results) && isRight;
  }
  return isRight ? 0 : 1;
}

/** The keys of a result that this script reads. */
interface Result {
  readonly type: string;
  readonly id: string;
  readonly protocol: string;
  readonly verdict: string;
  readonly detail: string;
}

async function played(
  broker: RunningBroker,
  door: Door,
  folder: Folder,
  except: readonly string[],
): Promise<readonly Result[]> {
  const excepted = ["broker-crash", ...except].flatMap((id) => ["--except", id]);
  const trusts = door === "mqtts" || door === "wss" ? ["--cafile", "ca.crt"] : [];
  const flags = [
    ...["--all", ...excepted, "--json", "--url", urlOf(broker.urls, door), ...trusts],
    ...["--denied-topic", deniedTopic, "--broker-pid", String(broker.pid)],
  ];
  await using child = spawn([executable(), "simulate-drop", ...flags], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  if (lines.length === 0) throw new Error(`${door}: ${stderr}`);
  return lines.map((line) => JSON.parse(line) as Result).filter(({ type }) => type === "result");
}

/**
 * Prints a line for the door, one for each reason to skip and one for each result that is not
 * right; returns whether all are.
 */
function told(door: Door, results: readonly Result[]): boolean {
  const wrong = results.filter(({ verdict, detail }) => {
    return verdict !== "pass" && !(verdict === "skipped" && allowed.includes(detail));
  });
  const count = (verdict: string): number =>
    results.filter((result) => result.verdict === verdict).length;
  const [passed, skipped] = [count("pass"), count("skipped")];
  console.log(`${door}: ${passed} pass, ${skipped} skipped, ${wrong.length} not right`);
  const reasons = Map.groupBy(
    results.filter(({ verdict }) => verdict === "skipped"),
    ({ detail }) => detail,
  );
  for (const [reason, some] of reasons) {
    const ids = new Set(some.map(({ id }) => id));
    console.log(`  ${some.length} skipped: ${[...ids].join(", ")}: ${reason}`);
  }
  for (const { id, protocol, verdict, detail } of wrong) {
    console.log(`  ${verdict} ${id} (MQTT ${protocol}): ${detail}`);
  }
  return wrong.length === 0 && results.length > 0;
}

await runScript(main);
