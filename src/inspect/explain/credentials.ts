import type { ConnectionAccount } from "../../core/records/client-account.ts";
import { name } from "../../log/foreign.ts";

/** For a refusal of a user name or password, by the words that begin its detail; null: for another. */
export function credentialsAdvice(detail: string, { username }: ConnectionAccount): string | null {
  const who = username === null ? "it" : name(username);
  const setIt = `\`mqttd passwd FILE ${username === null ? "USER" : name(username)}\` and \`mqttd inspect reload\``;
  if (detail.startsWith("anonymous clients")) {
    return (
      `Give it a user name and a password of the broker's password file (${setIt} add one), or ` +
      "let anonymous clients in: auth.allowAnonymous, or allowAnonymous of that listener"
    );
  }
  if (detail.startsWith("unknown user name")) {
    return (
      `No account of that listener's password file is called ${who}: correct the user name, or add it ` +
      `with ${setIt}. User names are case-sensitive`
    );
  }
  if (detail.startsWith("wrong password")) {
    return (
      `Correct the password of ${who} in the client's configuration, or set a new one with ${setIt}. ` +
      "A line end at the end of a password read from a file is a common cause"
    );
  }
  if (detail.startsWith("a user name without a password")) {
    return `Give ${who} its password in CONNECT: the account has one`;
  }
  if (detail.startsWith("user names are refused")) {
    return (
      "That listener lets nobody in. Give it a password file (auth.passwordFile), or set its " +
      "allowAnonymous to true"
    );
  }
  return null;
}
