import { afterAll, expect, test } from "bun:test";
import { targetText } from "../../src/client/target.ts";
import { readConfigFile } from "../../src/config/file.ts";
import { mqttd } from "../cli/surroundings.ts";
import { opensslMissing } from "../support/certificates.ts";
import { Entrances } from "../support/entrances.ts";
import { EmbeddedBroker } from "../support/embedded.ts";
import { Folder } from "../support/executable.ts";
import { type Hostility, HostileServer } from "../support/hostile-server.ts";

/** What `simulate-drop` says where no connection comes about: one line, with the fix. */

const isMissing = opensslMissing !== null;
const why = isMissing ? ` (skipped: ${opensslMissing})` : "";
const entrances = isMissing ? null : new Entrances();
const strangers = isMissing ? null : new Entrances();
afterAll(() => {
  for (const made of [entrances, strangers]) made?.[Symbol.dispose]();
});
const loadDrop = () => import("../../src/cli/drop-run.ts");

/** Code and line, without ports. */
async function said(...args: string[]): Promise<string> {
  const all = ["simulate-drop", "fin", "-V", "5", ...args];
  const { code, stdout, stderr } = await mqttd(all, { loadDrop, readFile: readConfigFile });
  const verdict = /^\d+ passed.*?(?= in )/m.exec(stdout)?.[0];
  return `${code} ${verdict ?? stderr.trimEnd().replace(/:\d{4,5}\b/g, ":PORT")}`;
}

async function saidTo(hostility: Hostility, scheme: string): Promise<string> {
  await using server = await HostileServer.start(hostility);
  return await said("-L", `${scheme}://127.0.0.1:${server.port}`);
}

test.skipIf(isMissing)(
  `certificates${why}`,
  async () => {
    if (entrances === null || strangers === null) return;
    using broker = await EmbeddedBroker.start({ entrance: entrances.of("tls") });
    using webSocket = await EmbeddedBroker.start({ entrance: entrances.of("wss") });
    const { caFile } = entrances;
    const url = targetText(broker.target);
    const lines = [
      await said("-L", url, "--cafile", caFile),
      await said("-h", "127.0.0.1", "-p", String(broker.port), "--cafile", caFile),
      await said("-L", targetText(webSocket.target), "--cafile", caFile),
      await said("-L", url),
      await said("-L", url, "--insecure"),
      await said("-L", url, "--cafile", strangers.caFile),
      await said("-L", url, "--cafile", caFile, "--tls-server-name", "lab.example"),
      await said("-L", url, "--cafile", caFile, "--tls-server-name", "lab.example", "--insecure"),
      await said("-L", url.replace("mqtts", "mqtt")),
      await said("-L", url.replace("mqtts", "ws")),
      await said("-L", targetText(webSocket.target).replace("wss", "mqtts"), "--cafile", caFile),
    ];
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "0 1 passed, 0 failed
      0 1 passed, 0 failed
      0 1 passed, 0 failed
      3 mqttd: mqtts://127.0.0.1:PORT: the certificate's issuer "Test CA" is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE) (trust its CA with --cafile FILE; for a test without: --insecure)
      0 1 passed, 0 failed
      3 mqttd: mqtts://127.0.0.1:PORT: the certificate's issuer "Test CA" is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE) (it is another CA than that of --cafile)
      3 mqttd: mqtts://127.0.0.1:PORT: the certificate is for localhost, 127.0.0.1, not lab.example (name the broker as the certificate does, or --tls-server-name NAME, or --insecure)
      0 1 passed, 0 failed
      4 mqttd: mqtt://127.0.0.1:PORT does not speak MQTT as a broker does: it answered with a TLS alert (is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://)
      3 mqttd: ws://127.0.0.1:PORT/mqtt: the connection was closed before an answer to the HTTP upgrade (is it a WebSocket listener? else mqtt://127.0.0.1:PORT or wss://127.0.0.1:PORT/mqtt)
      3 mqttd: mqtts://127.0.0.1:PORT: the broker closed the connection before its CONNACK (is it an MQTT listener? one for WebSockets: wss://)"
    `);
  },
  180_000,
);

test("another protocol than that of the URL", async () => {
  using broker = await EmbeddedBroker.start();
  const plain = String(broker.port);
  const status =
    (code: string): Hostility =>
    (socket) =>
      void socket.end(`HTTP/1.1 ${code}\r\n\r\n`);
  const lines = [
    await said("-L", `mqtts://127.0.0.1:${plain}`),
    await said("-L", `wss://127.0.0.1:${plain}`),
    await said("-L", `ws://127.0.0.1:${plain}/mqtt`),
    await saidTo(status("404 Not Found"), "ws"),
    await saidTo(status("400 Bad Request"), "ws"),
    await saidTo(status("403 Forbidden"), "ws"),
    await saidTo(status("502 Bad Gateway"), "ws"),
    await saidTo(status("400 Bad Request"), "mqtt"),
    await saidTo((socket) => void socket.write("220 mail ready\r\n"), "mqtts"),
  ];
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "3 mqttd: mqtts://127.0.0.1:PORT: the connection was closed during the TLS handshake (is it a port without TLS? mqtt://127.0.0.1:PORT)
    3 mqttd: wss://127.0.0.1:PORT/mqtt: the connection was closed during the TLS handshake (is it a port without TLS? ws://127.0.0.1:PORT/mqtt)
    3 mqttd: ws://127.0.0.1:PORT/mqtt: the connection was closed before an answer to the HTTP upgrade (is it a WebSocket listener? else mqtt://127.0.0.1:PORT or wss://127.0.0.1:PORT/mqtt)
    4 mqttd: ws://127.0.0.1:PORT/mqtt: it answered HTTP status 404 (another path? ws://127.0.0.1:PORT/PATH)
    4 mqttd: ws://127.0.0.1:PORT/mqtt: it answered HTTP status 400 (does it know the subprotocol mqtt, and this path?)
    4 mqttd: ws://127.0.0.1:PORT/mqtt: it answered HTTP status 403 (the server, or a proxy before it, does not let this client in)
    4 mqttd: ws://127.0.0.1:PORT/mqtt: it answered HTTP status 502 (a proxy answers, and the broker behind it does not)
    4 mqttd: mqtt://127.0.0.1:PORT does not speak MQTT as a broker does: it answered with HTTP (is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://)
    3 mqttd: mqtts://127.0.0.1:PORT: what answers does not speak TLS (is it a port without TLS? mqtt://127.0.0.1:PORT)"
  `);
}, 180_000);

test("unix sockets", async () => {
  using folder = new Folder({ plain: "" });
  const lines = [
    await said("--unix", folder.file("none.sock")),
    await said("-L", `mqtt+unix://${folder.file("plain")}`),
  ];
  expect(lines.join("\n").replaceAll(folder.path, "FOLDER")).toMatchInlineSnapshot(`
    "3 mqttd: there is no socket mqtt+unix://FOLDER/none.sock
    3 mqttd: nothing listens on mqtt+unix://FOLDER/plain (start one there, or try mqttd's own: mqttd simulate-drop --embedded)"
  `);
});
