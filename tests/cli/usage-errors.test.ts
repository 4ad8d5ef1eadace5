import { expect, test } from "bun:test";
import { CliError } from "../../src/config/cli-error.ts";
import { mqttd, refusals } from "./surroundings.ts";

const wrong: readonly (readonly string[])[] = [
  ["srve"],
  ["sevre", "--help"],
  ["banana"],
  [""],
  ["help", "srve"],
  ["help", "serve", "extra"],
  ["help", "inspect", "wlils"],
  ["help", "inspect", "bogus"],
  ["help", "inspect", "wills", "extra"],
  ["--versoin"],
  ["--hlep"],
  ["-p", "1884"],
  ["--port=1884", "serve"],
  ["serve", "--prot", "1884"],
  ["serve", "--por=1884"],
  ["serve", "--log_level", "info"],
  ["serve", "--json"],
  ["serve", "-x"],
  ["serve", "-vx"],
  ["serve", "-5"],
  ["serve", "-port", "1884"],
  ["serve", "-p"],
  ["serve", "--port"],
  ["serve", "--port", "--quiet"],
  ["serve", "-c", "--test-config"],
  ["serve", "-p", "1", "-p", "2"],
  ["serve", "-p1", "--port=2"],
  ["serve", "--quiet=yes"],
  ["serve", "-q=yes"],
  ["serve", "-p", "abc"],
  ["serve", "-p", "70000"],
  ["serve", "-p=1884"],
  ["serve", "-p", "-1"],
  ["serve", "-p", ""],
  ["serve", "-p", "01884"],
  ["serve", "--host", ""],
  ["serve", "--host", "a b"],
  ["serve", "--log-level", "trace"],
  ["serve", "--log-format", "xml"],
  ["serve", "--color", "sometimes"],
  ["serve", "-v", "-q"],
  ["serve", "-q", "--log-level", "info"],
  ["serve", "-p", "1", "--set", "listeners.0.port=2"],
  ["serve", "--set", "limits.packetSize"],
  ["serve", "--set", "=1"],
  ["serve", "--set", "limits.packetSize=1 mb"],
  ["serve", "--set", "packetSize=1KiB"],
  ["serve", "--set", "limits.qos=1", "--set", "limits.qos=2"],
  ["serve", "--set", "$schema=x"],
  ["serve", "--set", "limits=x"],
  ["serve", "-c", "none.json"],
  ["serve", "-c", ""],
  ["serve", "--ready-file", ""],
  ["serve", "1884"],
  ["serve", "mosquitto.conf"],
  ["serve", "junk\n\u001b[2J"],
  ["serve", "--", "--help"],
  ["serve", "--junk\u001b[2J"],
];

test("each error is one line, with the nearest right word, and exit code 2", async () => {
  expect(await refusals(wrong)).toMatchInlineSnapshot(`
    "
    "srve"
      mqttd: unknown command "srve" (did you mean serve?)
    "sevre --help"
      mqttd: unknown command "sevre" (did you mean serve?)
    "banana"
      mqttd: unknown command "banana" (see mqttd --help)
    ""
      mqttd: unknown command "" (see mqttd --help)
    "help srve"
      mqttd: unknown command or topic "srve" (did you mean serve?)
    "help serve extra"
      mqttd: help: unexpected argument "extra" (see mqttd serve --help)
    "help inspect wlils"
      mqttd: inspect: unknown verb "wlils" (did you mean wills?)
    "help inspect bogus"
      mqttd: inspect: unknown verb "bogus" (see mqttd inspect --help)
    "help inspect wills extra"
      mqttd: help: unexpected argument "extra" (see mqttd inspect --help)
    "--versoin"
      mqttd: unknown flag --versoin (did you mean --version?)
    "--hlep"
      mqttd: unknown flag --hlep (did you mean --help?)
    "-p 1884"
      mqttd: -p stands before the command (the command comes first: mqttd serve)
    "--port=1884 serve"
      mqttd: --port stands before the command (the command comes first: mqttd serve)
    "serve --prot 1884"
      mqttd: serve: unknown flag --prot (did you mean --port?)
    "serve --por=1884"
      mqttd: serve: unknown flag --por (did you mean --port?)
    "serve --log_level info"
      mqttd: serve: unknown flag --log_level (did you mean --log-level?)
    "serve --json"
      mqttd: serve: unknown flag --json (see mqttd serve --help)
    "serve -x"
      mqttd: serve: unknown flag -x (see mqttd serve --help)
    "serve -vx"
      mqttd: serve: unknown flag -x (see mqttd serve --help)
    "serve -5"
      mqttd: serve: unknown flag -5 (see mqttd serve --help)
    "serve -port 1884"
      mqttd: serve: unknown flag -port (did you mean --port?)
    "serve -p"
      mqttd: serve: -p lacks its value (-p PORT)
    "serve --port"
      mqttd: serve: --port lacks its value (--port PORT)
    "serve --port --quiet"
      mqttd: serve: --port lacks its value (--port PORT; if the value is "--quiet": --port=...)
    "serve -c --test-config"
      mqttd: serve: -c lacks its value (-c FILE; if the value is "--test-config": --config=...)
    "serve -p 1 -p 2"
      mqttd: serve: --port is given twice (it takes one value)
    "serve -p1 --port=2"
      mqttd: serve: --port is given twice (it takes one value)
    "serve --quiet=yes"
      mqttd: serve: --quiet takes no value (write only --quiet)
    "serve -q=yes"
      mqttd: serve: -q takes no value (write only -q)
    "serve -p abc"
      mqttd: --port: found "abc", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve -p 70000"
      mqttd: --port: found "70000", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve -p=1884"
      mqttd: --port: found "=1884", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve -p -1"
      mqttd: --port: found "-1", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve -p "
      mqttd: --port: found "", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve -p 01884"
      mqttd: --port: found "01884", allowed: a port from 0 to 65535 (0 takes a free one)
    "serve --host "
      mqttd: --host: found "", allowed: an address or a host name, or null for "127.0.0.1" and "::1"
    "serve --host a b"
      mqttd: --host: found "a b", allowed: an address or a host name, or null for "127.0.0.1" and "::1"
    "serve --log-level trace"
      mqttd: --log-level: found "trace", allowed: "error", "warn", "info" or "debug"
    "serve --log-format xml"
      mqttd: --log-format: found "xml", allowed: "human", "json" or "auto"
    "serve --color sometimes"
      mqttd: --color: found "sometimes", allowed: "auto", "always" or "never"
    "serve -v -q"
      mqttd: --quiet: log.level is set by --verbose already
    "serve -q --log-level info"
      mqttd: --quiet: log.level is set by --log-level already
    "serve -p 1 --set listeners.0.port=2"
      mqttd: --set listeners.0.port: listeners.0.port is set by --port already
    "serve --set limits.packetSize"
      mqttd: --set: found "limits.packetSize", allowed: PATH=VALUE (for example --set limits.packetSize=64KiB)
    "serve --set =1"
      mqttd: --set: found "=1", allowed: PATH=VALUE (for example --set limits.packetSize=64KiB)
    "serve --set limits.packetSize=1 mb"
      mqttd: --set limits.packetSize: found "1 mb", allowed: bytes or a size like "64KiB" or "1MiB" (units: B, KiB, MiB, GiB)
    "serve --set packetSize=1KiB"
      mqttd: --set packetSize: unknown key, did you mean limits.packetSize?
    "serve --set limits.qos=1 --set limits.qos=2"
      mqttd: --set limits.qos: given twice
    "serve --set $schema=x"
      mqttd: --set $schema: can be set in a file only
    "serve --set limits=x"
      mqttd: --set limits: limits contains other keys, for example limits.connections, limits.sessions, limits.subscriptions
    "serve -c none.json"
      mqttd: none.json: no such file (named by --config)
    "serve -c "
      mqttd: --config: found "", allowed: the name of a file
    "serve --ready-file "
      mqttd: --ready-file: found "", allowed: the name of a file
    "serve 1884"
      mqttd: serve: unexpected argument "1884" (for a port: --port 1884)
    "serve mosquitto.conf"
      mqttd: serve: unexpected argument "mosquitto.conf" (for a configuration: --config mosquitto.conf)
    "serve junk\\n\\u001b[2J"
      mqttd: serve: unexpected argument "junk\\n\\u001b[2J" (see mqttd serve --help)
    "serve -- --help"
      mqttd: serve: unexpected argument "--help" (see mqttd serve --help)
    "serve --junk\\u001b[2J"
      mqttd: serve: unknown flag --junk\\u001b[2J (see mqttd serve --help)
    "
  `);
});

test("several problems of a configuration are one line each", async () => {
  const files = { "mqttd.json": '{"limits":{"qos":5,"packetSise":1}}' };
  const { code, stderr } = await mqttd(["serve", "-p", "x"], { files });
  expect(code).toBe(2);
  expect(`\n${stderr}`).toMatchInlineSnapshot(`
    "
    mqttd: mqttd.json:1:18 limits.qos: found 5, allowed: 0, 1 or 2
    mqttd: mqttd.json:1:20 limits.packetSise: unknown key, did you mean limits.packetSize?
    mqttd: --port: found "x", allowed: a port from 0 to 65535 (0 takes a free one)
    "
  `);
});

test("a hint follows the message in parentheses", () => {
  expect(new CliError("no", { exitCode: 3 }).text).toBe("mqttd: no\n");
  expect(new CliError("no", { exitCode: 3, hint: "try" }).text).toBe("mqttd: no (try)\n");
});
