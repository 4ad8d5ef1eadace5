import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { aclShape } from "../inspect/answers/answer-shape.ts";
import { aclLines } from "../inspect/views/acl.ts";
import { filterFlaw } from "../wire/filter.ts";
import type { Arguments } from "./arguments.ts";
import { type Order, show, withQuery } from "./inspect-output.ts";

const actions = ["read", "write", "subscribe"];

/** `inspect acl`: exit code 1 if something that was asked for is denied. */
export function aclOrder(given: Arguments): Order {
  const topic = given.text("topic") ?? "";
  if (topic === "") {
    throw usageError("inspect acl: --topic is missing", "mqttd inspect acl --topic TOPIC");
  }
  const flaw = filterFlaw(topic);
  if (flaw !== null) throw usageError(`--topic: found ${quoted(topic)}: ${flaw}`);
  const action = given.text("action");
  if (action !== null && !actions.includes(action)) {
    const meant = nearest(action, actions);
    const hint = meant === null ? null : `did you mean ${meant}?`;
    throw usageError(`--action: found ${quoted(action)}, allowed: read, write or subscribe`, hint);
  }
  if (/[+#]/.test(topic) && action !== null && action !== "subscribe") {
    throw usageError(
      `--topic: found ${quoted(topic)}, allowed: a topic, which has no wildcards`,
      "for a filter: --action subscribe",
    );
  }
  const query = ["topic", "client", "user", "action", "listener"].flatMap((flag) => {
    const value = given.text(flag);
    return value === null ? [] : [[flag, value] as const];
  });
  return async (client, output) => {
    const answer = await client.ask(withQuery("/v1/acl", query), aclShape);
    show(output, answer, () => aclLines(answer, output.style));
    return answer.verdicts.every(({ allowed }) => allowed) ? 0 : 1;
  };
}
