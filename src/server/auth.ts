import { Reason, type ProtocolError } from "../core/reason.ts";

export interface Credentials {
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  /** What the listener says to clients without a user name. */
  readonly allowAnonymous: boolean;
}

/** Answers once, now or later. Null: may come in. */
export type Authenticate = (
  credentials: Credentials,
  answer: (refused: ProtocolError | null) => void,
) => void;

/**
 * The policy without a password file, as mosquitto has it: where anonymous clients may come in, a
 * user name changes nothing; where they may not, nobody can be known.
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
