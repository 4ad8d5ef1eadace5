import { afterAll, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { generate } from "mqtt-packet";
import type { Target } from "../../src/client/target.ts";
import type { RunOptions } from "../../src/drop/run.ts";
import { networkScenarios } from "../../src/drop/scenarios/network.ts";
import type { Scenario } from "../../src/drop/scenario.ts";
import { shownCharacters } from "../../src/log/foreign.ts";
import { wrongCredentials } from "../../src/server/auth.ts";
import { opensslMissing } from "../support/certificates.ts";
import { EmbeddedBroker, localTarget } from "../support/embedded.ts";
import { Entrances } from "../support/entrances.ts";
import { pour } from "../support/hostile-server.ts";
import { eventually, patienceMs } from "../support/inbox.ts";
import { Mosquitto, mosquittoAbsent } from "../support/mosquitto.ts";
import { named, played, quiet, verdicts } from "../support/played.ts";

/** What a run learns of the broker's version, and that the question spoils no run. */

const boundMs = 180_000;
/** It has its control, and nothing dies. */
const nothing: Scenario = {
  ...{ ...named(networkScenarios, "rst"), id: "nothing" },
  play: async (stage) => Promise.resolve([stage.observation(stage.now, null)]),
};
const sysIntervalMs = 60_000;

interface Learned {
  readonly versions: readonly (string | null)[];
  readonly verdicts: readonly string[];
}

async function learned(target: Target, options: Partial<RunOptions> = {}): Promise<Learned> {
  const versions: (string | null)[] = [];
  const watch = { ...quiet, identified: (_: Target, text: string | null) => versions.push(text) };
  const results = await played([nothing], target, {
    versions: [4],
    versionWaitMs: patienceMs,
    watch,
    ...options,
  });
  return { versions, verdicts: verdicts(results) };
}

const isMissing = opensslMissing !== null;
const entrances = isMissing ? null : new Entrances();
afterAll(() => entrances?.[Symbol.dispose]());

test.concurrent.skipIf(isMissing)(
  `over every address, in each protocol, with the credentials of the run (${opensslMissing ?? "openssl is there"})`,
  async () => {
    if (entrances === null) return;
    const ann = { username: "ann", password: "secret" };
    for (const kind of ["tcp", "tls", "ws", "wss", "unix"] as const) {
      using broker = await EmbeddedBroker.start({
        ...{ entrance: entrances.of(kind), sysIntervalMs, version: "1.2.3" },
        authenticate: ({ username, password }, answer) => {
          const text = new TextDecoder().decode(password ?? undefined);
          const isAnn = username === ann.username && text === ann.password;
          answer(isAnn ? null : wrongCredentials("wrong"));
        },
      });
      for (const version of [3, 4, 5] as const) {
        const { versions } = await learned({ ...broker.target, ...ann }, { versions: [version] });
        expect(versions, `${kind} ${version}`).toEqual(["mqttd version 1.2.3"]);
      }
    }
  },
  boundMs,
);

test.concurrent(
  "at both addresses, once each, and no session or connection stays",
  async () => {
    using broker = await EmbeddedBroker.start({ sysIntervalMs, version: "1.2.3" });
    using other = await EmbeddedBroker.start({ sysIntervalMs, version: "1.2.4" });
    const { versions } = await learned(broker.target, { versions: [4, 5], via: other.target });
    expect(versions).toEqual(["mqttd version 1.2.3", "mqttd version 1.2.4"]);
    const left = (): number[] =>
      [broker, other].flatMap(({ broker: { connections, sessions } }) => [
        connections.size,
        sessions.size,
      ]);
    await eventually(
      () => left().every((size) => size === 0),
      () => `connections and sessions of each: ${left().join()}`,
    );
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoAbsent !== null)(
  `mosquitto${mosquittoAbsent === null ? "" : ` (skipped: ${mosquittoAbsent})`}`,
  async () => {
    await using mosquitto = await Mosquitto.start();
    const { versions } = await learned(mosquitto.target);
    expect(versions).toEqual([expect.stringMatching(/^mosquitto version \d/)]);
  },
  boundMs,
);

/** Passes everything on to a broker, but what mentions the topic: that gets the answer. */
async function answering(port: number, answer: (socket: Socket) => void) {
  const server = createServer((socket) => {
    const broker = connect(port, "127.0.0.1");
    for (const one of [socket, broker]) one.on("error", () => {});
    broker.on("data", (bytes) => socket.write(bytes));
    broker.on("close", () => socket.destroy());
    socket.on("close", () => broker.destroy());
    socket.on("data", (bytes) => {
      if (bytes.includes("$SYS/broker/version")) answer(socket);
      else broker.write(bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    target: localTarget(typeof address === "object" && address !== null ? address.port : 0),
    [Symbol.dispose]: () => void server.close(),
  };
}

const suback = (code: number) => generate({ cmd: "suback", messageId: 1, granted: [code] });
const said = (payload: string) =>
  generate({
    ...{ cmd: "publish", topic: "$SYS/broker/version", payload },
    ...{ qos: 0, retain: true, dup: false },
  });

const answers: Readonly<Record<string, readonly [(socket: Socket) => void, string | null]>> = {
  nothing: [() => {}, null],
  "a SUBACK alone": [(socket) => socket.write(suback(0)), null],
  "a SUBACK that denies it": [(socket) => socket.write(suback(0x80)), null],
  "an end": [(socket) => socket.destroy(), null],
  "no MQTT": [(socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"), null],
  "bytes without end": [(socket) => pour(socket, Buffer.alloc(65_536, 0xff)), null],
  "an empty text": [(socket) => socket.write(Buffer.concat([suback(0), said(" \n")])), null],
  "a long text": [
    (socket) => socket.write(Buffer.concat([suback(0), said("x".repeat(10_000))])),
    "x".repeat(shownCharacters),
  ],
  "messages without end": [
    (socket) => {
      socket.write(suback(0));
      pour(socket, said("flood 1.0"));
    },
    "flood 1.0",
  ],
};

for (const [name, [answer, version]] of Object.entries(answers)) {
  test.concurrent(
    `the answer is ${name}: the run goes on`,
    async () => {
      using broker = await EmbeddedBroker.start();
      using between = await answering(broker.port, answer);
      // Where an answer is expected, a machine that stands still has to wait for it.
      const versionWaitMs = version === null ? 50 : patienceMs;
      expect(await learned(between.target, { versionWaitMs })).toEqual({
        versions: [version],
        verdicts: ["nothing v4: pass"],
      });
    },
    boundMs,
  );
}

test.concurrent(
  "a run that is called off meanwhile ends at once",
  async () => {
    using broker = await EmbeddedBroker.start();
    const off = new AbortController();
    using between = await answering(broker.port, () => off.abort());
    const { signal } = off;
    const { versions } = await learned(between.target, { signal, versionWaitMs: 10 * boundMs });
    expect(versions).toEqual([null]);
  },
  boundMs,
);
