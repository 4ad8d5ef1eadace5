import { expect, test } from "bun:test";
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
} as const;
const socket = { addresses: ["0.0.0.0:1884"], port: 1884, descriptors: [], close: () => {} };

test("one line that fits warns of a listener that others can reach without a password", () => {
  const [warning] = openToTheNetwork([listener], [socket]);
  expect(warning).toStartWith("0.0.0.0:1884 is open to the network without a password");
  expect(warning).toEndWith("; leave out --host to listen on this machine only");
  // A log line cuts longer texts.
  expect(warning?.length).toBeLessThan(200);
});

test("loopback, and listeners that require a user name, give no warning", () => {
  for (const host of [null, "127.0.0.1", "127.1.2.3", "::1"]) {
    expect(openToTheNetwork([{ ...listener, host }], [socket])).toEqual([]);
  }
  expect(openToTheNetwork([{ ...listener, allowAnonymous: false }], [socket])).toEqual([]);
});
