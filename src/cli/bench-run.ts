import { Client } from "../client/client.ts";
import { DialError } from "../client/dial-error.ts";
import { byAddress, hasTls, type Target, targetText } from "../client/target.ts";
import { usageError } from "../config/cli-error.ts";
import { selfCommand } from "../config/self.ts";
import { type BrokerSource, isReachedOver, type ServerCertificate } from "../load/brokers.ts";
import { brokerFacts } from "../load/broker-facts.ts";
import { FiguresFile } from "../load/figures-file.ts";
import { machineFacts, machineLines } from "../load/machine.ts";
import { measure, type RunName, type RunResult } from "../load/measure.ts";
import type { Row } from "../load/row.ts";
import { quantity } from "../load/report/quantity.ts";
import { summarize } from "../load/report/summary.ts";
import { textReport } from "../load/report/text.ts";
import { setting } from "../log/duration.ts";
import { isLocalhost } from "../transport/loopback.ts";
import type { BenchRequest, BrokerRequest } from "./bench-request.ts";
import type { Surroundings } from "./command.ts";
import { connectError } from "../client/connect-error.ts";
import { textColumns } from "./help.ts";
import { loadX509 } from "./certs.ts";
import { Interrupt } from "./interrupt.ts";

/**
 * Measures, and reports. Resolves to the exit code; after a signal it reports what was measured until
 * then. Throws CliError if a running broker can't be reached.
 */
export async function runBench(request: BenchRequest, surroundings: Surroundings): Promise<number> {
  if (process.versions["bun"] === undefined) {
    throw usageError("bench needs the sockets of Bun", "use the executable: npm run build");
  }
  const interrupt = new Interrupt();
  try {
    return await Promise.race([play(request, surroundings, interrupt), interrupt.again]);
  } finally {
    interrupt.close();
  }
}

async function play(
  request: BenchRequest,
  surroundings: Surroundings,
  interrupt: Interrupt,
): Promise<number> {
  const { json, rows, runs } = request;
  const { print, printError, screen } = surroundings;
  const say = json ? printError : print;
  const emit = (line: object): void => {
    if (json) print(`${JSON.stringify(line)}\n`);
  };
  interrupt.onFirst = () => {
    printError("mqttd: called off, ending brokers and loads (a second signal does not wait)\n");
  };
  const file = request.data === null ? null : new FiguresFile(request.data);
  const brokers = await Promise.all(request.brokers.map(async (broker) => sourceOf(broker)));
  const { version, commit } = surroundings.version;
  const facts = machineFacts(
    commit === null ? version : `${version} (${commit})`,
    await brokerFacts(brokers, interrupt.signal),
  );
  file?.addMachine(facts);
  say(`${machineLines(facts).join("\n")}\n\n`);
  emit({ type: "machine", ...facts });
  const results: RunResult[] = [];
  const names = brokers.map(({ name }) => name);
  const planned =
    rows.flatMap(({ over }) => brokers.filter((one) => isReachedOver(one, over))).length * runs;
  for (const text of leftOut(rows, brokers)) printError(`mqttd: ${text}\n`);
  const about = setting(planned * (request.seconds + besideSeconds) * 1000);
  printError(`mqttd: ${planned} ${planned === 1 ? "run" : "runs"}, about ${about}\n`);
  const endsAt = performance.now() + request.withinMs;
  let known = 0;
  let late = 0;
  const isLeftOut = (name: RunName): boolean => {
    if (file?.has(name) === true) known++;
    else if (performance.now() > endsAt) late++;
    else return false;
    return true;
  };
  for await (const result of measure({
    ...request,
    brokers,
    pinned: facts.pinned,
    certificate: rows.some(({ over }) => over !== undefined && hasTls(over))
      ? await serverCertificate()
      : null,
    signal: interrupt.signal,
    isLeftOut,
  })) {
    results.push(result);
    file?.add(result);
    emit({ type: "run", ...result });
    printError(`mqttd: ${results.length + known} of ${planned}: ${progressText(result)}\n`);
  }
  const all = file?.results ?? results;
  const summary = summarize(rows, names, all);
  for (const row of summary) emit({ type: "row", ...row });
  if (summary.length > 0) say(textReport(summary, textColumns(screen(json ? "stderr" : "stdout"))));
  if (interrupt.exitCode !== null) {
    printError(`mqttd: called off after ${results.length + known} of ${planned} runs\n`);
    return interrupt.exitCode;
  }
  if (late > 0) {
    printError(`mqttd: the time is over: ${late} of ${planned} runs were not played\n`);
    return 5;
  }
  return results.some(({ errors }) => errors.length > 0) ? 1 : 0;
}

/** Which rows are not played with which broker, and why. */
function leftOut(rows: readonly Row[], brokers: readonly BrokerSource[]): string[] {
  const transports = [...new Set(rows.flatMap(({ over }) => over ?? []))];
  return brokers.flatMap((broker) => {
    const missing = transports.filter((transport) => !isReachedOver(broker, transport));
    if (missing.length === 0) return [];
    const why =
      broker.kind === "running" ? targetText(broker.target) : "its command has no {transport}";
    return [`${broker.name} plays no rows over ${missing.join(", ")} (${why})`];
  });
}

async function serverCertificate(): Promise<ServerCertificate> {
  const { CertificateAuthority } = await loadX509();
  const now = new Date();
  const { ca, files } = await CertificateAuthority.create("mqttd bench", now);
  const { cert, key } = await ca.server([{ type: "dns", value: "localhost" }], 1, now);
  return { ca: files.cert, cert, key };
}

/** Of a usual run: to start its processes, to connect, to warm up and to end. Seconds. */
const besideSeconds = 4;

function progressText({ row, broker, load, errors }: RunResult): string {
  const [figure] = load?.figures ?? [];
  const what = `${row}, ${broker}`;
  if (errors[0] !== undefined) return `${what}: INVALID: ${errors[0]}`;
  return figure === undefined
    ? what
    : `${what}: ${figure.name} ${quantity(figure.value, figure.unit)}`;
}

/** A running broker is asked once whether it lets a client in. Throws CliError. */
async function sourceOf(broker: BrokerRequest): Promise<BrokerSource> {
  if (broker.kind === "embedded") {
    const self = selfCommand().map(shellQuoted).join(" ");
    // An empty configuration: that of the user's folder is not what others can repeat.
    // {folder} is quoted: a folder for temporary files may have spaces in its name.
    const tls =
      "--set listeners.0.tls.cert='{folder}/server.crt' --set listeners.0.tls.key='{folder}/server.key'";
    const line = [
      "echo {} > '{folder}/mqttd.json'",
      "case {transport} in tcp) set -- ;; ws) set -- --set listeners.0.transport=ws ;;",
      `*) set -- --set listeners.0.transport={transport} ${tls} ;; esac`,
      `exec ${self} serve --port {port} --quiet --config '{folder}/mqttd.json' "$@"`,
    ].join("\n");
    return { kind: "command", name: broker.name, line, shown: "mqttd serve --port {port} --quiet" };
  }
  if (broker.kind === "command") return broker;
  const { target } = broker;
  const hosts = isLocalhost(target.host) ? ["127.0.0.1", "::1"] : [target.host];
  for (const [index, host] of hosts.entries()) {
    const place = byAddress(target, host);
    try {
      const client = await Client.open(place, 4);
      await client.connect({
        clientId: `bench-${process.pid}`,
        keepalive: 60,
        clean: true,
        ...login(target),
      });
      client.leave();
      return { ...broker, target: place };
    } catch (error) {
      const isRefused = error instanceof DialError && error.code === "ECONNREFUSED";
      if (isRefused && index < hosts.length - 1) continue;
      const hint = "start one there, or measure mqttd's own: mqttd bench --embedded";
      throw connectError(error, target, hint) ?? error;
    }
  }
  throw new Error("no host was tried");
}

function login({ username, password }: Target): { username?: string; password?: Buffer } {
  return {
    ...(username !== null && { username }),
    ...(password !== null && { password: Buffer.from(password) }),
  };
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
