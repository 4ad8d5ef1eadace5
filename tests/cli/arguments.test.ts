import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Arguments, type ReadingRules, readArguments } from "../../src/cli/arguments.ts";
import { type Command, declare } from "../../src/cli/command.ts";
import { CliError } from "../../src/config/cli-error.ts";

/** A client command, as users of mosquitto know it: here `-h` is the host. */
function pub(): Command {
  return declare("pub", "publish")
    .option("-h, --host <HOST>", "")
    .option("-p, --port <PORT>", "")
    .option("-i, --id <ID>", "")
    .option("-P, --pw <PASSWORD>", "")
    .option("-t, --topic <TOPIC>", "", { type: [] })
    .option("-m, --message <TEXT>", "")
    .option("-r, --retain", "")
    .option("-v, --verbose", "", { type: [] })
    .option("-D, --property <PACKET> <NAME> <VALUE>", "", { type: [] })
    .option("--help", "");
}

const rules: ReadingRules = {
  positionals: 1,
  takesMore: (flag, values) =>
    flag === "property" && values[1] === "user-property" && values.length < 4,
};

function read(...args: string[]): Arguments {
  return readArguments(args, pub(), rules);
}

function errorFrom(...args: string[]): string {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof CliError) return error.text;
    throw error;
  }
  return "";
}

test("values are the typed strings", () => {
  const given = read("-P", "0123", "-i", "007", "-m", "", "-p1884", "-t", "1e3", "-t", "true");
  expect(given.text("pw")).toBe("0123");
  expect(given.text("id")).toBe("007");
  expect(given.text("message")).toBe("");
  expect(given.text("port")).toBe("1884");
  expect(given.texts("topic")).toEqual(["1e3", "true"]);
  expect(given.positionals).toEqual([]);
});

test("a value may begin with a dash, or be one", () => {
  expect(read("-m", "-").text("message")).toBe("-");
  expect(read("-m", "-5").text("message")).toBe("-5");
  expect(read("-m-5").text("message")).toBe("-5");
  expect(read("-m", "-r").text("message")).toBe("-r");
  expect(read("-m", "--").text("message")).toBe("--");
  expect(read("-m", "--unknown").text("message")).toBe("--unknown");
  expect(read("--message=--retain").text("message")).toBe("--retain");
  expect(read("--message=").text("message")).toBe("");
  expect(read("--message=a=b").text("message")).toBe("a=b");
  expect(read("-ma=b").text("message")).toBe("a=b");
});

test("-h is the host where a command defines it so", () => {
  const given = read("-h", "example.org");
  expect(given.text("host")).toBe("example.org");
  expect(given.has("help")).toBe(false);
});

test("switches may be joined, and the last one may have a value", () => {
  const given = read("-rvv", "-vp", "1884");
  expect(given.has("retain")).toBe(true);
  expect(given.count("verbose")).toBe(3);
  expect(given.text("port")).toBe("1884");
  expect(read("-rp1884").text("port")).toBe("1884");
});

test("a property takes three values, a user property four", () => {
  const given = read(
    ...["-D", "connect", "session-expiry-interval", "5"],
    ...["-D", "publish", "user-property", "key", "-5"],
    ...["--property=publish", "content-type", "-m"],
    "positional",
  );
  expect(given.all("property")).toEqual([
    ["connect", "session-expiry-interval", "5"],
    ["publish", "user-property", "key", "-5"],
    ["publish", "content-type", "-m"],
  ]);
  expect(given.positionals).toEqual(["positional"]);
  expect(errorFrom("-D", "publish", "user-property", "key")).toBe(
    "mqttd: pub: -D lacks its value (-D PACKET NAME VALUE)\n",
  );
});

test("positional arguments may stand anywhere, and after -- nothing is a flag", () => {
  expect(read("x", "-r").positionals).toEqual(["x"]);
  expect(read("-r", "x").positionals).toEqual(["x"]);
  expect(read("-").positionals).toEqual(["-"]);
  expect(read("--", "-r").positionals).toEqual(["-r"]);
  expect(read("--", "-r").has("retain")).toBe(false);
  expect(errorFrom("x", "y")).toBe('mqttd: pub: unexpected argument "y" (see mqttd pub --help)\n');
});

test("a flag that was not given is absent", () => {
  const given = read();
  expect(given.text("port")).toBeNull();
  expect(given.texts("topic")).toEqual([]);
  expect(given.count("verbose")).toBe(0);
});

test("a long flag of the command is no value, and the error shows how to write it", () => {
  expect(errorFrom("-m", "--retain")).toBe(
    'mqttd: pub: -m lacks its value (-m TEXT; if the value is "--retain": --message=...)\n',
  );
});

test("a long flag with one dash is not read as a letter with its value", () => {
  expect(errorFrom("-id", "x")).toBe("mqttd: pub: unknown flag -id (did you mean --id?)\n");
  expect(errorFrom("-host=x")).toBe("mqttd: pub: unknown flag -host (did you mean --host?)\n");
  expect(read("-idx").text("id")).toBe("dx");
});

test("only the first error is reported", () => {
  expect(errorFrom("--prot", "1", "--mesage", "x")).toContain("--prot");
});

test("any value is returned as typed", () => {
  const own = new Set(pub().options.map(({ rawName }) => /--[a-z]+/.exec(rawName)?.[0] ?? ""));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      expect(read(`--message=${value}`).text("message")).toBe(value);
      if (!own.has(value.split("=")[0] ?? "")) {
        expect(read("-m", value).text("message")).toBe(value);
        expect(read("--message", value, "x").positionals).toEqual(["x"]);
      }
    }),
  );
});
