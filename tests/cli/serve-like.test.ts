import { expect, test } from "bun:test";
import { plantedQuirks } from "../../src/core/quirks/planted.ts";
import { likes } from "../../src/core/quirks/likes.ts";
import { mqttd } from "./surroundings.ts";

async function likeOf(...args: readonly string[]) {
  const { code, stderr, served } = await mqttd(["serve", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return served[0]?.like;
}

test("--like serves by the rules of that broker, or by one quirk", async () => {
  expect(await likeOf()).toBeNull();
  for (const like of likes) expect(await likeOf("--like", like.name)).toEqual(like);
  const name = "E1-delay-ignored";
  expect(await likeOf(`--like=${name}`)).toEqual({
    name,
    summary: null,
    rules: plantedQuirks[name],
  });
});

const refused = [
  ["rumqttd-0.18", "did you mean rumqttd-0.19?"],
  ["mosquito", "did you mean mosquitto-2.0?"],
  ["Mosquitto_2.0", "did you mean mosquitto-2.0?"],
  ["E5", "did you mean E5-newer-wills-hold-up-older?"],
  ["hlep", "did you mean help?"],
  ["hivemq", "see mqttd serve --like help"],
  ["", "see mqttd serve --like help"],
] as const;

for (const [name, hint] of refused) {
  test(`--like ${name}: exit code 2, ${hint}`, async () => {
    expect(await mqttd(["serve", "--like", name])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `mqttd: --like: found "${name}", which is not a known broker or quirk (${hint})\n`,
      served: [],
    });
  });
}

test("--like help names every broker and every quirk, once, and does not serve", async () => {
  const { code, stdout, stderr, served } = await mqttd(["serve", "--like", "help"]);
  expect({ code, stderr, served }).toEqual({ code: 0, stderr: "", served: [] });
  const names = stdout.matchAll(/^ {2}(\S+-\S+)/gm).map(([, name]) => name);
  const known = [...likes.map(({ name }) => name), ...Object.keys(plantedQuirks)];
  expect([...names]).toEqual(known);
  expect(stdout.split("\n").slice(0, 16).join("\n")).toMatchInlineSnapshot(`
    "Usage: mqttd serve --like NAME

    Runs a broker that misbehaves on purpose, to test how your clients cope. Its log
    and its administration name the quirk.

    Brokers, with their known quirks:
      rumqttd-0.19   no keepalive deadline and no detection by TCP: a client that
                     vanishes without FIN or RST stays connected, and its will is
                     not published
      mosquitto-2.0  checks keepalives every 6 s; a takeover, a DISCONNECT from 0x80
                     and a protocol error lose the will; newer delayed wills hold up
                     older ones

    Single quirks: keepalive:
      A1-no-deadline
      A1-no-deadline-while-output-waits"
  `);
});

test("the help of serve names the brokers, and where to find the quirks", async () => {
  const { stdout } = await mqttd(["serve", "--help"]);
  for (const { name } of likes) expect(stdout).toContain(name);
  for (const name of Object.keys(plantedQuirks)) expect(stdout).not.toContain(name);
  expect(stdout).toContain("mqttd serve --like help");
});
