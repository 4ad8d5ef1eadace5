import { afterAll, describe, expect, test } from "bun:test";
import { plainTls } from "../../src/client/target.ts";
import { Client, type LoadTarget } from "../../src/load/client.ts";
import { type Load, LoadContext, type LoadReport } from "../../src/load/load.ts";
import { churn } from "../../src/load/loads/churn.ts";
import { idleConnections } from "../../src/load/loads/idle.ts";
import { throughput } from "../../src/load/loads/throughput.ts";
import { willsAtOnce } from "../../src/load/loads/wills.ts";
import { opensslMissing } from "../support/certificates.ts";
import { EmbeddedBroker } from "../support/embedded.ts";
import { Entrances } from "../support/entrances.ts";

const entrances = opensslMissing === null ? new Entrances() : null;
afterAll(() => entrances?.[Symbol.dispose]());
const why = entrances === null ? ` (skipped: ${opensslMissing})` : "";
type Kind = "unix" | "tls" | "ws" | "wss";

const pairs = { publishers: 3, subscribersEach: 2, window: 20, payloadBytes: 64 };
const large = { ...pairs, payloadBytes: 200_000, window: 5 };
/** On a machine that stands still, a load waits. */
const patience = { stallMs: 20_000, drainMs: 20_000 };

const loads: readonly (readonly [name: string, load: Load])[] = [
  ["QoS 0", throughput({ ...pairs, qos: 0 }, patience)],
  ["QoS 1", throughput({ ...pairs, qos: 1 }, patience)],
  ["packets that span writes", throughput({ ...large, qos: 0 }, patience)],
  ["churn", churn(5)],
  ["idle connections", idleConnections(20)],
  ["wills, RST", willsAtOnce(20, "reset")],
  ["wills, FIN", willsAtOnce(20, "fin")],
];

function targetOf(broker: EmbeddedBroker): LoadTarget {
  return { ...broker.target, version: 4, pid: null, prefix: "b" };
}

async function startedOver(kind: Kind): Promise<EmbeddedBroker> {
  const entrance = entrances?.of(kind);
  if (entrance === undefined) throw new Error("no certificates");
  return EmbeddedBroker.start({ entrance });
}

/** The figures of a run without an error: of a longer one where a slow machine has got nothing done. */
async function measured(kind: Kind, load: Load): Promise<LoadReport["figures"]> {
  for (let seconds = 0.2; ; seconds *= 10) {
    using broker = await startedOver(kind);
    const context = new LoadContext({ target: targetOf(broker), seconds });
    const { errors, notes, figures } = await context.play(load, async () => {});
    expect({ errors, notes }).toEqual({ errors: [], notes: [] });
    if (seconds > 10 || figures.every(({ value }) => value > 0)) return figures;
  }
}

for (const kind of ["unix", "tls", "ws", "wss"] as const) {
  describe.skipIf(entrances === null)(`loads over ${kind}${why}`, () => {
    test.each(loads)(
      "%s",
      async (_, load) => {
        const figures = await measured(kind, load);
        for (const { value } of figures) expect(value).toBeGreaterThan(0);
      },
      180_000,
    );
  });
}

/** Why it could not connect. */
async function failureOf(client: Client): Promise<string | null> {
  return client.dial().then(
    () => null,
    (error: unknown) => String(error instanceof Error ? error.message : error),
  );
}

describe.skipIf(entrances === null)(`a broker that a load does not get into${why}`, () => {
  test.each([
    [
      "tls",
      { tls: { ...plainTls } },
      /^TLS handshake: (?:unable to verify the first|unable to get local issuer) certificate$/,
    ],
    [
      "wss",
      { tls: { ...plainTls, insecure: true }, path: "no path" },
      /^WebSocket: it answered HTTP status 400$/,
    ],
    ["tls", { transport: "ws", tls: null, path: "/" }, /^WebSocket: the connection ended$/],
    ["ws", { transport: "tls", tls: plainTls, path: "" }, /^TLS handshake: /],
  ] as const)("over %s, %p", async (kind, wrong, words) => {
    using broker = await startedOver(kind);
    const client = new Client("b-0", { ...targetOf(broker), ...wrong });
    expect(await failureOf(client)).toMatch(words);
    expect(client.isOpen).toBe(false);
  });

  test("a name that the certificate lacks, unless anything goes", async () => {
    using broker = await startedOver("tls");
    const target = targetOf(broker);
    const tls = { ...plainTls, ...target.tls, serverName: "other.example" };
    expect(await failureOf(new Client("b-0", { ...target, tls }))).toContain("altnames");
    const client = new Client("b-1", { ...target, tls: { ...tls, insecure: true } });
    await client.open({ keepAlive: 60 });
    client.leave();
  });
});
