import { afterAll, expect, test } from "bun:test";
import { Authority, type Certificate, opensslMissing } from "../support/certificates.ts";
import { dial } from "../../src/client/dial.ts";
import { DialError } from "../../src/client/dial-error.ts";
import { plainTls, type TargetTls } from "../../src/client/target.ts";
import { EchoServer } from "../support/echo-server.ts";
import { HostileServer } from "../support/hostile-server.ts";

/** Which certificates the client refuses, and what it says. */

const isMissing = opensslMissing !== null;
const why = isMissing ? ` (skipped: ${opensslMissing})` : "";
const ours = isMissing ? null : new Authority("Our CA");
const foreign = isMissing ? null : new Authority("Foreign CA");
afterAll(() => {
  for (const authority of [ours, foreign]) authority?.[Symbol.dispose]();
});
const ca = ours?.root.cert ?? null;
const names = ["DNS:localhost", "DNS:*.lab.example", "IP:127.0.0.1"];

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Resolves to the error of a handshake with a server that shows this certificate; null: none. */
async function refusal(
  certificate: Certificate | null,
  settings: Partial<TargetTls>,
  host = "localhost",
): Promise<Refusal | null> {
  await using server = await EchoServer.start(certificate);
  return await refusalAt("port" in server.place ? server.place.port : 0, settings, host);
}

async function refusalAt(
  port: number,
  settings: Partial<TargetTls>,
  host = "localhost",
): Promise<Refusal | null> {
  const tls = { ...plainTls, ca, ...settings };
  const target = { transport: "tls", host, port, path: "", username: null, password: null, tls };
  try {
    const nothing = { data: () => {}, closed: () => {} };
    (await dial({ ...target, transport: "tls" }, 4000, () => nothing)).reset();
    return null;
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    return { code: error.code, message: error.message };
  }
}

test.skipIf(isMissing)(`an issuer that nobody trusts${why}`, async () => {
  const right = ours?.issue("right", names) ?? null;
  const strange = foreign?.issue("strange", names) ?? null;
  expect(await refusal(right, {})).toBeNull();
  const unknown = {
    code: "TLS_ISSUER",
    message: expect.stringMatching(/^the certificate's issuer "Foreign CA" is not trusted/),
  };
  expect(await refusal(strange, {})).toEqual(unknown);
  // With a CA that is named, `insecure` is about the name alone.
  expect(await refusal(strange, { insecure: true })).toEqual(unknown);
  expect(await refusal(strange, { insecure: true, ca: null })).toBeNull();
  expect(await refusal(strange, { ca: foreign?.root.cert ?? null })).toBeNull();
  expect(await refusal(right, { ca: null })).toMatchObject({ code: "TLS_ISSUER" });
});

test.skipIf(isMissing)(`another name${why}`, async () => {
  const right = ours?.issue("named", names) ?? null;
  expect(await refusal(right, {}, "127.0.0.1")).toBeNull();
  expect(await refusal(right, { serverName: "a.lab.example" })).toBeNull();
  expect(await refusal(right, { serverName: "other.example" })).toEqual({
    code: "TLS_NAME",
    message: "the certificate is for localhost, *.lab.example, 127.0.0.1, not other.example",
  });
  expect(await refusal(right, { serverName: "other.example", insecure: true })).toBeNull();
});

test.skipIf(isMissing)(`a certificate that has expired${why}`, async () => {
  const old = ours?.issue("old", names, -1) ?? null;
  expect(await refusal(old, {})).toEqual({
    code: "TLS_DATE",
    message: expect.stringMatching(/^the certificate expired on /),
  });
});

test("a server without TLS", async () => {
  await using mail = await HostileServer.start((socket) => void socket.write("220 mail ready"));
  await using deaf = await HostileServer.start((socket) => socket.destroy());
  for (const { port } of [mail, deaf]) {
    expect(await refusalAt(port, {})).toMatchObject({ code: "TLS_NONE" });
  }
});
