import { expect, test } from "bun:test";
import fc from "fast-check";
import { options } from "../../../src/config/mosquitto/option-table.ts";
import { fates, imported, lineOf, settingsIn } from "./imported.ts";

const conf = (...lines: readonly string[]) => ({ "mosquitto.conf": `${lines.join("\n")}\n` });

const names = [
  ...Object.keys(options),
  "listener",
  "include_dir",
  "connection",
  "topic",
  "address",
];

/** Lines as users write them, right and wrong. */
const lines = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...names, "auth_opt_x", "plugin_opt_y", "bridge_tls_version", "misspelt"),
      fc.constantFrom(
        ...["", "true", "false", "0", "1", "-1", "20", "1883", "65536", "2m", "websockets", "ipv4"],
        ...[
          "127.0.0.1",
          "::1",
          "/etc/x",
          '"/etc/x"',
          "/etc/x # y",
          "error warning",
          "a/",
          "tlsv1.2",
        ],
        ...["0 /run/x.sock", "1884 127.0.0.1", "1885", "file /var/log/x", "4,5", "mine out 1"],
      ),
    )
    .map(([name, value]) => `${name} ${value}`),
  fc.constantFrom("# comment", "", "  ", "  # indented", "\t", "listener\t1883", "Port 1883"),
  fc.string({ maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, "")),
);

test("each line that says something has one account, with its number, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(lines, { maxLength: 25 }),
      fc.constantFrom("\n", "\r\n"),
      async (all, end) => {
        const { accounts } = await imported({ "mosquitto.conf": all.join(end) });
        const saying = all.flatMap((line, at) => (/^(?:#| *\r*$)/.test(line) ? [] : [at + 1]));
        expect(accounts.map(({ line }) => line)).toEqual(saying);
        for (const { fate, why, keys } of accounts) {
          if (fate !== "taken") expect(why).not.toBe("");
          if (fate !== "taken") expect(keys).toEqual([]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("what is written is valid, never more open than the lines, and closed if the rest is taken", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(lines, { maxLength: 12 }), fc.boolean(), async (all, rest) => {
      const result = await imported({ "mosquitto.conf": all.join("\n") }, { rest });
      const closing = result.accounts.filter(({ closes }) => closes);
      const mistakes = result.accounts.filter(({ fate }) => fate === "mistake");
      if (result.text === null) return expect(result.problems).not.toEqual([]);
      expect(mistakes).toEqual([]);
      const { listeners } = settingsIn(result);
      if (closing.length > 0) {
        expect(rest).toBe(true);
        for (const { host, allowAnonymous } of listeners) {
          expect({ host, allowAnonymous }).toEqual({ host: null, allowAnonymous: false });
        }
      }
      const isAllowed = all.some((line) => /allow_anonymous (?:true|1)/.test(line));
      const isLocal = listeners.every(
        ({ host, transport }) => host === null && transport === "tcp",
      );
      if (listeners.some(({ allowAnonymous }) => allowAnonymous))
        expect(isAllowed || isLocal).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("silence has mosquitto's meaning: no listener, and one without allow_anonymous", async () => {
  expect(settingsIn(await imported(conf("sys_interval 10"))).listeners).toMatchObject([
    { port: 1883, host: null, allowAnonymous: true },
  ]);
  const result = await imported(conf("listener 1884"));
  expect(settingsIn(result).listeners).toMatchObject([
    { port: 1884, host: "::", allowAnonymous: false },
  ]);
  expect(result.notes.join()).toContain("clients without a user name are refused");
});

test("options above the first listener make a second one, on port 1883", async () => {
  const result = await imported(conf("max_connections 5", "listener 1884 127.0.0.1"));
  expect(settingsIn(result).listeners).toMatchObject([
    { port: 1883, host: "::", connections: 5 },
    { port: 1884, host: "127.0.0.1", connections: Infinity },
  ]);
  expect(result.notes.join()).toContain("listens on port 1883 as well");
  const idle = await imported(conf("max_connections -1", "protocol mqtt", "listener 1884"));
  expect(settingsIn(idle).listeners).toHaveLength(1);
});

test("accounts belong to all listeners, or with per_listener_settings to the one above", async () => {
  const own = ["listener 1883", "listener 1884", "password_file /p", "allow_anonymous true"];
  const all = settingsIn(await imported(conf(...own))).listeners;
  expect(all).toMatchObject([
    { passwordFile: "/p", allowAnonymous: true },
    { passwordFile: "/p", allowAnonymous: true },
  ]);
  const each = settingsIn(await imported(conf("per_listener_settings true", ...own))).listeners;
  expect(each).toMatchObject([
    { passwordFile: null, allowAnonymous: false },
    { passwordFile: "/p", allowAnonymous: true },
  ]);
  const late = await imported(conf("allow_anonymous true", "per_listener_settings true"));
  expect(lineOf(late, 2).why).toContain("stands below allow_anonymous (line 1)");
});

test("a certificate without its key, or rules without TLS, are mistakes: mosquitto listens without", async () => {
  for (const line of ["certfile /a.pem", "keyfile /a.key", "require_certificate true"]) {
    const result = await imported(conf("listener 8883", line));
    expect({ line, fates: fates(result).split("\n")[1] }).toEqual({ line, fates: "2 mistake" });
  }
});

test("a CA without require_certificate checks nobody, as in mosquitto", async () => {
  const tls = ["listener 8883", "certfile /a.pem", "keyfile /a.key"];
  const result = await imported(conf(...tls, "cafile /ca.pem", "crlfile /crl.pem"));
  expect(fates(result)).toContain("4 needless\n5 needless");
  expect(settingsIn(result).listeners[0]?.tls).toMatchObject({ ca: null, requestCert: false });
  const folder = await imported(conf(...tls, "capath /etc/certs", "require_certificate true"));
  expect(lineOf(folder, 4)).toMatchObject({ fate: "refused", closes: true });
});

test("an access list with mistakes is a mistake of its line: mosquitto would let others in", async () => {
  const problems = ['house.acl:1: found "User"', "house.acl:3: user: the name is missing"];
  const named = { "house.acl": { isThere: true, problems, warnings: [] } };
  const result = await imported(conf("acl_file house.acl"), { named, rest: true });
  expect(lineOf(result, 1)).toMatchObject({ fate: "mistake", why: problems.join("; ") });
  expect(result.text).toBeNull();
});

test("values of options that have secrets are not shown", async () => {
  const secret = "s3cret-value";
  const all = [
    "auth_opt_mysql_pass",
    "plugin_opt_token",
    "remote_password",
    "password",
    "bridge_psk",
  ];
  const result = await imported(conf("connection a", ...all.map((name) => `${name} ${secret}`)));
  expect(JSON.stringify(result)).not.toContain(secret);
  expect(result.accounts.map(({ text }) => text)).toContain("auth_opt_mysql_pass (not shown)");
});

test("names that would end a comment or a line stay inside their strings", async () => {
  const odd = 'a\u2028b\\"*/ c';
  const result = await imported(conf(`password_file ${odd}`, "listener 1883 127.0.0.1"));
  expect(settingsIn(result).listeners[0]?.passwordFile).toBe(odd);
});

test("of two listeners' values for one key the lower counts, and it is said", async () => {
  const result = await imported(conf("listener 1883", "max_qos 2", "listener 1884", "max_qos 1"));
  expect(settingsIn(result).limits.qos).toBe(1);
  expect(lineOf(result, 4).warnings.join()).toContain("the lower number counts");
});

test("-1 is no limit as 0 is, and a word is a mistake, which mosquitto reads as 0", async () => {
  const names = ["max_queued_messages", "max_inflight_messages", "max_queued_bytes"];
  const of = async (value: string) =>
    imported(conf("listener 1883", ...names.map((name) => `${name} ${value}`)));
  expect(settingsIn(await of("-1")).limits).toEqual(settingsIn(await of("0")).limits);
  expect(settingsIn(await of("-1")).limits).toMatchObject({
    queuedMessages: 10_000_000,
    inflight: 65_535,
    queuedBytes: 64 * 1024 ** 3,
  });
  expect(
    fates(await of("many"))
      .split("\n")
      .slice(1),
  ).toEqual(["2 mistake", "3 mistake", "4 mistake"]);
});

test("a file that is not there is the whole answer", async () => {
  const result = await imported({ "mosquitto.conf": "listener 1883\n", other: "" });
  expect(result.problems).toEqual([]);
  expect((await imported({})).problems).toEqual([": no such file"]);
});

test("two listeners at one address are named with their lines", async () => {
  const { problems } = await imported(
    conf("listener 1884", "allow_anonymous true", "# again", "listener 1884"),
  );
  expect(problems).toEqual([
    "mosquitto.conf:4 and mosquitto.conf:1: listeners.1: host and port are those of listeners.0 (:::1884)",
  ]);
});
