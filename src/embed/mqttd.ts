/** The module `mqttd`: a broker in a test's process. */

export type * from "./api.ts";
export { startBroker } from "./start-broker.ts";
