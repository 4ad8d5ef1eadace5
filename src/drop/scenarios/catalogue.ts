import { bridgeScenarios } from "./bridge.ts";
import { freezeScenarios } from "./broker-freeze.ts";
import { crashScenarios } from "./broker-crash.ts";
import { crowdScenarios } from "./crowd.ts";
import { deadlineScenarios } from "./deadline.ts";
import { delayScenarios } from "./delay.ts";
import { deliveryScenarios } from "./delivery.ts";
import { disconnectScenarios } from "./disconnects.ts";
import { goodbyeScenarios } from "./goodbye.ts";
import { deniedScenarios, invalidScenarios } from "./invalid.ts";
import { keepaliveScenarios } from "./keepalive.ts";
import { linkScenarios } from "./link.ts";
import { messageScenarios } from "./message.ts";
import { networkScenarios } from "./network.ts";
import { notReadingScenarios } from "./not-reading.ts";
import { oneFlightScenarios } from "./one-flight.ts";
import { processScenarios } from "./process.ts";
import { reconnectScenarios } from "./reconnect.ts";
import { oneIdScenarios } from "./one-id.ts";
import type { Scenario } from "../scenario.ts";
import { silenceScenarios } from "./silence.ts";
import { subscriberScenarios } from "./subscriber.ts";
import { takeoverScenarios } from "./takeover.ts";
import { tlsScenarios, webSocketScenarios } from "./transports.ts";
import { expiryScenarios } from "./will-expiry.ts";

/** Every way to die, in the order in which the report tells them. */
export const catalogue: readonly Scenario[] = [
  ...networkScenarios,
  ...oneFlightScenarios,
  ...silenceScenarios,
  ...deadlineScenarios,
  ...notReadingScenarios,
  ...keepaliveScenarios,
  ...goodbyeScenarios,
  ...reconnectScenarios,
  ...disconnectScenarios,
  ...takeoverScenarios,
  ...oneIdScenarios,
  ...deliveryScenarios,
  ...messageScenarios,
  ...subscriberScenarios,
  ...bridgeScenarios,
  ...delayScenarios,
  ...expiryScenarios,
  ...crowdScenarios,
  ...webSocketScenarios,
  ...tlsScenarios,
  ...processScenarios,
  ...linkScenarios,
  ...invalidScenarios,
  ...deniedScenarios,
  ...freezeScenarios,
  ...crashScenarios,
];

/** What plays without being named: seconds, and the faults that most people meet. */
export function quickSet(): readonly Scenario[] {
  return catalogue.filter(({ quick }) => quick);
}
