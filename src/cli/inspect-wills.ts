import { waitMaxMs, type WillsAnswer } from "../api/api.ts";
import { CliError, usageError } from "../config/cli-error.ts";
import { quoted } from "../config/problem.ts";
import type { WillAccount } from "../core/records/will-account.ts";
import type { NoSuchClient } from "../inspect/broker-client.ts";
import { willsShape } from "../inspect/answers/answer-shape.ts";
import { willsLines } from "../inspect/views/wills.ts";
import { name } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import { answerFor, clientIdOf, unknownClient } from "./inspect-names.ts";
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
  const wait: [string, string][] = waitMs === null ? [] : [["wait", `${waitMs}ms`]];
  const word = given.text("client");
  const topic = given.text("topic");
  return async (client, output) => {
    const clientId = word === null ? null : await clientIdOf(client, word);
    const ask = async (onTopic: string | null): Promise<WillsAnswer> => {
      const query: [string, string][] = [...kind, ...limit, ...wait];
      if (clientId !== null) query.push(["client", clientId]);
      if (onTopic !== null) query.push(["topic", onTopic]);
      const more = { waitMs: waitMs ?? 0, items };
      return client.ask(withQuery("/v1/wills", query), willsShape(items), more);
    };
    const isEmpty = ({ wills }: WillsAnswer): boolean => wills.length === 0;
    // A second request would wait as long again.
    const answer =
      topic === null || waitMs !== null ? await ask(topic) : await answerFor(topic, ask, isEmpty);
    const isMissing = isEmpty(answer) && answer.awaitedWill === null;
    const unknown = clientId === null || !isMissing ? null : await unknownClient(client, clientId);
    if (unknown === null || output.json) {
      const none = { which: kind[0]?.[1] ?? null, clientId, topic };
      show(output, answer, () => willsLines(answer, output.style, none));
    }
    judge(answer, expected, unknown);
    if (unknown !== null) throw unknown;
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

/**
 * Judges the awaited will, else the one that was armed last. `unknown`: no such client is known.
 */
function judge(
  { wills, decided, awaitedWill }: WillsAnswer,
  expected: string | null,
  unknown: NoSuchClient | null,
): void {
  if (decided === false) {
    const what =
      awaitedWill === null ? "there is no such will yet" : "the will has not been decided yet";
    throw new CliError(`timed out: ${what}`, { exitCode: 5, hint: nearHint(unknown) });
  }
  if (expected === null) return;
  const armedLast = wills.reduce<WillAccount | null>(
    (last, will) => (last !== null && last.id > will.id ? last : will),
    null,
  );
  const will = awaitedWill ?? armedLast;
  const fate = will?.fate?.fate;
  if (fate === expected) return;
  const found = will === null ? "there is none" : `the newest ${fate ?? "has no fate yet"}`;
  throw new CliError(`expected a will that was ${expected}, ${found}`, {
    exitCode: 1,
    hint: nearHint(unknown),
  });
}

function nearHint(unknown: NoSuchClient | null): string | null {
  if (unknown === null || unknown.nearest.length === 0) return null;
  return `did you mean ${unknown.nearest.map(name).join(" or ")}?`;
}
