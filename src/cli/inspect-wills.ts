import { waitMaxMs, type WillsAnswer } from "../api/api.ts";
import { CliError, usageError } from "../config/cli-error.ts";
import { quoted } from "../config/problem.ts";
import { willsShape } from "../inspect/answers/answer-shape.ts";
import { willsLines } from "../inspect/views/wills.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import { itemsOf, limitOf, type Order, show, withQuery } from "./inspect-output.ts";

const fates = ["published", "discarded", "cancelled"];
const kinds = { pending: "pending", fired: "fired", "not-fired": "notFired" } as const;

/**
 * `mqttd inspect wills`. `--wait` waits until the newest is decided (else exit code 5), `--expect`
 * compares its fate (exit code 1).
 */
export function willsOrder(given: Arguments): Order {
  const expected = expectedFate(given);
  const waitMs = durationFrom(given, "wait", waitMaxMs);
  const kind = kindOf(given);
  if (waitMs !== null && kind.length > 0) {
    throw usageError("--wait waits for any fate", "use --expect for the one it should be");
  }
  const limit = limitOf(given);
  const items = itemsOf(limit);
  const query: [string, string][] = [...kind, ...limit];
  for (const flag of ["client", "topic"]) {
    const value = given.text(flag);
    if (value !== null) query.push([flag, value]);
  }
  if (waitMs !== null) query.push(["wait", `${waitMs}ms`]);
  return async (client, output) => {
    const answer = await client.ask(withQuery("/v1/wills", query), willsShape(items), {
      waitMs: waitMs ?? 0,
      items,
    });
    show(output, answer, () => willsLines(answer, output.style));
    judge(answer, expected);
    return 0;
  };
}

function expectedFate(given: Arguments): string | null {
  const expected = given.text("expect");
  if (expected === null || fates.includes(expected)) return expected;
  throw usageError(
    `--expect: found ${quoted(expected)}, allowed: published, discarded or cancelled`,
  );
}

function kindOf(given: Arguments): [string, string][] {
  const [first, second] = Object.entries(kinds).filter(([flag]) => given.has(flag));
  if (first === undefined) return [];
  if (second === undefined) return [["which", first[1]]];
  throw usageError(`--${first[0]} and --${second[0]} exclude each other`, "give one of them");
}

/** Judges the awaited will, else the newest. */
function judge({ wills, decided, awaitedWill }: WillsAnswer, expected: string | null): void {
  if (decided === false) {
    throw new CliError("timed out: the will has not been decided yet", { exitCode: 5 });
  }
  if (expected === null) return;
  const will = awaitedWill ?? wills[0];
  const fate = will?.fate?.fate;
  if (fate === expected) return;
  const found = will === undefined ? "there is none" : `the newest ${fate ?? "has no fate yet"}`;
  throw new CliError(`expected a will that was ${expected}, ${found}`, { exitCode: 1 });
}
