import { expect, test } from "bun:test";
import { mqttd, type Outcome } from "./surroundings.ts";

/** Where client commands find their password. */

type Given = NonNullable<Parameters<typeof mqttd>[1]>;

function passwordsOf({ dropped, stderr }: Outcome): readonly (string | null | undefined)[] {
  const [request] = dropped;
  if (request === undefined) throw new Error(stderr);
  const { target, via } = request;
  return via === null ? [target.password] : [target.password, via.password];
}

const asked = async (args: readonly string[], given: Given = {}) =>
  passwordsOf(await mqttd(["simulate-drop", ...args], given));

test("flags win over the address, and the address over the environment", async () => {
  const env = { MQTTD_PASSWORD: "of env" };
  const files = { "pw.txt": "of file\n" };
  const given = { env, files };
  const url = ["-L", "mqtt://ann:of-url@h"];
  expect(await asked([...url, "-P", "of flag"], given)).toEqual(["of flag"]);
  expect(await asked([...url, "--pw-file", "pw.txt"], given)).toEqual(["of file"]);
  expect(await asked(url, given)).toEqual(["of-url"]);
  expect(await asked(["-L", "mqtt://ann@h"], given)).toEqual(["of env"]);
  expect(await asked(["-u", "ann", "--via", "mqtt://h:2"], given)).toEqual(["of env", "of env"]);
  expect(await asked(["--unix", "/s", "-u", "ann"], given)).toEqual(["of env"]);
  // It is for whoever logs in, and no reason to.
  expect(await asked(["-h", "h"], given)).toEqual([null]);
  expect(await asked(["--embedded"], given)).toEqual([null]);
});

test("a file or standard input holds one line", async () => {
  const file = async (text: string) =>
    asked(["-u", "ann", "--pw-file", "f"], { files: { f: text } });
  expect(await file("pass word")).toEqual(["pass word"]);
  expect(await file(" pass \r\n")).toEqual([" pass "]);
  expect(await asked(["-u", "ann", "--pw-file", "-"], { input: "typed\n" })).toEqual(["typed"]);
});

test("on a terminal, --pw-file - asks", async () => {
  const ask = async (...typed: NonNullable<Given["typed"]>) =>
    mqttd(["simulate-drop", "-u", "ann", "--pw-file", "-"], { typed });
  const typed = await ask({ type: "typed", text: "secret" });
  expect(passwordsOf(typed)).toEqual(["secret"]);
  expect(typed.stderr).toBe("Password of ann: ");
  const ended = await ask({ type: "ended" });
  expect(ended).toMatchObject({ code: 2, dropped: [] });
  expect(ended.stderr).toEndWith("mqttd: --pw-file: no password was typed\n");
  expect(await ask({ type: "interrupted", exitCode: 130 })).toMatchObject({ code: 130 });
});

test("each error is one line, and quotes no password", async () => {
  const files = {
    two: "secret\nsecond\n",
    empty: "\n",
    long: "s".repeat(65_536),
    fine: "secret",
  };
  const refused = async (...args: string[]) => {
    const { code, stderr, dropped } = await mqttd(["simulate-drop", "-u", "ann", ...args], {
      files,
    });
    expect({ code, dropped }).toEqual({ code: 2, dropped: [] });
    expect(stderr).not.toContain("secret");
    return stderr.trimEnd();
  };
  expect(await refused("--pw-file", "fine", "-P", "secret")).toBe(
    "mqttd: --pw and --pw-file both give the password (give one of them)",
  );
  expect(await refused("--pw-file", "none")).toBe("mqttd: --pw-file: there is no file none");
  expect(await refused("--pw-file", "two")).toBe(
    "mqttd: --pw-file: two has several lines, allowed: a password",
  );
  expect(await refused("--pw-file", "empty")).toBe("mqttd: --pw-file: empty has no password");
  expect(await refused("--pw-file", "long")).toBe(
    "mqttd: --pw-file: long has more than 65535 bytes",
  );
  expect(await refused("--pw-file", "")).toBe(
    'mqttd: --pw-file: found "", allowed: the name of a file, or -',
  );
});

test("bench takes it from the same places", async () => {
  const of = async (args: readonly string[], given: Given) => {
    const { measured, stderr } = await mqttd(["bench", "--rows=trie", "-u", "ann", ...args], given);
    const [request] = measured;
    if (request === undefined) throw new Error(stderr);
    return request.brokers.map((broker) => "target" in broker && broker.target.password);
  };
  expect(await of(["--pw-file", "f"], { files: { f: "a" } })).toEqual(["a"]);
  expect(await of(["-L", "mqtt://localhost"], { env: { MQTTD_PASSWORD: "b" } })).toEqual(["b"]);
});

test("serve does not take the variable for a key of its configuration", async () => {
  const { code, served } = await mqttd(["serve"], { env: { MQTTD_PASSWORD: "secret" } });
  expect({ code, served: served.length }).toEqual({ code: 0, served: 1 });
});
