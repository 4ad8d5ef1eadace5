import { clientShape } from "../inspect/answers/answer-shape.ts";
import { type BrokerClient, NoSuchClient } from "../inspect/broker-client.ts";
import { nameFromPrinted } from "../log/foreign.ts";
import { withQuery } from "./inspect-output.ts";

/** A path can't contain the ids `.` and `..`; they go into the query. */
export function pathOf(clientId: string, order = ""): string {
  if (/^\.\.?$/.test(clientId)) return withQuery(`/v1/client${order}`, [["id", clientId]]);
  return `/v1/clients/${encodeURIComponent(clientId)}${order}`;
}

/**
 * The client id that the operator means: the word, unless only the name of which it is the printed
 * form (`'dev\u001b[31m'`) is known.
 */
export async function clientIdOf(client: BrokerClient, word: string): Promise<string> {
  const other = nameFromPrinted(word);
  if (other === null || (await unknownClient(client, word)) === null) return word;
  return (await unknownClient(client, other)) === null ? other : word;
}

/** The broker's refusal for an unknown client id; null: it is known. */
export async function unknownClient(
  client: BrokerClient,
  clientId: string,
): Promise<NoSuchClient | null> {
  try {
    await client.ask(pathOf(clientId), clientShape);
    return null;
  } catch (error) {
    if (error instanceof NoSuchClient) return error;
    throw error;
  }
}

/** The same for a topic or a filter, of which the broker has no list: what finds something counts. */
export async function answerFor<Answer>(
  word: string,
  ask: (name: string) => Promise<Answer>,
  isEmpty: (answer: Answer) => boolean,
): Promise<Answer> {
  const answer = await ask(word);
  const other = nameFromPrinted(word);
  if (other === null || other === "" || !isEmpty(answer)) return answer;
  const second = await ask(other);
  return isEmpty(second) ? answer : second;
}
