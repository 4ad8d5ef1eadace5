import { clientIdsShape, clientShape, overviewShape } from "../inspect/answers/answer-shape.ts";
import { type BrokerClient, NoSuchClient } from "../inspect/broker-client.ts";
import { type Finding, habitsOf, reportOf } from "../inspect/explain/lint.ts";
import { reportText } from "../inspect/explain/lint-text.ts";
import { isDropClient } from "../log/drop-names.ts";
import type { Arguments } from "./arguments.ts";
import { clientIdOf, pathOf } from "./inspect-names.ts";
import { itemsOf, limitOf, type Order, proseStyle, show, withQuery } from "./inspect-output.ts";

/** Clients asked about at the same time. */
const together = 8;

/** `mqttd inspect lint`: the habits of one client or of all; exit code 1 if one is proved. */
export function lintOrder(given: Arguments): Order {
  const word = given.text("client");
  const limit = limitOf(given);
  const items = itemsOf(limit);
  return async (client, output) => {
    const { ids, more } =
      word === null
        ? await client.ask(withQuery("/v1/client-ids", limit), clientIdsShape(items), { items })
        : { ids: [await clientIdOf(client, word)], more: false };
    const findings: Finding[] = [];
    let clients = 0;
    const leftOut = { clients: 0, habits: 0 };
    let dropClient = false;
    for (let at = 0; at < ids.length; at += together) {
      const some = ids.slice(at, at + together);
      const found = await Promise.all(some.map(async (id) => habitsIn(client, id, word !== null)));
      for (const known of found) {
        if (known === null) continue;
        const { habits, isDrop } = known;
        if (isDrop && word === null) {
          leftOut.clients += 1;
          leftOut.habits += habits.length;
        } else {
          clients += 1;
          dropClient = isDrop;
          findings.push(...habits);
        }
      }
    }
    const { like } = await client.ask("/v1/overview", overviewShape);
    const report = reportOf(findings, clients, more, like, leftOut, dropClient);
    show(output, report, () => [reportText(report, proseStyle(output.style)).trimEnd()]);
    return report.findings.some(({ mark }) => mark === "proved") ? 1 : 0;
  };
}

/** Null: forgotten since the list was written. */
async function habitsIn(
  client: BrokerClient,
  clientId: string,
  isAsked: boolean,
): Promise<{ readonly habits: readonly Finding[]; readonly isDrop: boolean } | null> {
  try {
    const answer = await client.ask(pathOf(clientId), clientShape);
    const topics = answer.wills.map(({ topic }) => topic);
    return { habits: habitsOf(answer), isDrop: isDropClient(clientId, topics) };
  } catch (error) {
    if (!isAsked && error instanceof NoSuchClient) return null;
    throw error;
  }
}
