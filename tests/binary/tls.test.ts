import { describe, expect, test } from "bun:test";
import path from "node:path";
import { copyFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { Authority, type Certificate, opensslMissing } from "../support/certificates.ts";
import { spawn } from "../support/child.ts";
import {
  environment,
  executable,
  Folder,
  type LogLine,
  run,
  RunningBroker,
} from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { eventually, now } from "../support/inbox.ts";
import { TlsPeer } from "../transport/tls-peer.ts";
import { Peer } from "../transport/transports.ts";

const mosquitto = Bun.which("mosquitto_pub");
const names = ["DNS:localhost", "IP:127.0.0.1"];

/** `serve` flags of one listener with TLS, whose files stand in the broker's folder. */
function listener(more: readonly string[] = []): string[] {
  const settings = ["transport=tls", "tls.cert=broker.crt", "tls.key=broker.key", ...more];
  return settings.flatMap((one) => ["--set", `listeners.0.${one}`]);
}

function filesOf({ cert, key }: Certificate, authority: Authority) {
  return { "broker.crt": cert, "broker.key": key, "ca.crt": authority.root.cert };
}

async function mosquittoPub(port: number, args: readonly string[]) {
  const words = ["-h", "localhost", "-p", String(port), "-t", "a", "-m", "x", "-q", "1", ...args];
  await using child = spawn([mosquitto ?? "", ...words], { stderr: "pipe" });
  return await child.exited;
}

const connect = Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 97]);

/** CONNECT of MQTT 3.1.1 with this client id, and a keepalive of 60 s. */
function connectAs(id: string): Uint8Array {
  const head = Buffer.from([0x10, 12 + id.length, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, id.length]);
  return Buffer.concat([head, Buffer.from(id)]);
}

describe.if(opensslMissing === null)("serve with TLS", () => {
  test.if(mosquitto !== null)(
    "mosquitto_pub, with a certificate of its own and without",
    async () => {
      using authority = new Authority();
      const client = authority.issue("dev-7", ["DNS:dev-7"]);
      const files = filesOf(authority.issue("broker", names), authority);
      const own = ["tls.ca=ca.crt", "tls.requestCert=true", "tls.identityAsUsername=true"];
      await using broker = await RunningBroker.start({ files, args: listener(own) });
      expect(broker.urls.every((url) => url.startsWith("mqtts://"))).toBe(true);
      const ca = ["--cafile", authority.root.certFile];
      const shown = ["--cert", client.certFile, "--key", client.keyFile];
      expect(await mosquittoPub(broker.port, [...ca, ...shown, "-i", "one"])).toBe(0);
      const connected = await broker.line("its start", ({ event }) => event === "connected");
      expect(connected).toMatchObject({ client: "one", username: "dev-7" });
      expect(await mosquittoPub(broker.port, ca)).not.toBe(0);
      const failed = (line: LogLine) => line.event === "ended" && line["cause"] === "tlsFailed";
      expect((await broker.line("its refusal", failed))["detail"]).toBe("it gave no certificate");
    },
  );

  test("a reload replaces the certificate under 1,000 clients, and drops nobody", async () => {
    using authority = new Authority();
    const files = filesOf(authority.issue("broker", names), authority);
    await using broker = await RunningBroker.start({ files, args: listener() });
    const at = { hostname: "127.0.0.1", port: broker.port };
    const peers: TlsPeer[] = [];
    for (let from = 0; from < 1000; from += 50) {
      const some = Array.from({ length: 50 }, () => TlsPeer.dial(at));
      for (const peer of await Promise.all(some)) {
        peer.send(connectAs(`dev-${peers.length}`));
        peers.push(peer);
      }
    }
    const isConnected = ({ event }: LogLine): boolean => event === "connected";
    await broker.log.count("clients", 1000, isConnected);
    expect(peers[0]?.subject).toBe("broker");
    const renewed = authority.issue("renewed", names);
    copyFileSync(renewed.certFile, broker.folder.file("broker.crt"));
    copyFileSync(renewed.keyFile, broker.folder.file("broker.key"));
    broker.signal("SIGHUP");
    const reload = await broker.line(
      "the reload",
      ({ event }) => event === "configurationReloaded",
    );
    expect(reload["changed"]).toEqual(["listeners.0.tls.cert", "listeners.0.tls.key"]);
    const later = await TlsPeer.dial(at);
    expect(later.subject).toBe("renewed");
    later.rst();
    // A PINGREQ of each, and its PINGRESP behind the CONNACK.
    for (const peer of peers) peer.send(Uint8Array.of(0xc0, 0));
    const answered = (): number => peers.filter(({ bytes }) => bytes.length === 6).length;
    await eventually(
      () => answered() === peers.length,
      () => `${answered()} of ${peers.length} have their PINGRESP`,
    );
    const ends = broker.log.items.filter(
      ({ event, client }) => event === "ended" && client !== null,
    );
    expect(ends).toEqual([]);
    for (const peer of peers) peer.rst();
  }, 180_000);

  test("a reloaded list names the connected clients whose certificates it revokes", async () => {
    using authority = new Authority();
    const shown = ["dev-1", "dev-2", "dev-3"].map((id) => authority.issue(id, [`DNS:${id}`]));
    const files = {
      ...filesOf(authority.issue("broker", names), authority),
      "ca.crl": authority.revoke([]),
    };
    const rules = ["tls.ca=ca.crt", "tls.crl=ca.crl", "tls.requestCert=true"];
    await using broker = await RunningBroker.start({ files, args: listener(rules) });
    const at = { hostname: "127.0.0.1", port: broker.port };
    const peers = await Promise.all(
      shown.map(({ cert, key }) => TlsPeer.dial(at, { cert, key, rejectUnauthorized: false })),
    );
    for (const [place, peer] of peers.entries()) peer.send(connectAs(`client-${place + 1}`));
    await broker.log.count("clients", 3, ({ event }) => event === "connected");
    const reloaded = async () => run(broker.folder, ["inspect", "reload"]);
    await Bun.write(broker.folder.file("ca.crl"), authority.revoke(shown.slice(0, 2)));
    const warning =
      "listeners.0.tls.crl has the certificates of connected clients, which stay until they " +
      "disconnect: client-1, client-2 (mqttd inspect kick ID closes one)";
    expect(await reloaded()).toMatchObject({
      code: 0,
      stdout: `reloaded: listeners.0.tls.crl\nwarning: ${warning}\n`,
    });
    const told = await broker.line("the warning", ({ text }) => text === warning);
    expect(told.event).toBe("warning");
    // They stay, and the same list is not told of again.
    peers[0]?.send(Uint8Array.of(0xc0, 0));
    await eventually(
      () => peers[0]?.bytes.length === 6,
      () => "no PINGRESP",
    );
    expect((await reloaded()).stdout).toBe("reloaded: no changes\n");
    for (const peer of peers) peer.rst();
    await broker.stop();
  });

  test("a reload whose files do not fit changes nothing, and says why", async () => {
    using authority = new Authority();
    const files = filesOf(authority.issue("broker", names), authority);
    await using broker = await RunningBroker.start({ files, args: listener() });
    copyFileSync(authority.issue("other", names).keyFile, broker.folder.file("broker.key"));
    broker.signal("SIGHUP");
    const failed = ({ event }: LogLine): boolean => event === "configurationReloadFailed";
    const { problems } = await broker.line("the refusal", failed);
    expect(problems).toEqual([
      "--set listeners.0.tls.key: broker.key is not the key of broker.crt",
    ]);
    const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port: broker.port });
    expect(peer.subject).toBe("broker");
    peer.rst();
  });

  test("files that are missing, or do not fit: every problem, exit code 2", async () => {
    using authority = new Authority();
    const broker = authority.issue("broker", names);
    const other = authority.issue("other", names);
    const encrypted = spawn(
      ["openssl", "ec", "-aes256", "-in", broker.keyFile, "-passout", "pass:secret"],
      { stderr: "ignore" },
    );
    const secretKey = await encrypted.stdout.text();
    const set = (more: readonly string[]) => ["serve", "--test-config", ...listener(more)];
    const test = async (files: Record<string, string>, more: readonly string[] = []) => {
      using folder = new Folder(files);
      const { code, stderr } = await run(folder, set(more));
      return { code, lines: stderr.trim().split("\n") };
    };
    const pair = { "broker.crt": broker.cert, "broker.key": broker.key };
    expect(await test({}, ["tls.requestCert=true", "tls.ca=no.crt"])).toEqual({
      code: 2,
      lines: [
        "mqttd: --set listeners.0.tls.ca: no.crt: no such file",
        "mqttd: --set listeners.0.tls.cert: broker.crt: no such file",
        "mqttd: --set listeners.0.tls.key: broker.key: no such file",
      ],
    });
    expect((await test({ ...pair, "broker.key": other.key })).lines).toEqual([
      "mqttd: --set listeners.0.tls.key: broker.key is not the key of broker.crt",
    ]);
    expect((await test({ ...pair, "broker.crt": broker.key })).lines).toEqual([
      "mqttd: --set listeners.0.tls.cert: broker.crt is a PEM file with a PRIVATE KEY, allowed: one with a CERTIFICATE",
    ]);
    const locked = { ...pair, "broker.key": secretKey, pass: "secret\n", wrong: "other\n" };
    expect((await test(locked)).lines).toEqual([
      "mqttd: --set listeners.0.tls.key: broker.key is encrypted: name its passphraseFile",
    ]);
    expect((await test(locked, ["tls.passphraseFile=wrong"])).lines).toEqual([
      "mqttd: --set listeners.0.tls.key: broker.key can't be read with the passphrase in wrong",
    ]);
    expect((await test(locked, ["tls.passphraseFile=pass"])).code).toBe(0);
    const expired = authority.issue("expired", names, -1);
    const warned = await test({ "broker.crt": expired.cert, "broker.key": expired.key });
    expect(warned.code).toBe(0);
    expect(warned.lines.join()).toMatch(/broker\.crt expired on .* UTC: clients will refuse it/);
  });

  test("inspect asks an administration with TLS, and trusts its certificate alone", async () => {
    using authority = new Authority();
    const files = filesOf(authority.issue("broker", ["DNS:broker.lab"]), authority);
    const args = ["admin.tls.cert=broker.crt", "admin.tls.key=broker.key", "admin.port=0"];
    await using broker = await RunningBroker.start({
      files,
      args: args.flatMap((one) => ["--set", one]),
    });
    const url = await broker.administration();
    expect(url).toStartWith("https://127.0.0.1:");
    // By the run file, which has the certificate.
    const known = await run(broker.folder, ["inspect", "--json"]);
    expect([known.code, known.stderr]).toEqual([0, ""]);
    const elsewhere = { MQTTD_RUN_DIR: broker.folder.file("none") };
    const ask = async (more: readonly string[]) => {
      await using child = spawn([executable(), "inspect", "--admin", url, "--json", ...more], {
        cwd: broker.folder.path,
        env: environment(broker.folder, elsewhere),
        stderr: "pipe",
      });
      const stderr = await child.stderr.text();
      return { code: await child.exited, stderr };
    };
    const stranger = await ask([]);
    expect(stranger.code).toBe(3);
    expect(stranger.stderr).toContain("is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)");
    expect(stranger.stderr).toContain("--cafile FILE");
    // Its CA is right, and its name is not 127.0.0.1.
    const named = await ask(["--cafile", "ca.crt"]);
    expect([named.code, named.stderr.includes("ALTNAME")]).toEqual([3, true]);
  });

  test("the key log is the owner's alone", async () => {
    using authority = new Authority();
    const files = filesOf(authority.issue("broker", names), authority);
    const args = [...listener(), "--tls-keylog", "keys.log"];
    await using broker = await RunningBroker.start({ files, args });
    const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port: broker.port });
    peer.send(connectAs("dev-1"));
    await broker.line("its start", ({ event }) => event === "connected");
    const file = broker.folder.file("keys.log");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain("CLIENT_TRAFFIC_SECRET_0 ");
    peer.rst();
    broker.folder.remove("keys.log");
  });
});

test("what Deno can't do is refused at the start, exit code 2", async () => {
  const root = path.resolve(import.meta.dir, "../..");
  using folder = new Folder({ "ca.crl": "" });
  const command = [path.join(root, "node_modules/.bin/deno"), "run", "-A", "--no-prompt"];
  const serve = [...command, path.join(root, "src/main.ts"), "serve", "--test-config"];
  const refused = async (more: readonly string[]) => {
    const env = environment(folder, { DENO_DIR: folder.file("cache") });
    await using child = spawn([...serve, ...more], { cwd: folder.path, env, stderr: "pipe" });
    const stderr = await child.stderr.text();
    return { code: await child.exited, stderr };
  };
  const crl = await refused(listener(["tls.crl=ca.crl", "tls.requestCert=true"]));
  expect(crl.code).toBe(2);
  expect(crl.stderr).toContain(
    "tls.crl: this runtime accepts revoked certificates; run mqttd on Bun",
  );
  const keyLog = await refused(["--tls-keylog", "keys.log"]);
  expect(keyLog).toEqual({
    code: 2,
    stderr: "mqttd: --tls-keylog: this runtime writes no key log; run mqttd on Bun\n",
  });
}, 180_000);

/** An honest client, once it is connected; again if this process was too slow for the broker's patience. */
async function letIn(broker: RunningBroker, at: { hostname: string; port: number }) {
  const isIn = ({ event, client }: LogLine): boolean =>
    event === "connected" && client === "honest";
  for (let left = 20; left > 0; left--) {
    const peer = await TlsPeer.dial(at);
    peer.send(connectAs("honest"));
    const line = broker.line("an honest client", isIn).then(() => true);
    if (await Promise.race([line, peer.ended.then(() => false)])) return peer;
    line.catch(() => {});
  }
  throw new Error("it was never let in");
}

/** What strangers send, how many at once, and what ends each. */
const floods: readonly (readonly [string, (peer: Peer) => void, number])[] = [
  ["garbage", (peer) => void peer.socket.write(crypto.getRandomValues(new Uint8Array(300))), 1000],
  ["plain MQTT", (peer) => void peer.socket.write(connect), 1000],
  ["half a hello", (peer) => void peer.socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1)), 2000],
  ["nothing", () => {}, 2000],
];

const onLinux = process.platform === "linux";

describe.if(opensslMissing === null && onLinux)("strangers on a port with TLS", () => {
  test.each(floods)(
    "%s",
    async (_what, send, count) => {
      using authority = new Authority();
      const files = filesOf(authority.issue("broker", names), authority);
      const limits = ["--set", "limits.connections=500", "--set", "limits.connectTimeout=2s"];
      await using broker = await RunningBroker.start({ files, args: [...listener(), ...limits] });
      const at = { hostname: "127.0.0.1", port: broker.port };
      const before = descriptorsOf(broker.pid);
      const peers: Peer[] = [];
      for (let from = 0; from < count; from += 250) {
        const some = await Promise.all(Array.from({ length: 250 }, () => Peer.dial(broker.port)));
        for (const peer of some) send(peer);
        peers.push(...some);
      }
      const client = await letIn(broker, at);
      // Connections, and as many that linger until their clients have closed them.
      expect(descriptorsOf(broker.pid)).toBeLessThan(before + 1600);
      await Promise.all(peers.map(async (peer) => peer.ended));
      client.send(Uint8Array.of(0xc0, 0));
      await eventually(
        () => client.bytes.length === 6,
        () => "no PINGRESP",
      );
      client.rst();
      for (const peer of peers) peer.rst();
    },
    180_000,
  );

  const crowds: readonly (readonly [string, number, number, () => Promise<Uint8Array>])[] = [
    // All of them in one turn would take longer than half a second.
    ["whole hellos", 2000, 300, helloOf],
    // Each costs little only if every byte is looked at once; else all of them take 20 s.
    [
      "hellos in records of one byte, without an end",
      200,
      5000,
      async () => bytewise(await helloOf()),
    ],
  ];
  test.each(crowds)(
    "%s, %d at once, do not hold up others",
    async (_what, count, limitMs, bytes) => {
      using authority = new Authority();
      const files = filesOf(authority.issue("broker", names), authority);
      await using broker = await RunningBroker.start({ files, args: listener() });
      const bystander = await TlsPeer.dial({ hostname: "127.0.0.1", port: broker.port });
      bystander.send(connectAs("bystander"));
      await broker.line("the bystander", ({ client }) => client === "bystander");
      const hello = await bytes();
      const peers = await Promise.all(Array.from({ length: count }, () => Peer.dial(broker.port)));
      for (const peer of peers) peer.socket.write(hello);
      bystander.send(Uint8Array.of(0xc0, 0));
      const asked = now();
      await eventually(
        () => bystander.bytes.length === 6,
        () => "no PINGRESP",
      );
      const tookMs = now() - asked;
      // A machine that is only slow has answered few of them by then, in the same share of time.
      const answered = peers.filter((peer) => peer.bytes.length > 0).length;
      if (answered === 0 || answered > count / 2)
        expectInTime("the bystander's PINGRESP", tookMs, limitMs);
      for (const peer of peers) peer.rst();
      bystander.rst();
    },
    180_000,
  );
});

/** A ClientHello that claims 16,000 bytes, in as many records of one byte as a broker reads. */
function bytewise(hello: Uint8Array): Uint8Array {
  const message = [1, 0, 62, 128, ...hello.subarray(9)];
  const bytes = Array.from({ length: 2700 }, (_, at) => [22, 3, 1, 0, 1, message[at] ?? 0]);
  return Uint8Array.from(bytes.flat());
}

/** A ClientHello, as some client sends it. */
async function helloOf(): Promise<Uint8Array> {
  const got = Promise.withResolvers<Uint8Array>();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (_socket, chunk) => got.resolve(new Uint8Array(chunk)) },
  });
  const client = TlsPeer.dial({ hostname: "127.0.0.1", port: listener.port });
  const hello = await got.promise;
  listener.stop(true);
  (await client).rst();
  return hello;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
