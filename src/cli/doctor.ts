import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import pc from "picocolors";
import { runningBrokers } from "../api/registry.ts";
import { defaultPorts } from "../config/listener-schema.ts";
import { cgroupLimit } from "../config/machine-memory.ts";
import { folded, proseMax } from "../log/columns.ts";
import { escapeUnprintable, jsonLine } from "../log/foreign.ts";
import { portHolder, portIsOpen } from "../transport/port-holder.ts";
import { systemClock } from "../server/platform.ts";
import type { Arguments } from "./arguments.ts";
import { colorFrom, usesColor } from "./color.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { brokerFindings, brokerProcesses } from "./doctor-brokers.ts";
import { clockFindings, readClocks } from "./doctor-clock.ts";
import { checkConfiguration } from "./doctor-configuration.ts";
import { type Examined, type Finding, ok, type Status } from "./doctor-finding.ts";
import { availableIn, descriptorFinding, memoryFindings } from "./doctor-machine.ts";
import {
  addressFindings,
  barrierFindings,
  barriersHere,
  exposureFindings,
} from "./doctor-network.ts";
import { adminPort, portFinding, type PortState, wantedPorts } from "./doctor-ports.ts";
import { brokerOn } from "./doctor-answers.ts";
import { commandPage, exitCodes, textColumns } from "./help.ts";
import { versionLine } from "./version.ts";

/** `mqttd doctor`: what on this machine would keep a broker or its clients from working. */
export function doctorCommand(): CliCommand {
  const command = declareDoctor();
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "Looks at what keeps a broker or its clients from working on this machine: ports and who holds " +
        "them, other brokers, addresses, limits on descriptors and memory, the clock, the " +
        "configuration with which serve would start here, its certificates, and what a board on the " +
        "LAN needs. It changes nothing and takes two seconds at most. Each line is ok, warn or bad " +
        "with what to do, or ? where this system does not let it look.",
      sections: [
        exitCodes(["0", "1", "2", "70", "130, 143"], {
          "0": "nothing is bad",
          "1": "something is bad",
          "2": "usage",
        }),
      ],
    }),
    run: runDoctor,
  };
}

function declareDoctor(): Command {
  return declare("doctor", "what on this machine keeps a broker or its clients from working")
    .usage("doctor [FLAGS]")
    .option("-c, --config <FILE>", "the configuration to check, as for serve")
    .option("--json", "NDJSON: an object a line of the report, and a summary")
    .option(
      "--color <WHEN>",
      "auto, always or never (default auto: on a terminal, unless NO_COLOR is set)",
    )
    .option("-h, --help", "show this help")
    .example("mqttd doctor")
    .example("mqttd doctor --json");
}

async function runDoctor(given: Arguments, surroundings: Surroundings): Promise<number> {
  const { env, print } = surroundings;
  const screen = surroundings.screen("stdout");
  const color = usesColor(colorFrom(given), env, screen !== null);
  const examined = await examine(given.text("config"), surroundings);
  print(given.has("json") ? json(examined) : report(examined, textColumns(screen), color));
  return count(examined, "bad") > 0 ? 1 : 0;
}

async function examine(
  configFile: string | null,
  { env, readFile, version }: Surroundings,
): Promise<Examined[]> {
  const begin = readClocks();
  const interval = new Promise((resolve) => setTimeout(resolve, clockMs));
  const running = runningBrokers(env);
  const { findings, certificates, loaded } = await checkConfiguration(
    configFile,
    env,
    // Nobody waits for a pipe.
    (file) => readFile(file, 0),
  );
  const { settings } = loaded;
  const wanted = wantedPorts(settings);
  const states = await Promise.all(wanted.map(async ({ port }) => stateOf(port)));
  const taken = new Set(wanted.map(({ port }) => port));
  const free = freeBeside(taken);
  const ports = wanted.map((one, index) =>
    portFinding(one, states[index] ?? unseen, running, free),
  );
  const answering = wanted.flatMap(({ port }, index) => {
    const { broker, holder } = states[index] ?? unseen;
    return broker === null ? [] : [{ port, broker, pid: holder?.pid ?? null }];
  });
  const wide = settings.listeners.map(({ port }) => port).filter((port) => port !== 0);
  const system = (await systemClock())?.read() ?? null;
  await interval;
  return [
    { subject: "Program", findings: [ok(versionLine(version).trim())] },
    { subject: "Ports", findings: ports },
    { subject: "Brokers", findings: brokerFindings(running, brokerProcesses(), answering) },
    { subject: "Addresses", findings: addressFindings() },
    {
      subject: "Limits",
      findings: [
        descriptorFinding(
          textOf("/proc/self/limits"),
          settings,
          loaded.origins.get("limits.connections")?.source === "default",
        ),
        ...memoryFindings(
          {
            total: totalmem(),
            available: availableIn(textOf("/proc/meminfo")),
            cgroup: cgroupLimit(textOf),
          },
          settings.limits.memory,
        ),
      ],
    },
    { subject: "Configuration", findings: [...findings, ...certificates] },
    {
      subject: "LAN",
      findings: [...exposureFindings(settings), ...barrierFindings(barriersHere(), wide)],
    },
    { subject: "Clock", findings: clockFindings(begin, readClocks(), system) },
  ];
}

/** The port after the usual one that nothing needs. */
function freeBeside(taken: ReadonlySet<number>): number {
  let port = defaultPorts.tcp + 1;
  while (taken.has(port) || portHolder("0.0.0.0", port) !== null) port += 1;
  return port;
}

/** Between two readings of the clocks. */
const clockMs = 250;

const unseen: PortState = { isOpen: null, holder: null, broker: null };

async function stateOf(port: number): Promise<PortState> {
  const isOpen = await portIsOpen(port);
  if (isOpen !== true) return { isOpen, holder: null, broker: null };
  const holder = portHolder("0.0.0.0", port);
  // The administration speaks HTTP.
  return { isOpen, holder, broker: port === adminPort ? null : await brokerOn(port) };
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Another system.
    return null;
  }
}

function count(examined: readonly Examined[], status: Status): number {
  return examined.flatMap(({ findings }) => findings).filter((one) => one.status === status).length;
}

function summary(examined: readonly Examined[]) {
  return {
    ok: count(examined, "ok"),
    warn: count(examined, "warn"),
    bad: count(examined, "bad"),
    unknown: count(examined, "unknown"),
  };
}

function json(examined: readonly Examined[]): string {
  const lines = examined.flatMap(({ subject, findings }) =>
    findings.map((finding) => ({ subject: subject.toLowerCase(), ...finding })),
  );
  return [...lines, { summary: summary(examined) }].map((line) => `${jsonLine(line)}\n`).join("");
}

const marks: Readonly<Record<Status, string>> = {
  ok: "ok",
  warn: "warn",
  bad: "bad",
  unknown: "?",
};
const markWidth = 6;

function report(examined: readonly Examined[], terminalColumns: number, color: boolean): string {
  const columns = Math.min(proseMax, terminalColumns);
  const colors = pc.createColors(color);
  const paint: Readonly<Record<Status, (text: string) => string>> = {
    ok: colors.green,
    warn: colors.yellow,
    bad: colors.red,
    unknown: colors.dim,
  };
  const linesOf = ({ status, text, remedy }: Finding): string[] => {
    const said = folded(escapeUnprintable(text), columns - markWidth);
    const todo = remedy === null ? [] : folded(`do: ${remedy}`, columns - markWidth, { indent: 4 });
    return [...said, ...todo].map((line, index) =>
      index === 0
        ? paint[status](marks[status].padEnd(markWidth)) + line
        : " ".repeat(markWidth) + line,
    );
  };
  const { ok, warn, bad, unknown } = summary(examined);
  const unseenText = unknown === 0 ? "" : `, ${unknown} could not be looked at`;
  const lines = examined.flatMap(({ findings }) => findings.flatMap(linesOf));
  return [...lines, "", `${ok} ok, ${warn} warn, ${bad} bad${unseenText}`, ""].join("\n");
}
