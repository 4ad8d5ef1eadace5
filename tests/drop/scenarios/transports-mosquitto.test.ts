import { afterAll, expect, test } from "bun:test";
import { networkScenarios } from "../../../src/drop/scenarios/network.ts";
import { tlsScenarios, webSocketScenarios } from "../../../src/drop/scenarios/transports.ts";
import { Client } from "../../../src/client/client.ts";
import { DialError } from "../../../src/client/dial-error.ts";
import { plainTls, type Target, targetText } from "../../../src/client/target.ts";
import { Authority, opensslMissing } from "../../support/certificates.ts";
import { all, eventually } from "../../support/inbox.ts";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.ts";
import { named, played, verdicts } from "../../support/played.ts";
import { reservedPort } from "../../support/reserved-port.ts";

/** mosquitto's own TLS and WebSocket listeners. */

const missing = mosquittoMissing ?? opensslMissing;
const why = missing === null ? "" : ` (skipped: ${missing})`;
const authority = missing === null ? new Authority() : null;
afterAll(() => authority?.[Symbol.dispose]());
const boundMs = 180_000;

/** What mosquitto has for each: its listener, and the client's address. */
async function doorsOf(ca: Authority): Promise<{ lines: string[]; targets: Target[] }> {
  const server = ca.issue("localhost", ["DNS:localhost"]);
  const client = ca.issue("dev-42", ["DNS:dev-42"]);
  const secrets = [
    `cafile ${ca.root.certFile}`,
    `certfile ${server.certFile}`,
    `keyfile ${server.keyFile}`,
  ];
  const trusting = { ...plainTls, ca: ca.root.cert };
  const known = { ...trusting, cert: client.cert, key: client.key };
  const [tls, mutual, ws, wss] = [reservedPort(), reservedPort(), reservedPort(), reservedPort()];
  const lines = [
    ...[`listener ${tls} 127.0.0.1`, ...secrets],
    ...[`listener ${mutual} 127.0.0.1`, ...secrets, "require_certificate true"],
    ...[`listener ${ws} 127.0.0.1`, "protocol websockets"],
    ...[`listener ${wss} 127.0.0.1`, "protocol websockets", ...secrets],
  ];
  const base = { host: "localhost", username: null, password: null };
  const targets: Target[] = [
    { ...base, transport: "tls", port: tls, path: "", tls: trusting },
    { ...base, transport: "tls", port: mutual, path: "", tls: known },
    { ...base, transport: "ws", port: ws, path: "/mqtt", tls: null },
    { ...base, transport: "wss", port: wss, path: "/mqtt", tls: trusting },
  ];
  return { lines, targets };
}

async function listens(target: Target): Promise<boolean> {
  try {
    (await Client.open(target, 5)).reset();
    return true;
  } catch (error) {
    if (error instanceof DialError && error.code === "ECONNREFUSED") return false;
    throw error;
  }
}

test.skipIf(missing !== null)(
  `mosquitto 2.0.11 publishes the wills of all who end, over TLS, mutual TLS, ws and wss${why}`,
  async () => {
    if (authority === null) return;
    const { lines, targets } = await doorsOf(authority);
    await using mosquitto = await Mosquitto.start(lines);
    expect(mosquitto.port).toBeGreaterThan(0);
    // It opens them one after the other.
    for (const target of targets)
      await eventually(
        async () => listens(target),
        () => targetText(target),
      );
    const sudden = [
      ...networkScenarios,
      ...["ws-close", "ws-cut"].map((id) => named(webSocketScenarios, id)),
      named(tlsScenarios, "tls-cut"),
    ];
    const results = await all(
      targets.map(async (target) => played(sudden, target, { versions: [5] })),
    );
    expect(results.map((some) => verdicts(some).join(", "))).toEqual([
      "rst v5: pass, fin v5: pass, ws-close v5: skipped, ws-cut v5: skipped, tls-cut v5: pass",
      "rst v5: pass, fin v5: pass, ws-close v5: skipped, ws-cut v5: skipped, tls-cut v5: pass",
      "rst v5: pass, fin v5: pass, ws-close v5: pass, ws-cut v5: pass, tls-cut v5: skipped",
      "rst v5: pass, fin v5: pass, ws-close v5: pass, ws-cut v5: pass, tls-cut v5: pass",
    ]);
  },
  boundMs,
);
