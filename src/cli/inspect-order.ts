import type { Answers, DropAnswer, KickAnswer, Overview } from "../api/api.ts";
import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import {
  clientShape,
  clientsShape,
  configShape,
  dropShape,
  kickShape,
  logShape,
  overviewShape,
  reloadShape,
  retainedShape,
  routeShape,
  sessionsShape,
  storeShape,
  subscriptionsShape,
  willsShape,
} from "../inspect/answers/answer-shape.ts";
import type { Shape } from "../inspect/answers/shape.ts";
import { type BrokerClient, NoSuchClient } from "../inspect/broker-client.ts";
import { clientLines, clientsLines } from "../inspect/views/client.ts";
import { configLines } from "../inspect/views/config.ts";
import {
  explain,
  type Explanation,
  explanationText,
  explainUnknown,
  levelsOf,
  publishedWill,
} from "../inspect/explain/explain.ts";
import { overviewLines } from "../inspect/views/overview.ts";
import { retainedLines, type Unlisted } from "../inspect/views/retained.ts";
import type { ViewStyle } from "../inspect/views/table.ts";
import { routeLines, sessionsLines, subscriptionsLines } from "../inspect/views/sessions.ts";
import { storeLines } from "../inspect/views/store.ts";
import { accessReloadedText, accountsReloadedText } from "../log/accounts.ts";
import { levels } from "../log/events.ts";
import { clause, name } from "../log/foreign.ts";
import { timeOfDay } from "../log/render.ts";
import type { Arguments } from "./arguments.ts";
import {
  itemsOf,
  limitOf,
  type Order,
  type Output,
  proseStyle,
  show,
  withQuery,
} from "./inspect-output.ts";
import { aclOrder } from "./inspect-acl.ts";
import { lintOrder } from "./inspect-lint.ts";
import { messagesOrder } from "./inspect-messages.ts";
import { answerFor, clientIdOf, pathOf } from "./inspect-names.ts";
import { tailOrder } from "./inspect-tail.ts";
import type { Verb } from "./inspect-verbs.ts";
import { willsOrder } from "./inspect-wills.ts";

/** The order of a verb. Throws CliError for an invalid word or flag. */
export function orderOf(
  verb: Exclude<Verb, "packet">,
  word: string | null,
  given: Arguments,
): Order {
  switch (verb) {
    case "":
      return async (client, output) => {
        const answer = await client.ask("/v1/overview", overviewShape);
        return show(output, answer, () => overviewLines(answer, output.style));
      };
    case "client":
      return async (client, output) => {
        const id = await clientIdOf(client, word ?? "");
        const answer = await client.ask(pathOf(id), clientShape);
        return show(output, answer, () => clientLines(answer, output.style));
      };
    case "explain":
      return async (client, output) => {
        const id = await clientIdOf(client, word ?? "");
        const { answer, unknown } = await explained(client, id);
        const style = proseStyle(output.style);
        show(output, answer, () => [explanationText(answer, style).trimEnd()]);
        if (unknown !== null) throw unknown;
        return 0;
      };
    case "acl":
      return aclOrder(given);
    case "config":
      return async (client, output) => {
        const answer = await client.ask("/v1/config", configShape);
        return show(output, answer, () => configLines(answer, output.style));
      };
    case "store":
      return async (client, output) => {
        const answer = await client.ask("/v1/store", storeShape);
        // Queried after it, so that its last commit is not newer.
        const { now } = await client.ask("/v1/overview", overviewShape);
        return show(output, answer, () => storeLines(now, answer, output.style));
      };
    case "clients":
    case "sessions":
    case "subscriptions":
    case "retained":
      return listOrder(verb, word, given);
    case "messages":
      return messagesOrder(word, given);
    case "lint":
      return lintOrder(given);
    case "wills":
      return willsOrder(given);
    case "tail":
      return tailOrder(given);
    case "kick":
    case "drop":
      return closeOrder(verb, word ?? "", given);
    case "reload":
      return reload;
    case "log":
      return logOrder(word ?? "");
  }
}

/** For an unknown client id: an explanation why the broker may not know it. */
async function explained(
  client: BrokerClient,
  clientId: string,
): Promise<{ answer: Explanation; unknown: NoSuchClient | null }> {
  try {
    const answer = await client.ask(pathOf(clientId), clientShape);
    if (publishedWill(answer) === null) return { answer: explain(answer), unknown: null };
    const { subscriptions } = await client.ask("/v1/subscriptions", subscriptionsShape());
    return { answer: explain(answer, subscriptions), unknown: null };
  } catch (error) {
    if (!(error instanceof NoSuchClient)) throw error;
    const known = await client.ask("/v1/overview", overviewShape);
    const { wills } = await client.ask("/v1/wills", willsShape());
    const { retained } = await client.ask("/v1/retained", retainedShape());
    const levels = levelsOf(clientId, wills, retained);
    return { answer: explainUnknown(clientId, known, error.nearest, levels), unknown: error };
  }
}

function sortOf(given: Arguments): [string, string][] {
  const sort = given.text("sort");
  if (sort === null) return [];
  if (sort === "memory") return [["sort", sort]];
  throw usageError(`--sort ${quoted(sort)}: not a way to sort clients`, "allowed: memory");
}

function listOrder(
  verb: "clients" | "sessions" | "subscriptions" | "retained",
  word: string | null,
  given: Arguments,
): Order {
  const limit = limitOf(given);
  const items = itemsOf(limit);
  switch (verb) {
    case "clients":
      return agedList(
        withQuery("/v1/clients", [...sortOf(given), ...limit]),
        clientsShape(items),
        items,
        (now, { clients }, style) => clientsLines(now, clients, style),
      );
    case "sessions":
      return agedList(
        withQuery("/v1/sessions", limit),
        sessionsShape(items),
        items,
        (now, { sessions }, style) => sessionsLines(now, sessions, style),
      );
    case "retained": {
      return async (client, output) => {
        const answer = await answerFor(
          word ?? "#",
          async (filter) => {
            const path = withQuery("/v1/retained", [["filter", filter], ...limit]);
            return client.ask(path, retainedShape(items), { items });
          },
          ({ retained }) => retained.length === 0,
        );
        const { now, retained } = await client.ask("/v1/overview", overviewShape);
        return show(output, answer, () =>
          retainedLines(now, answer.retained, output.style, unlisted(word, answer, retained)),
        );
      };
    }
    case "subscriptions":
      if (word !== null) return routeOrder(word, limit.length > 0);
      return async (client, output) => {
        const path = withQuery("/v1/subscriptions", limit);
        const answer = await client.ask(path, subscriptionsShape(items), { items });
        return show(output, answer, () => subscriptionsLines(answer.subscriptions, output.style));
      };
  }
}

/** A list that shows ages. */
function agedList<Answer extends object>(
  path: string,
  shape: Shape<Answer>,
  items: number,
  lines: (now: number, answer: Answer, style: ViewStyle) => readonly string[],
): Order {
  return async (client, output) => {
    const answer = await client.ask(path, shape, { items });
    // Queried after the list, so that no item of the list is newer.
    const { now } = await client.ask("/v1/overview", overviewShape);
    return show(output, answer, () => lines(now, answer, output.style));
  };
}

function routeOrder(topic: string, isLimited: boolean): Order {
  if (/[+#]/.test(topic)) {
    const allowed = "a topic, which has no wildcards";
    throw usageError(`subscriptions: found ${quoted(topic)}, allowed: ${allowed}`);
  }
  if (isLimited) throw usageError("subscriptions TOPIC has no flag --limit");
  return async (client, output) => {
    const answer = await answerFor(
      topic,
      async (one) => client.ask(withQuery("/v1/route", [["topic", one]]), routeShape),
      ({ recipients }) => recipients.length === 0,
    );
    return show(output, answer, () => routeLines(answer, output.style));
  };
}

/** What the default filter does not match, because it begins with a wildcard. */
function unlisted(
  filter: string | null,
  { retained, more }: Answers["retained"],
  { messages, own }: Overview["retained"],
): Unlisted | null {
  if (filter !== null && filter !== "#") return null;
  const belowSys = own?.messages ?? 0;
  return { belowSys, others: more ? 0 : Math.max(0, messages - belowSys - retained.length) };
}

/** `kick` and `drop`: exit code 1 if the client was not connected. */
function closeOrder(verb: "kick" | "drop", clientId: string, given: Arguments): Order {
  const how = given.text("how") ?? "rst";
  if (how !== "rst" && how !== "silent") {
    throw usageError(`--how: found ${quoted(how)}, allowed: rst or silent`);
  }
  return async (client, output) => {
    const id = await clientIdOf(client, clientId);
    const answer =
      verb === "kick"
        ? await client.ask(pathOf(id), kickShape, { method: "DELETE" })
        : await client.ask(pathOf(id, "/drop"), dropShape, {
            method: "POST",
            body: { how },
          });
    show(output, answer, () => [closeText(id, verb === "kick" ? null : how, answer)]);
    return answer.wasConnected ? 0 : 1;
  };
}

function closeText(
  clientId: string,
  how: "rst" | "silent" | null,
  answer: KickAnswer | DropAnswer,
): string {
  const who = name(clientId);
  if (!answer.wasConnected) return `${who} was not connected`;
  if (how === null) return `${who}: closed`;
  if (how === "rst" || !("deadlineAt" in answer)) return `${who}: reset`;
  const { deadlineAt, hint } = answer;
  const end = deadlineAt === null ? (hint ?? "nothing will end it") : null;
  return `${who}: silent from now on; ${end ?? `its keepalive ends it at ${timeOfDay(deadlineAt ?? 0, "local")}`}`;
}

async function reload(client: BrokerClient, output: Output): Promise<number> {
  const answer = await client.ask("/v1/reload", reloadShape, { method: "POST" });
  if (!answer.ok) {
    if (output.json) show(output, answer, () => []);
    throw usageError(
      answer.problems.map(clause).join("\n"),
      "the old configuration stays in force",
    );
  }
  const { changed, later, accounts, access, warnings } = answer;
  const isSame = changed.length + accounts.length + access.length === 0;
  return show(output, answer, () => [
    ...(isSame ? ["reloaded: no changes"] : []),
    ...(changed.length === 0 ? [] : [`reloaded: ${changed.map(name).join(", ")}`]),
    ...accounts.map((change) => accountsReloadedText(change)),
    ...access.map((change) => accessReloadedText(change)),
    ...(later.length === 0 ? [] : [`only after a restart: ${later.map(name).join(", ")}`]),
    ...warnings.map((text) => `warning: ${clause(text)}`),
  ]);
}

function logOrder(level: string): Order {
  if (!levels.some((one) => one === level)) {
    const meant = nearest(level, levels);
    throw usageError(
      `log: found ${quoted(level)}, allowed: ${levels.join(", ")}`,
      meant === null ? null : `did you mean ${meant}?`,
    );
  }
  return async (client, output) => {
    const answer = await client.ask("/v1/log", logShape, {
      method: "PUT",
      body: { level },
    });
    return show(output, answer, () => [`log level ${name(answer.level)}`]);
  };
}
