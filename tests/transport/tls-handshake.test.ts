import { afterAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import { tls } from "../../src/transport/tls.ts";
import { TlsContexts, type TlsMaterial } from "../../src/transport/tls-contexts.ts";
import { Authority, type Certificate, opensslMissing } from "../support/certificates.ts";
import { spawn } from "../support/child.ts";
import { TlsPeer } from "./tls-peer.ts";
import { listening, Peer, Recorder, tcpTransports } from "./transports.ts";

const made = opensslMissing === null ? certificates() : null;
afterAll(() => made?.[Symbol.dispose]());

function certificates() {
  const stack = new DisposableStack();
  const [own, foreign] = [stack.use(new Authority()), stack.use(new Authority("Foreign CA"))];
  const broker = own.issue("broker", ["DNS:localhost", "IP:127.0.0.1"]);
  const lab = own.issue("lab", ["DNS:lab.example", "DNS:*.lab.example"]);
  const client = own.issue("dev-7", ["DNS:dev-7"]);
  const revoked = own.issue("dev-8", ["DNS:dev-8"]);
  const expired = own.issue("dev-9", ["DNS:dev-9"], -1);
  const stranger = foreign.issue("dev-7", ["DNS:dev-7"]);
  const crl = own.revoke([revoked]);
  return {
    ...{ own, broker, lab, client, revoked, expired, stranger, crl },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

type Made = ReturnType<typeof certificates>;

function material(of: Made, more: Partial<TlsMaterial> = {}): TlsMaterial {
  const { cert, key } = of.broker;
  return {
    certificates: [{ cert, key, passphrase: null }],
    ...{ ca: null, crl: null, requestCert: false, identityAsUsername: false },
    ...{ minVersion: "TLSv1.2", ...more },
  };
}

function shown({ cert, key }: Certificate): ConnectionOptions {
  return { cert, key, rejectUnauthorized: false };
}

describe.if(made !== null).each(tcpTransports)("tls on %s", (_, make) => {
  const all = made as Made;
  const strict = (of: Made) =>
    material(of, { ca: of.own.root.cert, requestCert: true, identityAsUsername: true });

  /** What is told of a client that shakes hands in this way and then says `hello`. */
  async function told(
    contexts: TlsContexts,
    options: ConnectionOptions,
  ): Promise<{ recorder: Recorder; ended: string | null }> {
    const recorder = new Recorder();
    let ended: string | null = null;
    await listening(tls(make(), contexts), recorder, async (port) => {
      const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port }, options);
      void peer.ended.then((how) => (ended = how));
      peer.send("hello");
      await recorder.until(() => recorder.text === "hello" || recorder.log.length > 1);
      peer.rst();
    });
    return { recorder, ended };
  }

  test("a client's certificate is its user name, if that is asked for", async () => {
    const { recorder } = await told(new TlsContexts(strict(all)), shown(all.client));
    expect(recorder.links[0]?.identity).toBe("dev-7");
    const unasked = await told(new TlsContexts(material(all)), shown(all.client));
    expect(unasked.recorder.links[0]?.identity).toBeUndefined();
  });

  const serial = ({ cert }: Certificate): string => new X509Certificate(cert).serialNumber;
  const refusals: readonly (readonly [string, ConnectionOptions, string])[] = [
    ["no certificate", { rejectUnauthorized: false }, "it gave no certificate"],
    [
      "a foreign CA's",
      shown(all.stranger),
      `its certificate is not signed by a CA of this listener (tls.ca): "dev-7" of "Foreign CA", serial ${serial(all.stranger)}`,
    ],
    [
      "an expired one",
      shown(all.expired),
      `its certificate has expired: "dev-9" of "Test CA", serial ${serial(all.expired)}`,
    ],
    [
      "a revoked one",
      shown(all.revoked),
      `its certificate is revoked: "dev-8" of "Test CA", serial ${serial(all.revoked)}`,
    ],
  ];
  test.each(refusals)("%s is refused, and said", async (_what, options, why) => {
    const contexts = new TlsContexts({ ...strict(all), crl: all.crl });
    const { recorder } = await told(contexts, options);
    expect(recorder.log).toEqual(["opened", "tlsFailed"]);
    expect(recorder.details).toEqual([why]);
  });

  test("with a list of revocations, others are let in", async () => {
    const contexts = new TlsContexts({ ...strict(all), crl: all.crl });
    const { recorder } = await told(contexts, shown(all.client));
    expect(recorder.text).toBe("hello");
  });

  test("a client that does not know the CA", async () => {
    const { recorder } = await told(new TlsContexts(material(all)), { servername: "localhost" });
    expect(recorder.log).toEqual(["opened", "tlsFailed"]);
    expect(recorder.details).toEqual(["it closed during the handshake"]);
  });

  const unknownCa = "it does not trust this broker's certificate (unknown CA)";
  const otherName = "it refuses this broker's certificate: is the name right that it dials?";
  const suspicious: readonly (readonly [string, readonly string[], string])[] = [
    ["its CA, TLS 1.3", ["-tls1_3"], unknownCa],
    ["its CA, TLS 1.2", ["-tls1_2"], unknownCa],
    ["its name, TLS 1.3", ["-tls1_3", "-CAfile", all.own.root.certFile], otherName],
    ["its name, TLS 1.2", ["-tls1_2", "-CAfile", all.own.root.certFile], otherName],
  ];
  test.each(suspicious)("a client that does not know %s, and says so", async (_what, more, why) => {
    const recorder = new Recorder();
    await listening(tls(make(), new TlsContexts(material(all))), recorder, async (port) => {
      const checks = ["-verify_return_error", "-verify_hostname", "elsewhere.example"];
      const words = ["s_client", ...checks, ...more, "-connect", `127.0.0.1:${port}`];
      await using client = spawn(["openssl", ...words], { stderr: "ignore" });
      await client.exited;
      await recorder.told("tlsFailed");
    });
    expect(recorder.details).toEqual([why]);
  });

  test("the certificate that fits the name, the first without one, and new ones after `use`", async () => {
    const named = { cert: all.lab.cert, key: all.lab.key, passphrase: null };
    const { certificates: own } = material(all);
    const contexts = new TlsContexts(material(all, { certificates: [own[0], named] }));
    const recorder = new Recorder();
    await listening(tls(make(), contexts), recorder, async (port) => {
      const asked = async (servername: string): Promise<unknown> => {
        const options = { servername, rejectUnauthorized: false };
        const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port }, options);
        peer.fin();
        return peer.subject;
      };
      expect(await asked("")).toBe("broker");
      expect(await asked("localhost")).toBe("broker");
      expect(await asked("lab.example")).toBe("lab");
      expect(await asked("a.lab.example")).toBe("lab");
      expect(await asked("a.b.lab.example")).toBe("broker");
      contexts.use(material(all, { certificates: [named] }));
      expect(await asked("localhost")).toBe("lab");
    });
  });

  test("versions below the minimum are refused with an alert, and said", async () => {
    const contexts = new TlsContexts(material(all, { minVersion: "TLSv1.3" }));
    const two = { maxVersion: "TLSv1.2", rejectUnauthorized: false } as const;
    const { recorder } = await told(contexts, two);
    expect(recorder.details).toEqual([
      "no common version: it offers TLS 1.2, this listener needs TLS 1.3 (tls.minVersion)",
    ]);
    const three = await told(contexts, { rejectUnauthorized: false });
    expect(three.recorder.text).toBe("hello");
  });

  const strangers: readonly (readonly [string, string, string])[] = [
    ["MQTT", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "no TLS: it sent MQTT in plain text"],
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no TLS: it sent HTTP in plain text"],
    ["noise", "\xff\xfe\xfd", "no TLS: it sent something else"],
    [
      "another record",
      "\x16\x03\x01\x00\x04\x02\x00\x00\x00",
      "its first message is no ClientHello",
    ],
    ["an empty record", "\x16\x03\x01\x00\x00", "its ClientHello is malformed"],
    [
      "a broken hello",
      `\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03ab`,
      "its ClientHello is malformed",
    ],
    ["an endless hello", "\x16\x03\x01\x40\x00\x01\x00\xff\xff", "its ClientHello is too long"],
  ];
  test.each(strangers)(
    "%s instead of TLS: an alert, closed, and said",
    async (_what, text, why) => {
      const recorder = new Recorder();
      const contexts = new TlsContexts(material(all));
      await listening(tls(make(), contexts), recorder, async (port) => {
        const peer = await Peer.dial(port);
        const chunk = Buffer.from(text, "latin1");
        // Byte by byte, and at once.
        for (const byte of chunk.subarray(0, -1)) peer.socket.write(Uint8Array.of(byte));
        peer.socket.write(chunk.subarray(-1));
        expect(await peer.ended).toBe("eof");
        expect([...peer.bytes]).toEqual([21, 3, 1, 0, 2, 2, 10]);
        expect(recorder.log).toEqual(["opened", "tlsFailed"]);
        expect(recorder.details).toEqual([why]);
        peer.rst();
      });
    },
  );

  test("a hello that never ends is bounded", async () => {
    const recorder = new Recorder();
    await listening(tls(make(), new TlsContexts(material(all))), recorder, async (port) => {
      const peer = await Peer.dial(port);
      // A hello of 30,000 bytes, in records of one byte.
      for (const byte of [1, 0, 0x75, 0x30]) peer.send(Uint8Array.of(22, 3, 1, 0, 1, byte));
      const record = Uint8Array.of(22, 3, 1, 0, 1, 0);
      peer.send(Buffer.concat(Array.from({ length: 6000 }, () => record)));
      await recorder.told("tlsFailed");
      expect(recorder.details).toEqual(["its ClientHello is too long"]);
      peer.rst();
    });
  });

  test("closed in the middle of its hello", async () => {
    const recorder = new Recorder();
    await listening(tls(make(), new TlsContexts(material(all))), recorder, async (port) => {
      const peer = await Peer.dial(port);
      peer.send("\x16\x03\x01\x02");
      const link = await recorder.link();
      expect(link.preparing).toBe("TLS handshake");
      peer.fin();
      await recorder.told("tlsFailed");
      expect(recorder.details).toEqual(["it closed before its ClientHello"]);
      peer.rst();
    });
  });

  test("FIN without close_notify is a cut, with the data before it", async () => {
    const recorder = new Recorder();
    await listening(tls(make(), new TlsContexts(material(all))), recorder, async (port) => {
      const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port });
      peer.send("last words");
      await recorder.until(() => recorder.text === "last words");
      peer.cut();
      await recorder.told("tlsCut");
      expect(recorder.log).toEqual(["opened", "data", "tlsCut"]);
      peer.rst();
    });
  });

  test("a broken record ends it, and is said", async () => {
    const recorder = new Recorder();
    await listening(tls(make(), new TlsContexts(material(all))), recorder, async (port) => {
      const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port });
      await recorder.ready();
      peer.sendRaw(Uint8Array.of(23, 3, 3, 0, 32, ...new Uint8Array(32)));
      await recorder.told("tlsFailed");
      expect(recorder.details).toEqual(["it sent a broken TLS record"]);
      expect(await peer.ended).toBe("eof");
      peer.rst();
    });
  });

  test("the key log has a line for each secret", async () => {
    const lines: string[] = [];
    const onKeys = (line: Uint8Array) => void lines.push(Buffer.from(line).toString());
    const recorder = new Recorder();
    const transport = tls(make(), new TlsContexts(material(all)), { onKeys });
    await listening(transport, recorder, async (port) => {
      const peer = await TlsPeer.dial({ hostname: "127.0.0.1", port });
      await recorder.ready();
      peer.rst();
    });
    const names = lines.map((line) => line.split(" ")[0]);
    expect(names).toContain("CLIENT_TRAFFIC_SECRET_0");
    expect(names).toContain("SERVER_TRAFFIC_SECRET_0");
    expect(lines.every((line) => /^[A-Z_0-9]+ [\da-f]{64} [\da-f]+\n$/.test(line))).toBe(true);
  });
});
