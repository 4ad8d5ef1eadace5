import type * as z from "zod";
import type { AclAnswer } from "../../api/api.ts";
import { nearest } from "../../config/nearest.ts";
import { accessOf, lastListenerOf } from "../../core/queries/queries.ts";
import type { ListenerPolicy } from "../../core/io.ts";
import { BadRequest } from "./body.ts";
import type { AdminContext } from "./context.ts";
import type { ofAcl } from "./parameters.ts";

/** What a client may do with a topic. Throws BadRequest. */
export function aclAnswer(
  admin: AdminContext,
  { topic, client: clientId, user, action, listener }: z.output<typeof ofAcl>,
): AclAnswer {
  const username = user ?? null;
  const isFilter = /[+#]/.test(topic);
  if (isFilter && action !== undefined && action !== "subscribe") {
    throw new BadRequest(`topic: found ${topic}, allowed: a topic, which has no wildcards`);
  }
  const policy = policyFor(admin, clientId, listener);
  const actions = isFilter ? (["subscribe"] as const) : (["read", "write"] as const);
  const list = policy?.accessList ?? null;
  const asked = action === undefined ? actions : [action];
  const verdicts = asked.map((one) =>
    accessOf(admin.broker, { list, clientId, username, topic, action: one }),
  );
  const warnings = admin.accessWarnings(admin.broker.access.of(list), username, verdicts);
  return { topic, clientId, username, listener: policy?.name ?? "", verdicts, warnings };
}

/** The named listener, else the one that the client used last, else the first. */
function policyFor(
  { broker, policies }: AdminContext,
  clientId: string,
  named: string | undefined,
): ListenerPolicy | undefined {
  if (named === undefined) {
    // Without a session, the client has gone, or was refused.
    const session = broker.sessions.get(clientId);
    const last = session === undefined ? lastListenerOf(broker, clientId) : null;
    const used = policies.find(({ accessList, name }) =>
      session === undefined ? name === last : accessList === session.accessList,
    );
    return used ?? policies[0];
  }
  const found = policies.filter((policy) => wordsFor(policy).includes(named));
  const [one, another] = found;
  if (another === undefined && one !== undefined) return one;
  const several = found.map(({ name }) => name);
  if (one !== undefined) {
    throw new BadRequest(`listener: ${named} may be ${several.join(" or ")}`, "name one of them");
  }
  const all = policies.map((policy) => ({ policy, words: wordsFor(policy) }));
  const word = nearest(
    named,
    all.flatMap(({ words }) => words),
  );
  const meant = all.find(({ words }) => word !== null && words.includes(word))?.policy.name;
  const names = policies.map(({ name }) => name);
  const hint =
    meant === undefined ? `the listeners are ${names.join(", ")}` : `did you mean ${meant}?`;
  throw new BadRequest(`listener: there is no listener ${named}`, hint);
}

/** `tcp localhost:1883`, `localhost:1883`, `1883`, and its place in the configuration. */
function wordsFor({ name, accessList }: ListenerPolicy): string[] {
  const address = name.slice(name.indexOf(" ") + 1);
  const [, port] = /:(\d+)$/.exec(address) ?? [];
  return [name, address, port, accessList].filter((word) => word !== undefined);
}
