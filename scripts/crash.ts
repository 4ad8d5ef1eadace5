/** Kills brokers with a store again and again: see `help`. */
import { playCrashes } from "../tests/crash/play.ts";
import { Dice } from "../tests/support/dice.ts";
import { flagsOf, runScript, UsageError, wholeNumber } from "./usage.ts";

const help = `npm run crash -- [options]

Kills dist/mqttd (or MQTTD_EXECUTABLE) with SIGKILL at random moments while clients of mqtt.js publish
with QoS 1 and 2, and starts it again on the same store. Every acknowledged message has to arrive (QoS 2
exactly once), no session, subscription or retained message may be lost, and every will has to be
published once its client is gone, and to have that one fate in the records at the end.

  --rounds N           how often to kill it (200)
  --seed N             of the moments and deeds (random)
  --durability LEVEL   normal or full (normal)

Exit codes: 0 nothing was lost, 1 something was, 2 wrong usage.`;

const options = {
  rounds: { type: "string", default: "200" },
  seed: { type: "string" },
  durability: { type: "string", default: "normal" },
  help: { type: "boolean", default: false },
} as const;

await runScript(async () => {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const rounds = wholeNumber("rounds", values.rounds, 1);
  const { durability } = values;
  if (durability !== "normal" && durability !== "full") {
    throw new UsageError("--durability takes normal or full");
  }
  const seed = values.seed === undefined ? Dice.seed() : wholeNumber("seed", values.seed);
  console.log(`seed ${seed}`);
  try {
    const print = (line: string): void => console.log(line);
    const figures = await playCrashes({ rounds, seed, durability, print });
    console.log(`nothing lost: ${JSON.stringify(figures)}`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
});
