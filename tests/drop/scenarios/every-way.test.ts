import { test } from "bun:test";
import { bridgeScenarios } from "../../../src/drop/scenarios/bridge.ts";
import { deadlineScenarios } from "../../../src/drop/scenarios/deadline.ts";
import { disconnectScenarios } from "../../../src/drop/scenarios/disconnects.ts";
import { messageScenarios } from "../../../src/drop/scenarios/message.ts";
import { notReadingScenarios } from "../../../src/drop/scenarios/not-reading.ts";
import { oneFlightScenarios } from "../../../src/drop/scenarios/one-flight.ts";
import { oneIdScenarios } from "../../../src/drop/scenarios/one-id.ts";
import { subscriberScenarios } from "../../../src/drop/scenarios/subscriber.ts";
import { expiryScenarios } from "../../../src/drop/scenarios/will-expiry.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import { expectVerdicts, passes, playedOnMosquitto, playedOnOurs } from "../../support/played.ts";

/** Over real sockets; each planted quirk is in quirk-table.test.ts, in virtual time. */

const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;
const scenarios = [
  ...oneFlightScenarios,
  ...deadlineScenarios,
  ...notReadingScenarios,
  ...disconnectScenarios,
  ...oneIdScenarios,
  ...messageScenarios,
  ...subscriberScenarios,
  ...expiryScenarios,
];

test.concurrent(
  "our broker does right by every client of these, in both versions",
  async () => {
    const results = await playedOnOurs(scenarios, {}, { keepAliveSeconds: 1 });
    expectVerdicts(results, passes(scenarios));
  },
  boundMs,
);

test.concurrent(
  "our broker knows bridges, which have no level of their own in MQTT 5",
  async () => {
    const results = await playedOnOurs(bridgeScenarios, {}, { versions: [3, 4, 5] });
    expectVerdicts(results, ["bridge v3: pass", "bridge v4: pass", "bridge v5: skipped"]);
  },
  boundMs,
);

test.concurrent(
  "MQTT 3.1 has shorter client ids, and the same deaths",
  async () => {
    const results = await playedOnOurs(scenarios, {}, { versions: [3], keepAliveSeconds: 1 });
    expectVerdicts(results, passes(scenarios, [3]));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 drops a will behind a full queue, and waits for a delay after its session's end${why}`,
  async () => {
    // Whether it is late depends on where in its sweep of 6 s a client falls silent.
    const sudden = [
      ...oneFlightScenarios,
      ...disconnectScenarios,
      ...oneIdScenarios,
      ...messageScenarios,
      ...subscriberScenarios,
      ...bridgeScenarios,
      ...expiryScenarios,
    ];
    const results = await playedOnMosquitto(sudden);
    const notRight = results.filter(({ verdict }) => verdict !== "pass" && verdict !== "skipped");
    expectVerdicts(notRight, [
      "disconnect-expiry-0 v5: fail (broken)",
      "full-queue v4: finding (never)",
      "full-queue v5: finding (never)",
    ]);
  },
  boundMs,
);
