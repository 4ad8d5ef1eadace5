/** CONNACK return codes before MQTT 5 (v4-3.2.2-6), by number, in the standard's words. */
export const returnCodes: readonly string[] = [
  "accepted",
  "unacceptable protocol version",
  "identifier rejected",
  "server unavailable",
  "bad user name or password",
  "not authorized",
];
