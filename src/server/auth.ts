import { Reason, type ProtocolError } from "../core/reason.ts";
import type { Link } from "../transport/transport.ts";

export interface Credentials {
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  /** The listener's setting. */
  readonly allowAnonymous: boolean;
}

/** Calls `answer` once, now or later. Null: accepted. */
export type Authenticate = (
  credentials: Credentials,
  answer: (refused: ProtocolError | null) => void,
) => void;

/**
 * The policy without a password file, as in mosquitto: a listener with allowAnonymous accepts every
 * client and ignores user names; any other listener refuses every client.
 */
export const anonymousOnly: Authenticate = (credentials, answer) => {
  if (credentials.allowAnonymous) return answer(null);
  if (credentials.username === null) {
    return answer({
      reason: Reason.notAuthorized,
      statement: "v5-3.1.4-2",
      detail: "anonymous clients are not allowed",
    });
  }
  answer({
    reason: Reason.badUserNameOrPassword,
    statement: "v5-3.1.4-2",
    detail: "unknown user name",
  });
};

/** For a link whose certificate decides: accepts if that has a name. Null: CONNECT decides. */
export function byCertificate({ identity }: Pick<Link, "identity">): Authenticate | null {
  if (identity === undefined) return null;
  return (_credentials, answer) =>
    answer(
      identity !== null
        ? null
        : {
            reason: Reason.notAuthorized,
            statement: "v5-3.1.4-2",
            detail: "its certificate has no common name (tls.identityAsUsername)",
          },
    );
}
