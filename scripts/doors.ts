/** Plays every scenario over every transport: see `help`. */
import path from "node:path";
import { Authority, type Certificate, opensslMissing } from "../tests/support/certificates.ts";
import { spawn } from "../tests/support/child.ts";
import { executable, Folder, RunningBroker } from "../tests/support/executable.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const doors = ["tcp", "tls", "ws", "wss", "unix"] as const;
type Door = (typeof doors)[number];

const help = `npm run doors -- [options]

Starts dist/mqttd (or MQTTD_EXECUTABLE) with a listener for each transport, and plays every scenario
of \`simulate-drop\` over each, in MQTT 3.1.1 and 5: each has to pass, or to be skipped since the
protocol or the transport has nothing of the kind. broker-crash is left out. Two minutes a transport.

  --only NAME    ${doors.join(", ")}; repeatable
  --except ID    leave a scenario out; repeatable

Exit codes: 0 all right, 1 something did not pass, 2 wrong usage.`;

/** What may be skipped, and why. */
const allowed = [
  "needs --denied-topic",
  "MQTT 5.0 only",
  "bridges with MQTT 5 use the ordinary level",
  "the address is no WebSocket: ws:// or wss://",
  "the address has no TLS: mqtts:// or wss://",
  "a unix socket knows no reset",
  "a unix socket has no network link",
];

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
  const asked = values.only.length === 0 ? doors : doors.filter((one) => values.only.includes(one));
  if (values.only.length > 0 && asked.length < new Set(values.only).size) {
    throw new UsageError(`--only takes ${doors.join(", ")}`);
  }
  if (opensslMissing !== null) throw new UsageError(opensslMissing);
  using authority = new Authority();
  const server = authority.issue("localhost", ["DNS:localhost", "IP:127.0.0.1"]);
  await using broker = await RunningBroker.start({
    files: { "mqttd.json": configuration(server, path.join(authority.folder, "mqttd.sock")) },
  });
  let isRight = true;
  for (const door of asked) {
    const target = addressOf(broker.urls, door);
    isRight =
      (await played(door, target, authority.root.certFile, broker, values.except)) && isRight;
  }
  return isRight ? 0 : 1;
}

/** The first listener is that of `--port`. */
function configuration({ certFile, keyFile }: Certificate, socket: string): string {
  const tls = { cert: certFile, key: keyFile };
  return JSON.stringify({
    listeners: [
      {},
      { transport: "tls", port: 0, tls },
      { transport: "ws", port: 0 },
      { transport: "wss", port: 0, tls },
      { transport: "unix", path: socket },
    ],
  });
}

const schemes: Readonly<Record<Door, string>> = {
  tcp: "mqtt:",
  tls: "mqtts:",
  ws: "ws:",
  wss: "wss:",
  unix: "mqtt+unix:",
};

function addressOf(urls: readonly string[], door: Door): string {
  const found = urls.find((url) => url.startsWith(schemes[door]));
  if (found === undefined) throw new Error(`the broker has no ${door} among ${urls.join(", ")}`);
  return found;
}

/** The keys of a result that this script reads. */
interface Result {
  readonly type: "result";
  readonly id: string;
  readonly protocol: string;
  readonly verdict: string;
  readonly detail: string;
}

/** Prints a line for the door and one for each result that is not right; returns whether all are. */
async function played(
  door: Door,
  url: string,
  caFile: string,
  broker: RunningBroker,
  except: readonly string[],
): Promise<boolean> {
  using folder = new Folder();
  const trusts = door === "tls" || door === "wss" ? ["--cafile", caFile] : [];
  const excepted = ["broker-crash", ...except].flatMap((id) => ["--except", id]);
  const needs = ["--broker-pid", String(broker.pid)];
  const flags = ["--all", ...excepted, ...needs, "--json", "--url", url, ...trusts];
  await using child = spawn([executable(), "simulate-drop", ...flags], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const results = stdout
    .split("\n")
    .filter((line) => line.startsWith('{"type":"result"'))
    .map((line) => JSON.parse(line) as Result);
  if (results.length === 0) {
    console.log(`${door}: ${stderr.trim()}`);
    return false;
  }
  const wrong = results.filter(({ verdict, detail }) => {
    return verdict !== "pass" && !(verdict === "skipped" && allowed.includes(detail));
  });
  const of = (verdict: string): number => results.filter((one) => one.verdict === verdict).length;
  console.log(`${door}: ${of("pass")} pass, ${of("skipped")} skipped, ${wrong.length} not right`);
  for (const { id, protocol, verdict, detail } of wrong) {
    console.log(`  ${verdict} ${id} (MQTT ${protocol}): ${detail}`);
  }
  return wrong.length === 0;
}

await runScript(main);
