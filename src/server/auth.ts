import type { ListenerPolicy, Millis } from "../core/io.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import type { Link } from "../transport/transport.ts";

/** What a client shows at CONNECT, and where it came from. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  readonly listener: ListenerPolicy;
  /** `address:port`. */
  readonly remote: string;
  /** The client runs on the broker's machine. */
  readonly isLocal: boolean;
  /** When the core stops waiting for the answer. */
  readonly until: Millis;
  /**
   * Sets what to call once if the connection ends before the answer, which nobody wants then. Replaces
   * what was set before.
   */
  readonly whenGone: (work: () => void) => void;
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
  if (credentials.listener.allowAnonymous) return answer(null);
  if (credentials.username === null) return answer(anonymousRefused);
  answer(wrongCredentials("user names are refused, since no password file is configured"));
};

/** The client learns only that it may not connect. */
export const anonymousRefused: ProtocolError = {
  reason: Reason.notAuthorized,
  statement: "v5-3.1.4-2",
  detail: "anonymous clients are not allowed",
  isUntold: true,
};

/** One code for all of them: the client does not learn whether the user name exists. */
export function wrongCredentials(detail: string): ProtocolError {
  return {
    reason: Reason.badUserNameOrPassword,
    statement: "v5-3.1.4-2",
    detail,
    isUntold: true,
  };
}

/** For a link whose certificate decides: accepts if that has a name. Null: CONNECT decides. */
export function byCertificate({ identity }: Pick<Link, "identity">): Authenticate | null {
  if (identity === undefined) return null;
  const nameless = "its certificate has no common name (tls.identityAsUsername)";
  return (_credentials, answer) =>
    answer(
      identity !== null
        ? null
        : { reason: Reason.notAuthorized, statement: "v5-3.1.4-2", detail: nameless },
    );
}
