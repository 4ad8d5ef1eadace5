import { expect, test } from "bun:test";
import { plantedFaults } from "../../src/core/faults.ts";
import { likes } from "../../src/core/likes.ts";
import { mqttd } from "./surroundings.ts";

async function likeOf(...args: readonly string[]) {
  const { code, stderr, served } = await mqttd(["serve", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return served[0]?.like;
}

test("--like serves by the rules of that broker, or by one fault", async () => {
  expect(await likeOf()).toBeNull();
  for (const like of likes) expect(await likeOf("--like", like.name)).toEqual(like);
  const name = "E1-delay-ignored";
  expect(await likeOf(`--like=${name}`)).toEqual({
    name,
    summary: null,
    rules: plantedFaults[name],
  });
});

const refused = [
  ["rumqttd-0.18", "did you mean rumqttd-0.19?"],
  ["mosquito", "did you mean mosquitto-2.0?"],
  ["Mosquitto_2.0", "did you mean mosquitto-2.0?"],
  ["E5", "did you mean E5-newer-wills-hold-up-older?"],
  ["hivemq", "see mqttd serve --help"],
  ["", "see mqttd serve --help"],
] as const;

for (const [name, hint] of refused) {
  test(`--like ${name}: exit code 2, ${hint}`, async () => {
    expect(await mqttd(["serve", "--like", name])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `mqttd: --like: found "${name}", which is no such broker or fault (${hint})\n`,
      served: [],
    });
  });
}

test("the help names every broker and every fault", async () => {
  const { stdout } = await mqttd(["serve", "--help"]);
  for (const { name } of likes) expect(stdout).toContain(name);
  for (const name of Object.keys(plantedFaults)) expect(stdout).toContain(name);
});
