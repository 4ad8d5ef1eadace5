import { expect, test } from "bun:test";
import { linesFor, remarksFor } from "../../src/cli/remark.ts";
import { usageError } from "../../src/config/cli-error.ts";
import { width } from "../../src/log/columns.ts";

const error = usageError(
  "certs: certs/server.crt and certs/server.key exist, valid until 2027-11-30",
  "--force renews with the same CA; --client NAME makes one for a client",
).text;

test("an error in 80 columns: the hint begins on a line of its own", () => {
  expect(remarksFor(80, error)).toMatchInlineSnapshot(`
    "mqttd: certs: certs/server.crt and certs/server.key exist, valid until
           2027-11-30
           (--force renews with the same CA; --client NAME makes one for a client)
    "
  `);
});

test("an error in 40 columns", () => {
  expect(remarksFor(40, error)).toMatchInlineSnapshot(`
    "mqttd: certs: certs/server.crt and
           certs/server.key exist, valid
           until 2027-11-30
           (--force renews with the same CA;
            --client NAME makes one for a
            client)
    "
  `);
});

test("in a pipe, and where it fits, a line stays one line", () => {
  expect(remarksFor(null, error)).toBe(error);
  expect(remarksFor(width(error) + 1, error)).toBe(error);
});

test("every line of several problems is broken by itself", () => {
  const text = usageError("a.json:1:2 listeners.0.port: found 0.5\nand 3 more").text;
  expect(remarksFor(40, text)).toBe(
    "mqttd: a.json:1:2 listeners.0.port:\n       found 0.5\nmqttd: and 3 more\n",
  );
});

test("only mqttd's own words are broken; what moves the cursor before them is no width", () => {
  const packet = `Client received PUBLISH ${"x ".repeat(40)}\n`;
  expect(remarksFor(40, packet)).toBe(packet);
  const erased = "\r\u001b[2K\u001b[1A\u001b[2K";
  expect(remarksFor(40, `${erased}mqttd: short enough for one line of it\n`)).toBe(
    `${erased}mqttd: short enough for one line of it\n`,
  );
  expect(remarksFor(40, `${erased}mqttd: too long for one line of forty columns\n`)).toBe(
    `${erased}mqttd: too long for one line of forty\n       columns\n`,
  );
});

test("brackets within a sentence are no hint, and a word to copy stays whole", () => {
  const place = "/home/dev/some/very/long/folder/of/some/project/mqttd.jsonc";
  const lines = remarksFor(40, `mqttd: ${place} (a file) can't be read (chmod (or so))\n`);
  expect(lines).toBe(
    `mqttd:\n       ${place}\n       (a file) can't be read\n       (chmod (or so))\n`,
  );
});

test("lines of an output hang below their first, and stay whole in a pipe", () => {
  const screen = { columns: 20, rows: 24 };
  expect(linesFor(screen, "wrote mqttd.jsonc, and more\n")).toBe(
    "wrote mqttd.jsonc,\n  and more\n",
  );
  expect(linesFor(null, "wrote mqttd.jsonc, and more\n")).toBe("wrote mqttd.jsonc, and more\n");
});
