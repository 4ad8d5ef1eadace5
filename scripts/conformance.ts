/** The conformance suite against any broker: see `help`. */
import { parseArgs } from "node:util";
import { connectError } from "../src/client/connect-error.ts";
import { urlTarget } from "../src/cli/client-flags.ts";
import { type Target, targetText } from "../src/client/target.ts";
import { CliError, usageError } from "../src/config/cli-error.ts";
import { nearest } from "../src/config/nearest.ts";
import { durationForm, millisecondsOf } from "../src/config/quantity.ts";
import { catalogue } from "../tests/conformance/catalogue.ts";
import { casesOf, type Case } from "../tests/conformance/check.ts";
import { ledger } from "../src/standard/statements.ts";
import { reportJson, reportText } from "../tests/conformance/report.ts";
import { type Outcome, outcomeOf, runAll } from "../tests/conformance/run.ts";
import { SocketPort } from "../tests/conformance/socket-port.ts";
import { VirtualPort } from "../tests/conformance/virtual-port.ts";

const help = `npm run conformance -- --url URL [options]

Runs the checks of tests/conformance against a broker, each in the versions whose statements it
names, and reports where the broker disagrees. It uses topics and client ids of its own, and removes
what it leaves on the broker.

  --url URL            the broker: mqtt://localhost:1883
  --in-process         mqttd itself in virtual time, with settings that other brokers do not have
  --only ID            checks of one statement (v5-3.1.2-22); repeatable
  --protocol 3.1.1|5   one version
  --patience DURATION  how long to wait for an expected packet (10s)
  --at-once N          checks that run at the same time (16)
  --json               NDJSON: a line for each check, and one for all of them
  --help

exit codes: 0 all passed, 1 the broker disagrees, 2 usage, 3 no connection`;

interface Options {
  /** Null: in process. */
  readonly target: Target | null;
  readonly cases: readonly Case[];
  readonly patienceMs: number;
  readonly atOnce: number;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    console.log(help);
    return 0;
  }
  const { target, json } = options;
  const outcomes = target === null ? await inProcess(options) : await over(target, options);
  const name = target === null ? "mqttd in this process" : targetText(target);
  console.log(json ? reportJson(name, outcomes) : reportText(name, outcomes));
  return outcomes.some(({ verdict }) => verdict === "disagrees") ? 1 : 0;
}

async function inProcess({ cases }: Options): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const each of cases) {
    outcomes.push(await outcomeOf(each, new VirtualPort(each.check.needs?.options)));
  }
  return outcomes;
}

async function over(target: Target, { cases, patienceMs, atOnce }: Options): Promise<Outcome[]> {
  const port = new SocketPort(target, patienceMs);
  const reached = await port.open({ data: () => {}, closed: () => {} }).catch((error: unknown) => {
    throw connectError(error, target) ?? error;
  });
  reached.end();
  return runAll(cases, port, atOnce);
}

/** Null: --help. Throws CliError. */
function readOptions(): Options | null {
  const { values } = parsed();
  if (values.help) return null;
  if ((values.url === undefined) === !values["in-process"]) {
    throw usageError("choose the broker by one of --url and --in-process");
  }
  const target = values.url === undefined ? null : urlTarget(values.url, "--url");
  const patienceMs = millisecondsOf(values.patience);
  if (patienceMs === null) {
    throw usageError(`--patience takes ${durationForm}`);
  }
  const atOnce = Number(values["at-once"]);
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > 200) {
    throw usageError("--at-once takes a number from 1 to 200");
  }
  const cases = chosen(values.only, values.protocol);
  return { target, cases, patienceMs, atOnce, json: values.json };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        url: { type: "string" },
        "in-process": { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        protocol: { type: "string" },
        patience: { type: "string", default: "10s" },
        "at-once": { type: "string", default: "16" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function chosen(only: readonly string[], protocol: string | undefined): Case[] {
  if (protocol !== undefined && protocol !== "3.1.1" && protocol !== "5") {
    throw usageError("--protocol takes 3.1.1 or 5");
  }
  const cases = casesOf(catalogue).filter(
    ({ version }) => protocol === undefined || version === (protocol === "5" ? 5 : 4),
  );
  if (only.length === 0) return cases;
  for (const id of only) {
    if (cases.some(({ statements }) => statements.some((each) => each === id))) continue;
    const statement = Object.entries(ledger).find(([each]) => each === id)?.[1];
    if (statement !== undefined) {
      const why = statement.why === "" ? "not of this version" : statement.why;
      throw usageError(`no check names ${id}: ${why}`);
    }
    const near = nearest(id, Object.keys(ledger));
    const hint = near === null ? null : `did you mean ${near}?`;
    throw usageError(`there is no statement ${id}`, hint);
  }
  return cases.filter(({ statements }) => statements.some((id) => only.includes(id)));
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  console.error(error.hint === null ? error.message : `${error.message} (${error.hint})`);
  process.exitCode = error.exitCode;
}
