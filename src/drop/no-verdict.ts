/** What ends a scenario before it can be judged. */

/** The run was called off: nothing can be said. */
export class CalledOff extends Error {
  override name = "CalledOff";
}

/** The control arm failed: nothing can be said of this client's will. */
export class ControlFailed extends Error {
  override name = "ControlFailed";
}

/** The broker said in CONNACK what makes the scenario pointless; it is skipped with this. */
export class NotOffered extends Error {
  override name = "NotOffered";
}
