/** What ends a scenario before it can be judged. */

/** The run was called off: nothing can be said. */
export class CalledOff extends Error {
  override name = "CalledOff";
}

/** The control failed, and the broker gave no reason: nothing can be said of this client's will. */
export class ControlFailed extends Error {
  override name = "ControlFailed";
}

/**
 * The broker denies by a code what the scenario needs (CONNACK, SUBACK, PUBACK), or does not offer
 * it: it is skipped with this.
 */
export class NotOffered extends Error {
  override name = "NotOffered";
}
