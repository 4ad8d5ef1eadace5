/** Parts of the commands that show a scenario by hand; they run in any POSIX shell. */

/** Shows every will of the client that the other lines play. */
export const watchByHand = "mqttd sub -t status -v &";

/**
 * CONNECT in MQTT 3.1.1 with the client id `dev`, a keepalive of 2 s and the will `gone` on `status`.
 * Octal, since that is what every printf knows.
 */
export const connectByHand = helloWith("\\000\\002");

/** The same with a keepalive of 0. */
export const connectForeverByHand = helloWith("\\000\\000");

/** The same in MQTT 5.0, with a keepalive of 60 s. */
export const connect5ByHand =
  "hi='\\020\\037\\000\\004MQTT\\005\\006\\000\\074\\000\\000\\003dev\\000\\000\\006status\\000\\004gone'";

/** Sends what the shell commands `then` print behind the CONNECT, to a broker on this machine. */
export function sentByHand(then: string): string {
  return `(printf "$hi"; ${then}) | nc localhost 1883`;
}

function helloWith(keepAlive: string): string {
  return `hi='\\020\\035\\000\\004MQTT\\004\\006${keepAlive}\\000\\003dev\\000\\006status\\000\\004gone'`;
}
