import { expect, test } from "bun:test";
import type { ListenerSettings } from "../../src/config/settings.ts";
import { openToTheNetwork } from "../../src/server/exposure.ts";

const listener = {
  transport: "tcp",
  path: null,
  proxies: null,
  tls: null,
  webSocket: null,
  port: 0,
  host: "0.0.0.0",
  allowAnonymous: true,
  passwordFile: null,
  aclFile: null,
  mountPoint: "",
  connections: Infinity,
} as const satisfies ListenerSettings;
const tls = {
  ...{ cert: "c", key: "k", passphraseFile: null, certificates: [], ca: null, crl: null },
  ...{ requestCert: false, identityAsUsername: false, minVersion: "TLSv1.2" },
} as const satisfies NonNullable<ListenerSettings["tls"]>;
const socket = { addresses: ["0.0.0.0:1884"], port: 1884, descriptors: [], close: () => {} };

test("one line that fits warns of a listener that others can reach without a password", () => {
  const [warning] = openToTheNetwork([listener], [socket]);
  expect(warning).toStartWith("0.0.0.0:1884 is open to the network without a password");
  expect(warning).toEndWith(
    "; set auth.passwordFile (mqttd passwd), or listen on this machine only",
  );
  const [ofAll] = openToTheNetwork([{ ...listener, host: "::" }], [socket]);
  expect(ofAll).toStartWith("[::]:1884 is open");
  // A log line cuts longer texts.
  expect(warning?.length).toBeLessThan(200);
});

test("loopback, and listeners that require a user name, give no warning", () => {
  for (const host of [null, "127.0.0.1", "127.1.2.3", "::1"]) {
    expect(openToTheNetwork([{ ...listener, host }], [socket])).toEqual([]);
  }
  expect(openToTheNetwork([{ ...listener, allowAnonymous: false }], [socket])).toEqual([]);
  expect(openToTheNetwork([{ ...listener, tls: { ...tls, requestCert: true } }], [socket])).toEqual(
    [],
  );
});

test("a unix socket is no address of the network, whatever the host of its listener", () => {
  const unix = { ...listener, transport: "unix", path: "mqttd.sock" } as const;
  expect(openToTheNetwork([unix], [socket])).toEqual([]);
});

test("passwords that cross the network as plain text are a warning, and none on TLS or loopback", () => {
  const withAccounts = { ...listener, allowAnonymous: false, passwordFile: "passwd" };
  expect(openToTheNetwork([withAccounts], [socket])).toEqual([
    "0.0.0.0:1884 takes passwords from the network unencrypted; use a listener with TLS (mqttd certs makes its certificates)",
  ]);
  expect(openToTheNetwork([{ ...withAccounts, tls }], [socket])).toEqual([]);
  expect(openToTheNetwork([{ ...withAccounts, host: null }], [socket])).toEqual([]);
  // Accounts do not help where anonymous clients get in too.
  const [warning] = openToTheNetwork([{ ...withAccounts, allowAnonymous: true }], [socket]);
  expect(warning).toContain("is open to the network without a password");
});
