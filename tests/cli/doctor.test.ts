import { expect, test } from "bun:test";
import type { RunningBroker } from "../../src/api/api.ts";
import { brokerFindings, brokerName } from "../../src/cli/doctor-brokers.ts";
import { clockFindings } from "../../src/cli/doctor-clock.ts";
import { availableIn, descriptorFinding, memoryFindings } from "../../src/cli/doctor-machine.ts";
import {
  addressFindings,
  barrierFindings,
  exposureFindings,
} from "../../src/cli/doctor-network.ts";
import { portFinding, wantedPorts } from "../../src/cli/doctor-ports.ts";
import { load } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/settings.ts";

function settings(flags: Readonly<Record<string, string>> = {}): Settings {
  const loaded = load({
    configFile: null,
    flags: Object.entries(flags).map(([path, value]) => ({ path, value, name: path })),
    env: {},
    readFile: () => ({ type: "missing" }),
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  return loaded.settings;
}

const held = { isOpen: true, holder: { pid: 7, name: "mosquitto" }, broker: "mosquitto 2.0" };

test("a port of the configuration that another program holds is bad, any other is not", () => {
  const wanted = wantedPorts(settings({ "listeners.0.port": "1900" }));
  expect(wanted.map(({ port, isConfigured }) => [port, isConfigured])).toEqual([
    [1883, false],
    [1888, true],
    [1900, true],
    [8883, false],
    [9001, false],
  ]);
  const [usual, administration, own] = wanted;
  if (usual === undefined || administration === undefined || own === undefined) throw new Error();
  expect(portFinding(own, held, [], 1884)).toEqual({
    status: "bad",
    text: "port 1900 (tcp) is in use by mosquitto (pid 7), which speaks MQTT: mosquitto 2.0",
    remedy: "stop it (kill 7), or use another port: mqttd serve --port 1884",
  });
  expect(portFinding(usual, held, [], 1884)).toMatchObject({ status: "ok", remedy: null });
  expect(portFinding(administration, held, [], 1884)).toMatchObject({ status: "ok" });
  const unseen = { isOpen: true, holder: null, broker: null };
  expect(portFinding(own, unseen, [], 1884).text).toContain("a process that this user cannot see");
  const unknown = { isOpen: null, holder: null, broker: null };
  expect(portFinding(own, unknown, [], 1884)).toMatchObject({ status: "unknown" });
});

const running: RunningBroker = {
  pid: 7,
  processStart: null,
  startedAt: 0,
  version: "0.1.0",
  api: 1,
  url: "http://127.0.0.1:1888",
  listeners: ["mqtt://127.0.0.1:1883"],
  tokenFile: null,
  certificate: null,
};

test("a port of a running mqttd is ok", () => {
  const wanted = { port: 1883, what: "tcp", isConfigured: true };
  expect(portFinding(wanted, held, [running], 1884)).toMatchObject({
    status: "ok",
    text: "port 1883 (tcp) is open: mqttd 0.1.0 (pid 7)",
  });
});

test("brokers are known by their command, or by the program that their runtime plays", () => {
  const line = (text: string) => () => text.replaceAll(" ", "\0");
  expect(brokerName("mosquitto", line("mosquitto -v"))).toBe("mosquitto");
  expect(brokerName("java", line("java -jar /opt/hivemq/bin/hivemq.jar"))).toBe("hivemq");
  expect(brokerName("beam.smp", line("/usr/lib/erlang/beam.smp -sname emqx@host"))).toBe("emqx");
  expect(brokerName("node", line("node server.js"))).toBe(null);
  expect(brokerName("vim", line("vim emqx.conf"))).toBe(null);
  // The executable, the npm package, its source; and not its other commands.
  expect(brokerName("mqttd", line("/usr/bin/mqttd serve --port 1884"))).toBe("mqttd");
  expect(brokerName("mqttd", line("./mqttd --color never serve"))).toBe("mqttd");
  const packed = "node /home/ann/node_modules/mqttd/dist/launch.js serve";
  expect(brokerName("node", line(packed))).toBe("mqttd");
  expect(brokerName("deno", line("deno run -A npm/mqttd/dist/cli.js serve"))).toBe("mqttd");
  expect(brokerName("bun", line("bun /src/mqttd/src/main.ts serve"))).toBe("mqttd");
  for (const other of ["doctor", "sub -t serve/x", "help"]) {
    expect(brokerName("mqttd", line(`mqttd ${other}`))).toBe(null);
  }
  expect(brokerFindings([], [])).toMatchObject([{ text: "no broker runs on this machine" }]);
  expect(brokerFindings([], null)).toMatchObject([{ status: "unknown" }]);
  expect(brokerFindings([running], [{ pid: 8, name: "mosquitto" }])).toHaveLength(2);
});

test("a broker that only a port tells of is named: never is there none and one", () => {
  const texts = (...given: Parameters<typeof brokerFindings>): string[] =>
    brokerFindings(...given).map(({ text }) => text);
  const heard = { port: 1883, broker: "mosquitto version 2.0.11", pid: 9 };
  expect(texts([], [], [heard])).toEqual(["mosquitto version 2.0.11 answers on port 1883 (pid 9)"]);
  expect(texts([], [], [{ ...heard, pid: null }])).toEqual([
    "mosquitto version 2.0.11 answers on port 1883",
  ]);
  // A process that is named already, by its name or as registered.
  expect(texts([], [{ pid: 9, name: "mosquitto" }], [heard])).toEqual([
    "mosquitto runs here (pid 9)",
  ]);
  expect(texts([running], [{ pid: 7, name: "mqttd" }], [{ ...heard, pid: 7 }])).toHaveLength(1);
  expect(texts([running], [], [{ ...heard, pid: null }])).toHaveLength(1);
  // Several ports of one process.
  expect(texts([], [], [heard, { ...heard, port: 1884 }])).toHaveLength(1);
});

function limitsText(soft: number | string, hard: number | string): string {
  return `Limit Soft Hard\nMax open files            ${soft}                ${hard}     files\n`;
}

test("descriptors: how many clients they leave room for", () => {
  expect(descriptorFinding(limitsText(1_048_576, 1_048_576), settings(), true)).toMatchObject({
    status: "ok",
  });
  // A default that nobody has chosen needs no warning, as long as there is room for a lab.
  expect(descriptorFinding(limitsText(20_000, 20_000), settings(), true)).toMatchObject({
    status: "ok",
    text: expect.stringMatching(/room for \d+ clients$/),
  });
  const asked = settings({ "limits.connections": "50000" });
  expect(descriptorFinding(limitsText(20_000, 100_000), asked, false)).toMatchObject({
    status: "warn",
    remedy: "ulimit -n 100000, or lower limits.connections",
  });
  expect(descriptorFinding(limitsText(256, 256), settings(), true)).toMatchObject({
    status: "warn",
    remedy: expect.stringContaining("raise the hard limit"),
  });
  expect(descriptorFinding(null, settings(), true)).toMatchObject({ status: "unknown" });
});

test("memory: what clients may take against what there is", () => {
  const gibibyte = 1024 ** 3;
  const machine = { total: 8 * gibibyte, available: 4 * gibibyte, cgroup: Infinity };
  expect(memoryFindings(machine, 2 * gibibyte)).toMatchObject([{ status: "ok" }]);
  expect(memoryFindings(machine, 16 * gibibyte)).toMatchObject([{ status: "warn" }]);
  const inContainer = { ...machine, cgroup: gibibyte };
  expect(memoryFindings(inContainer, 2 * gibibyte)).toMatchObject([
    { status: "warn", text: expect.stringContaining("1.0 GiB for this cgroup") },
  ]);
  const busy = { ...machine, available: gibibyte };
  expect(memoryFindings(busy, 2 * gibibyte)).toMatchObject([
    { status: "warn", remedy: expect.stringContaining("close other programs") },
  ]);
  expect(availableIn("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")).toBe(2 * 1024 * 1024);
  expect(availableIn(null)).toBe(null);
});

test("clock: a step, a time in the past, no synchronisation, sleep", () => {
  const first = { monotonic: 0, wall: Date.UTC(2026, 10, 30) };
  const after = (wall: number) => ({ monotonic: 250, wall: first.wall + wall });
  const good = { isSynchronised: true, asleepMs: 0 };
  const statuses = (...given: Parameters<typeof clockFindings>) =>
    clockFindings(...given).map(({ status }) => status);
  expect(statuses(first, after(250), good)).toEqual(["ok", "ok", "ok", "ok"]);
  expect(statuses(first, after(3_600_250), good)).toEqual(["ok", "warn", "ok", "ok"]);
  expect(statuses(first, after(250), { ...good, isSynchronised: false })).toEqual([
    "ok",
    "ok",
    "warn",
    "ok",
  ]);
  const asleep = clockFindings(first, after(250), { ...good, asleepMs: 3_600_000 });
  expect(asleep.at(-1)?.text).toContain("has slept 1 h since it started");
  const old = { monotonic: 0, wall: 0 };
  expect(statuses(old, { monotonic: 250, wall: 250 }, null)).toEqual(["bad", "ok", "unknown"]);
});

test("LAN: what a board can reach", () => {
  expect(exposureFindings(settings())).toMatchObject([
    { status: "ok", text: expect.stringContaining("this machine only") },
  ]);
  expect(exposureFindings(settings({ "listeners.0.host": "0.0.0.0" }))).toMatchObject([
    { status: "warn", text: expect.stringContaining("without a password") },
  ]);
  const loopback = { address: "127.0.0.1", internal: true, family: "IPv4" } as const;
  const rest = { netmask: "", mac: "", cidr: null };
  expect(addressFindings({ lo: [{ ...loopback, ...rest }] })).toMatchObject([
    { status: "warn", text: expect.stringContaining("none but loopback") },
    { status: "warn", text: expect.stringContaining("no ::1") },
  ]);
  const clear = { platform: "linux", isContainer: false, isWsl: false, firewall: null } as const;
  expect(barrierFindings(clear, [1883])).toMatchObject([{ status: "ok" }]);
  expect(barrierFindings({ ...clear, platform: "darwin" }, [1883])).toMatchObject([
    { status: "unknown" },
  ]);
  const all = { ...clear, isContainer: true, isWsl: true, firewall: "ufw" } as const;
  expect(barrierFindings(all, [1883, 8883]).map(({ remedy }) => remedy)).toEqual([
    expect.stringContaining("docker run -p 1883:1883"),
    expect.stringContaining("mirrored"),
    "sudo ufw allow 1883/tcp; sudo ufw allow 8883/tcp",
  ]);
});
