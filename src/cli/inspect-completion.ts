import { addressOf } from "../inspect/broker-address.ts";
import { BrokerClient } from "../inspect/broker-client.ts";
import { clientIdsShape } from "../inspect/answers/answer-shape.ts";
import { eventNames, levels } from "../log/events.ts";
import type { Surroundings } from "./command.ts";
import { withQuery } from "./inspect-output.ts";
import { type Verb, verbs } from "./inspect-verbs.ts";
import {
  type Completion,
  described,
  files,
  fromBroker,
  nothing,
  type Offer,
  wordsOf,
} from "./offer.ts";

/** The shell's completion of `mqttd inspect`; client ids are those that the broker knows. */
export const inspectCompletion: Completion = {
  values: {
    action: () => wordsOf(["read", "write", "subscribe"]),
    event: () => wordsOf(eventNames),
    expect: () => wordsOf(["published", "discarded", "cancelled"]),
    from: () => wordsOf(["client", "server"]),
    how: () => wordsOf(["rst", "silent"]),
    sort: () => wordsOf(["memory"]),
  },
  word: wordAfter,
};

async function wordAfter(before: readonly string[], surroundings: Surroundings): Promise<Offer> {
  const named = (Object.keys(verbs) as Verb[]).filter((verb) => verb !== ""); // The table's keys.
  const [verb, ...words] = before;
  if (verb === undefined || (verb === "help" && words.length === 0)) {
    return described(named.map((name) => [name, verbs[name].text] as const));
  }
  const found = named.find((name) => name === verb);
  if (found === undefined || words.length > 0) return nothing;
  switch (verbs[found].words) {
    case "ID":
      return fromBroker(async () => knownIds(surroundings));
    case "LEVEL":
      return wordsOf(levels);
    case "HEX|FILE|-":
      return files;
    default:
      return nothing;
  }
}

/** A person waits at the prompt. */
const answerMs = 500;
const idsMax = 1000;

async function knownIds({ env }: Surroundings): Promise<readonly string[]> {
  const address = await addressOf({ admin: null, tokenFile: null, caFile: null, env });
  const path = withQuery("/v1/client-ids", [["limit", String(idsMax)]]);
  const { ids } = await new BrokerClient(address, answerMs).ask(path, clientIdsShape(idsMax));
  return ids;
}
