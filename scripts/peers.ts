/** Measures the matrix of scenarios by brokers: see `help`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "./command.ts";
import type { Protocol } from "./peers/broker.ts";
import { peerBrokers } from "./peers/brokers.ts";
import { withMatrix } from "./peers/documents.ts";
import { brokersFolder, dataFile, fileStem, readMeasurements } from "./peers/measurement.ts";
import { measure } from "./peers/measuring.ts";
import { brokerPage } from "./peers/page.ts";
import { versionOf } from "./peers/play.ts";
import { comeFirst } from "./peers/precedence.ts";
import { atAddress, installed, isNamed, type Options } from "./peers/subject.ts";
import { trace } from "./peers/tracing.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run peers -- [options]

Plays every scenario of \`mqttd simulate-drop\` against each installed broker, keeps the results
in docs/brokers/NAME-VERSION.json, and writes docs/brokers.md and a page for each broker from all results.
It does not repeat kept runs of the same mqttd: after an interruption, call it again to continue.

  --get              install the brokers instead, each by one command of a registry; for Debian's
                     packages only print the command
  --home FOLDER      the folder of the installed brokers (peers)
  --mqttd FILE       the executable that measures, and is measured too (dist/mqttd)
  --only NAME        one broker, or one version of it (NAME-VERSION); repeatable
  --url "NAME VERSION=URL"  a broker that is already running; repeatable
  --runs N           runs of each broker (3)
  --busy             keep every core busy meanwhile
  --first            let brokers and their clients come before all other programs (Linux, root);
                     a broker of --url keeps the priority that it has
  --again            drop the kept runs of that load
  --jobs N           runs at the same time (2)
  --wait DURATION    how long to wait for a will past its due time (40s)
  --trace ID         keep the bytes of one run of a scenario instead (tcpdump, root); repeatable
  --tries N          with --trace: the most runs until something is wrong (5)
  --whole            with --trace: out of runs of all scenarios, for what goes wrong only among them
  --protocol VERSION with --trace or --runs: only 3.1.1 or 5
  --documents        only write the documents`;

function typed() {
  return flagsOf({
    get: { type: "boolean", default: false },
    home: { type: "string", default: "peers" },
    mqttd: { type: "string", default: "dist/mqttd" },
    only: { type: "string", multiple: true, default: [] },
    url: { type: "string", multiple: true, default: [] },
    runs: { type: "string", default: "3" },
    busy: { type: "boolean", default: false },
    first: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
    wait: { type: "string", default: "40s" },
    trace: { type: "string", multiple: true, default: [] },
    tries: { type: "string", default: "5" },
    whole: { type: "boolean", default: false },
    protocol: { type: "string" },
    documents: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
}

async function main(): Promise<number> {
  const values = typed();
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (values.first && values.busy) {
    throw new UsageError("--first would keep the load of --busy from them: give one of the two");
  }
  const home = resolve(values.home);
  const mqttd = resolve(values.mqttd);
  if (values.get) return install(home, mqttd, values.only);
  if (values.documents) return makeDocuments();
  const options: Options = {
    home,
    mqttd,
    version: versionOf(mqttd),
    wait: values.wait,
    protocols: protocolsOf(values.protocol),
    isFirst: values.first,
  };
  if (values.first) comeFirst(process.pid);
  const [runs, jobs] = [countOf(values.runs), countOf(values.jobs)];
  const tries = countOf(values.tries);
  const addressed = values.url.map((text) => atAddress(text));
  // A broker given by --url needs no --only.
  const areOthersMeant = values.only.length > 0 || addressed.length === 0;
  const subjects = [...addressed, ...(areOthersMeant ? installed(options, values.only) : [])];
  if (subjects.length === 0) throw new UsageError("no such broker is installed");
  mkdirSync(brokersFolder, { recursive: true });
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  let failed = 0;
  if (values.trace.length > 0) {
    await trace(subjects, { ids: values.trace, isWhole: values.whole, tries }, options);
  } else {
    const load = values.busy ? "busy" : "calm";
    failed = await measure(subjects, options, { runs, jobs, load, isAgain: values.again });
  }
  return failed === 0 ? makeDocuments() : Math.max(1, await makeDocuments());
}

function protocolsOf(text: string | undefined): readonly Protocol[] {
  if (text === undefined) return ["3.1.1", "5"];
  if (text === "3.1.1" || text === "5") return [text];
  throw new UsageError(`--protocol takes 3.1.1 or 5, not ${text}`);
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`expected a whole number above 0, not ${text}`);
  return count;
}

/**
 * Runs one command for each broker, and continues after a failure. Leaves commands that change more than
 * the folder to the user: Debian starts a service with each of its brokers.
 */
async function install(home: string, mqttd: string, only: readonly string[]): Promise<number> {
  mkdirSync(home, { recursive: true });
  let failed = 0;
  for (const broker of peerBrokers(mqttd)) {
    if (!isNamed(broker.name, null, only) || broker.version(home) !== null) continue;
    const isOfDebian = broker.get.startsWith("apt-get install");
    console.error(`${broker.name}: ${isOfDebian ? "by yourself, as root: " : ""}${broker.get}`);
    if (isOfDebian || !broker.get.includes("$PEERS")) continue;
    const child = Bun.spawn(["sh", "-c", broker.get], {
      cwd: root,
      env: { ...process.env, PEERS: home },
      stdio: ["ignore", "inherit", "inherit"],
    });
    if ((await child.exited) !== 0) failed++;
  }
  return failed === 0 ? 0 : 1;
}

async function makeDocuments(): Promise<number> {
  const measurements = readMeasurements();
  const matrixFile = join(root, "docs/brokers.md");
  writeFileSync(matrixFile, withMatrix(readFileSync(matrixFile, "utf8"), measurements));
  const files = [matrixFile];
  for (const [name, own] of Map.groupBy(measurements, (one) => one.name)) {
    const file = join(brokersFolder, `${fileStem(name)}.md`);
    writeFileSync(file, brokerPage(own));
    files.push(file, ...own.map(({ version }) => dataFile(name, version)));
  }
  const formatted = Bun.spawn([process.execPath, "fmt", "--no-script", ...files], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return formatted.exited;
}

await runScript(main);
