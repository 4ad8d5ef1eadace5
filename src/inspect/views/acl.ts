import type { AclAnswer } from "../../api/api.ts";
import { clause, name, singleQuoted } from "../../log/foreign.ts";
import { drawn, table, type ViewStyle } from "./table.ts";

/** What a client may do with a topic, and the line that decides. */
export function aclLines(
  { topic, clientId, username, listener, verdicts, warnings }: AclAnswer,
  style: ViewStyle,
): string[] {
  const client = clientId === "" ? "A client" : name(clientId);
  const user =
    username === null ? "without a user name" : `with user name ${singleQuoted(username)}`;
  const rows = verdicts.map(({ action, allowed, by }) => [
    action,
    allowed ? "allowed" : "denied",
    clause(by),
  ]);
  return [
    ...drawn(`${client} ${user} on ${name(topic)}, ${name(listener)}:`, style.columns, 2),
    "",
    ...table(["ACTION", "ANSWER", "BY"], rows, style),
    ...(warnings.length === 0 ? [] : [""]),
    ...warnings.flatMap((text) => drawn(`warning: ${clause(text)}`, style.columns, 2)),
  ];
}
