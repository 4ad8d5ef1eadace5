import { expect, test } from "bun:test";
import { targetOf } from "../../src/client/target.ts";
import { addressOf } from "../../src/config/settings.ts";
import { openToTheNetwork } from "../../src/server/exposure.ts";
import { isLoopback } from "../../src/transport/loopback.ts";

const here = [
  ...["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1.2.3", "127.255.255.254", "127.1"],
  ...["2130706433", "0x7f.1", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::1%lo"],
  ...["::ffff:127.0.0.1", "::ffff:7f01:203", "::FFFF:127.0.0.1"],
];
const elsewhere = [
  ...["", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "1.127.0.0", "::2", "fe80::1%lo", "1::7f00:1"],
  ...["::ffff:10.0.0.1", "::ffff:127.0.0.256", "127.example.com", "127.0.0.1.example.com"],
  ...["localhost.example.com", "my-localhost", "a@127.0.0.1", "127.0.0.1/x", "127.0.0.1#x", "a b"],
];

test.each(here)("%s is this machine alone", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(elsewhere)("%j may be another machine", (host) => {
  expect(isLoopback(host)).toBe(false);
});

test("no host: both loopback addresses", () => {
  expect(isLoopback(null)).toBe(true);
});

/**
 * Two callers need that answer: the warning of an open listener, and the limits of simulate-drop.
 */
test("a listener and a target are judged alike", () => {
  const listener = {
    transport: "tcp",
    path: null,
    proxies: null,
    tls: null,
    webSocket: null,
    port: 1884,
    allowAnonymous: true,
    passwordFile: null,
    aclFile: null,
    mountPoint: "",
  } as const;
  const socket = { addresses: [], port: 1884, descriptors: [], close: () => {} };
  const warns = (host: string): boolean =>
    openToTheNetwork([{ ...listener, connections: 1, host: addressOf(host) }], [socket]).length > 0;
  const isElsewhere = (host: string): boolean => {
    const target = targetOf(`mqtt://${host.includes(":") ? `[${host}]` : host}`);
    return typeof target !== "string" && !isLoopback(target.host);
  };
  const hosts = ["localhost", "LOCALHOST", "127.1", "0:0:0:0:0:0:0:1", "127.example.com", "::2"];
  expect(hosts.filter(warns)).toEqual(["127.example.com", "::2"]);
  expect(hosts.filter(isElsewhere)).toEqual(["127.example.com", "::2"]);
});
