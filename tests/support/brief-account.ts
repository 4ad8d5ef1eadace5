import { expect } from "bun:test";
import pc from "picocolors";
import type { ClientAnswer } from "../../src/api/api.ts";
import type { Millis } from "../../src/core/io.ts";
import { clientShape, overviewShape } from "../../src/inspect/answers/answer-shape.ts";
import type { Shape } from "../../src/inspect/answers/shape.ts";
import { explanationText, explainUnknown } from "../../src/inspect/explain/explain.ts";
import type { Explanation } from "../../src/inspect/explain/parts.ts";
import { sentence } from "../../src/log/sentence.ts";
import { accountText } from "./account-text.ts";
import { type Folder, run } from "./executable.ts";

/**
 * The output of the executable without the words that other tests approve: tests/inspect/explain has
 * the pages of `inspect explain`, tests/log the texts of habits. Here the executable's words are
 * compared with those of the same code in this process, made from the executable's own JSON.
 */

export async function clientAnswer(folder: Folder, clientId: string): Promise<ClientAnswer> {
  return asked(folder, clientShape, "client", clientId);
}

/** What `inspect explain` should show for an id that the broker does not know, nor one like it. */
export async function unknownExplained(folder: Folder, clientId: string): Promise<Explanation> {
  return explainUnknown(clientId, await asked(folder, overviewShape), []);
}

async function asked<Answer>(
  folder: Folder,
  shape: Shape<Answer>,
  ...words: readonly string[]
): Promise<Answer> {
  const ended = await run(folder, ["inspect", ...words, "--json"]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  return shape.parse(JSON.parse(ended.stdout));
}

/**
 * The verdicts of a printed page and the topics of its advice. Fails unless the whole page is that of
 * the explanation, except for measured times: the two answers are not of the same moment.
 */
export function briefPage(printed: string, explanation: Explanation): string {
  const style = { columns: 80, colors: pc.createColors(false) } as const;
  const page = accountText(printed);
  expect(page).toBe(accountText(explanationText(explanation, style)));
  const { onPurpose, before } = explanation;
  const verdicts = page.split("\n\n").slice(0, 1 + [onPurpose, before].filter(Boolean).length);
  const topics = explanation.advice.map(({ topic }) => topic).join(", ");
  return [...verdicts, `Advice: ${topics === "" ? "none" : topics}`].join("\n\n");
}

/** A log line; of a habit that the broker remembers, its name and facts instead of its exact text. */
export function withHabitNamed(line: string, { clientId, faults }: ClientAnswer): string {
  const peer = { clientId, remote: "" };
  for (const { at, ...habit } of faults) {
    const parts = sentence({ event: "clientFault", peer, ...habit }, at as Millis);
    const text = `Warning: ${parts.map((part) => part.text).join("")}`;
    const { fault, ...facts } = habit;
    if (line.endsWith(text)) {
      return line.replace(text, `Warning: ${clientId} <${fault}> ${JSON.stringify(facts)}`);
    }
  }
  return line;
}
