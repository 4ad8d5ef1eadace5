import { NoAnswer, Refused, InvalidAnswer } from "../client/client-error.ts";
import { DialError } from "../client/dial-error.ts";
import { refusalText } from "../client/refusal.ts";
import { control } from "./control.ts";
import { CalledOff, ControlFailed, NotOffered } from "./no-verdict.ts";
import type { Result, Scenario } from "./scenario.ts";
import { Stage, type StageOptions } from "./stage.ts";
import type { StallsBetween } from "./doubt.ts";
import { inconclusive, judge, skipped } from "./verdict.ts";

/** What a scenario that was called off held, and has taken back. */
export interface Held {
  readonly connections: number;
  /** Sessions, retained messages, processes and the like. */
  readonly leftovers: number;
  /** What could not be taken back, and why. */
  readonly problems: readonly string[];
}

/** Plays one scenario, judges it, and takes back what it left. Never rejects for a broker's sake. */
export async function playScenario(
  scenario: Scenario,
  options: StageOptions,
  stalls: StallsBetween,
  cleared: (held: Held) => void,
): Promise<Result> {
  const stage = new Stage(options, scenario.id, token());
  const result = await judged(scenario, stage, stalls);
  const { holds } = stage;
  const problems = await stage.clear();
  if (options.signal.aborted) cleared({ ...holds, problems });
  if (problems.length === 0 || result.verdict !== "pass") return result;
  return { ...result, detail: `${result.detail}; not cleaned up: ${problems.join(", ")}` };
}

/** Makes topics and client ids of a stage nobody else's. */
export function token(): string {
  return crypto.randomUUID().slice(0, 8);
}

async function judged(scenario: Scenario, stage: Stage, stalls: StallsBetween): Promise<Result> {
  const { options } = stage;
  try {
    await control(stage);
    const observations = await scenario.play(stage);
    // Whatever it looks like: the connection was ended from here.
    if (stage.invalidAnswer !== null) throw stage.invalidAnswer;
    return judge(scenario, options, stage.droppedAt, observations, stalls);
  } catch (error) {
    if (error instanceof CalledOff) {
      return inconclusive(scenario, options, error.message, "called off");
    }
    // What was missed for its sake is no failure of its own.
    const invalidAnswer = error instanceof InvalidAnswer ? error : stage.invalidAnswer;
    if (invalidAnswer !== null) return inconclusive(scenario, options, invalidAnswer.message);
    if (error instanceof NotOffered) return skipped(scenario, options, error.message);
    if (error instanceof ControlFailed) {
      return inconclusive(scenario, options, error.message, error.noVerdict);
    }
    if (error instanceof Refused) {
      const text = `the broker refuses a client of this scenario: ${refusalText(error)}`;
      return (isDenial(error) ? skipped : inconclusive)(scenario, options, text);
    }
    if (error instanceof DialError || error instanceof NoAnswer) {
      return inconclusive(scenario, options, `the broker is gone or silent: ${error.message}`);
    }
    throw error;
  }
}

/**
 * Codes of CONNACK by which a broker's access rules say no: to the client id, the credentials, the
 * client, or what it asks for. 2, 4 and 5 are MQTT 3.1.1's (v4 section 3.2.2.3, v5 section 3.2.2.2).
 */
const denials: ReadonlySet<number> = new Set([2, 4, 5, 0x85, 0x86, 0x87, 0x8a, 0x90, 0x9a, 0x9b]);

function isDenial({ code }: Refused): boolean {
  return denials.has(code);
}
