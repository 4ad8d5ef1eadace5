/** What ends a scenario before it can be judged. */

/** Why a result has no verdict, where a report treats that result apart from others. */
export type NoVerdict =
  /** The run was called off. */
  | "called off"
  /** The broker does not speak the protocol. */
  | "unspoken"
  /** The client's PUBLISH is lost without a reason: an access list, in all likelihood. */
  | "may not publish";

/** The detail of a result that was called off. */
export const calledOffText = "called off";

/** The run was called off: nothing can be said. */
export class CalledOff extends Error {
  override name = "CalledOff";

  constructor() {
    super(calledOffText);
  }
}

/** The control failed, and the broker gave no reason: nothing can be said of this client's will. */
export class ControlFailed extends Error {
  override name = "ControlFailed";
  /** Null: no report treats it apart. */
  readonly noVerdict: NoVerdict | null;

  constructor(message: string, noVerdict: NoVerdict | null = null) {
    super(message);
    this.noVerdict = noVerdict;
  }
}

/**
 * The broker denies by a code what the scenario needs (CONNACK, SUBACK, PUBACK), or does not offer
 * it: it is skipped with this.
 */
export class NotOffered extends Error {
  override name = "NotOffered";
}
