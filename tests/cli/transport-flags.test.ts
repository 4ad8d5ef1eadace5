import { afterAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DropRequest } from "../../src/cli/drop-request.ts";
import { targetText } from "../../src/client/target.ts";
import { readConfigFile } from "../../src/config/file.ts";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { spawnSync } from "../support/child.ts";
import { mqttd } from "./surroundings.ts";

/** The flags of `simulate-drop` for TLS and unix sockets. */

const isMissing = opensslMissing !== null;
const why = isMissing ? ` (skipped: ${opensslMissing})` : "";
const authority = isMissing ? null : new Authority();
afterAll(() => authority?.[Symbol.dispose]());

async function asked(...args: string[]): Promise<DropRequest> {
  const { dropped, stderr } = await mqttd(["simulate-drop", ...args], { readFile: readConfigFile });
  const [request] = dropped;
  if (request === undefined) throw new Error(stderr);
  return request;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await mqttd(["simulate-drop", ...args], { readFile: readConfigFile });
  expect(code).toBe(2);
  return stderr.replaceAll(authority?.folder ?? "\0", "FOLDER").trimEnd();
}

test("every transport has its URL, and its port by default", async () => {
  const of = async (url: string) => {
    const { transport, host, port, path: at, tls } = (await asked("-L", url)).target;
    return [transport, host, port, at, tls !== null];
  };
  expect(await of("mqtt://h")).toEqual(["tcp", "h", 1883, "", false]);
  expect(await of("mqtts://h")).toEqual(["tls", "h", 8883, "", true]);
  expect(await of("ws://h")).toEqual(["ws", "h", 9001, "/mqtt", false]);
  expect(await of("ws://h:80/a/b?token=x")).toEqual(["ws", "h", 80, "/a/b?token=x", false]);
  expect(await of("wss://[::1]:443/")).toEqual(["wss", "::1", 443, "/mqtt", true]);
  expect(await of("WSS://h")).toEqual(["wss", "h", 9001, "/mqtt", true]);
  expect(await of("mqtt+unix:///run/a%20b.sock")).toEqual(["unix", "", 0, "/run/a b.sock", false]);
  const odd = (await asked("--unix", "/run/50%/a b#1?.sock")).target;
  expect((await asked("-L", targetText(odd))).target).toEqual(odd);
  expect(targetText((await asked("--unix", "a.sock")).target)).toBe(
    `mqtt+unix://${path.resolve("a.sock")}`,
  );
  const unix = (await asked("--unix", "rel.sock", "-u", "ann")).target;
  expect(unix).toMatchObject({ transport: "unix", path: "rel.sock", username: "ann" });
});

test("a file that is no socket is an error of the command line", async () => {
  const file = path.join(import.meta.dir, "transport-flags.test.ts");
  expect(await refused("--unix", file)).toBe(
    `mqttd: --unix: ${file} is no socket (it is the path of a unix listener)`,
  );
});

test("a flag of TLS makes host and port TLS, with 8883 by default, as mosquitto's", async () => {
  const { target } = await asked("-h", "h", "--insecure");
  expect(target).toMatchObject({ transport: "tls", port: 8883, tls: { insecure: true } });
  const other = await asked("-h", "h", "-p", "1884", "--tls-server-name", "lab.example");
  expect(other.target).toMatchObject({ port: 1884, tls: { serverName: "lab.example" } });
  const { via, target: first } = await asked("-L", "mqtt://a", "--via", "wss://b", "--insecure");
  expect([first.tls, via?.tls?.insecure]).toEqual([null, true]);
});

test.skipIf(isMissing)(`certificates and keys are read and checked before${why}`, async () => {
  if (authority === null) return;
  const { folder, root } = authority;
  const client = authority.issue("client", ["DNS:client"]);
  const other = authority.issue("other", ["DNS:other"]);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const encrypted = path.join(folder, "encrypted.key");
  const pass = ["-passout", "pass:open sesame"];
  spawnSync(["openssl", "pkcs8", "-topk8", ...pass, "-in", client.keyFile, "-out", encrypted]);
  const right = file("right.txt", "open sesame\n");
  const wrong = file("wrong.txt", "close sesame\n");
  const text = file("text.pem", "hello\n");
  const cert = ["--cert", client.certFile];

  const { tls } = (await asked("--cafile", root.certFile, ...cert, "--key", client.keyFile)).target;
  expect(tls).toMatchObject({ ca: root.cert, cert: client.cert, key: client.key });
  const opened = await asked(...cert, "--key", encrypted, "--passphrase-file", right);
  expect(opened.target.tls?.key).toBe(client.key);

  const trusted = path.join(folder, "trusted");
  mkdirSync(trusted);
  symlinkSync(root.certFile, path.join(trusted, "9da13359.0"));
  writeFileSync(path.join(trusted, "README"), "no certificate");
  expect((await asked("--capath", trusted)).target.tls?.ca).toBe(root.cert.trim());

  const errors = [
    await refused("--cafile", path.join(folder, "none.crt")),
    await refused("--cafile", folder),
    await refused("--cafile", text),
    await refused("--capath", path.join(folder, "nowhere")),
    await refused(...cert),
    await refused("--key", client.keyFile),
    await refused(...cert, "--key", other.keyFile),
    await refused(...cert, "--key", text),
    await refused(...cert, "--key", encrypted),
    await refused(...cert, "--key", encrypted, "--passphrase-file", wrong),
    await refused("--passphrase-file", right),
  ];
  expect(errors.join("\n")).toMatchInlineSnapshot(`
    "mqttd: --cafile: there is no file FOLDER/none.crt
    mqttd: --cafile: FOLDER is a folder (for a folder: --capath)
    mqttd: --cafile: FOLDER/text.pem has no certificate (a CA's certificate in PEM is needed)
    mqttd: --capath: FOLDER/nowhere: no such file or directory
    mqttd: --cert needs --key (the certificate's private key)
    mqttd: --key needs --cert (the client's certificate)
    mqttd: --key: FOLDER/other.key is not the key of the certificate in FOLDER/client.crt
    mqttd: --key: FOLDER/text.pem has no key in PEM
    mqttd: --key: FOLDER/encrypted.key is encrypted (give its passphrase: --passphrase-file FILE)
    mqttd: --key: FOLDER/encrypted.key does not open with the passphrase in FOLDER/wrong.txt
    mqttd: --passphrase-file is for --key (give both, and --cert)"
  `);
});

test("what does not fit together", async () => {
  const errors = [
    await refused("-L", "mqtt://h", "--cafile", "x"),
    await refused("-L", "ws://h", "--insecure"),
    await refused("--unix", "x.sock", "-h", "h"),
    await refused("--unix", ""),
    await refused("--embedded", "--insecure"),
    await refused("--tls-server-name", "a b"),
    ...(await Promise.all(
      [
        "http://h",
        "https://h/mqtt",
        "tcp://h",
        "ssl://h",
        "unix:///x",
        "mqqt://h",
        "mqtss://h",
        "gopher://h",
        "mqtt+unix://x",
        "mqtt+unix:///",
        "ws://",
        "mqtts://h:port",
      ].map(async (url) => refused("-L", url)),
    )),
  ];
  expect(errors.join("\n")).toMatchInlineSnapshot(`
    "mqttd: --cafile needs an address with TLS (mqtts:// or wss://)
    mqttd: --insecure needs an address with TLS (mqtts:// or wss://)
    mqttd: --unix names the broker alone (leave out --host, --port and --url)
    mqttd: --unix: found "", allowed: the file of a unix socket
    mqttd: --embedded starts a broker of its own, over TCP (leave out --host, --port, --url, --unix, --via and the flags of TLS)
    mqttd: --tls-server-name: found "a b", allowed: a host name
    mqttd: --url: found "http://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean ws://?
    mqttd: --url: found "https://h/mqtt", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean wss://?
    mqttd: --url: found "tcp://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean mqtt://?
    mqttd: --url: found "ssl://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean mqtts://?
    mqttd: --url: found "unix:///x", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean mqtt+unix://?
    mqttd: --url: found "mqqt://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean mqtt://?
    mqttd: --url: found "mqtss://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path; did you mean mqtts://?
    mqttd: --url: found "gopher://h", allowed: mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path
    mqttd: --url: found "mqtt+unix://x", allowed: mqtt+unix:///path/of/the/socket
    mqttd: --url: found "mqtt+unix:///", allowed: mqtt+unix:///path/of/the/socket
    mqttd: --url: found "ws://", allowed: an address such as ws://localhost:9001/mqtt
    mqttd: --url: found "mqtts://h:port", allowed: an address such as mqtts://localhost:8883"
  `);
});
