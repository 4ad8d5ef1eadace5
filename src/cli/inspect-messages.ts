import { type MessagesAnswer, waitMaxMs } from "../api/api.ts";
import { CliError } from "../config/cli-error.ts";
import { messagesShape } from "../inspect/answers/answer-shape.ts";
import { messagesLines } from "../inspect/views/messages.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import { answerFor } from "./inspect-names.ts";
import { itemsOf, limitOf, type Order, show, withQuery } from "./inspect-output.ts";

/** `mqttd inspect messages`. `--wait` waits until there are as many as `--limit`, or one. */
export function messagesOrder(word: string | null, given: Arguments): Order {
  const waitMs = durationFrom(given, "wait", waitMaxMs);
  const limit = limitOf(given);
  const items = itemsOf(limit);
  return async (client, output) => {
    const ask = async (topic: string): Promise<MessagesAnswer> => {
      const query: [string, string][] = [["topic", topic]];
      for (const [, count] of limit) query.push(["count", count]);
      if (waitMs !== null) query.push(["wait", `${waitMs}ms`]);
      const more = { waitMs: waitMs ?? 0, items };
      return client.ask(withQuery("/v1/messages", query), messagesShape(items), more);
    };
    const isEmpty = ({ messages }: MessagesAnswer): boolean => messages.length === 0;
    const filter = word ?? "#";
    // A second request would wait as long again.
    const answer = waitMs === null ? await answerFor(filter, ask, isEmpty) : await ask(filter);
    show(output, answer, () => messagesLines(answer, output.style));
    if (waitMs === null || answer.complete) return 0;
    const { length } = answer.messages;
    const came = length === 1 ? "1 message" : `${length} messages`;
    throw new CliError(`timed out: ${came} so far`, { exitCode: 5 });
  };
}
