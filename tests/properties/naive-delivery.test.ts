import { test } from "bun:test";
import { expectMany, playAll, themes } from "./naive-themes.ts";

/**
 * Which client gets which copy of a message, in which order, now or on return, and which
 * acknowledgements follow: wildcards, overlapping and shared subscriptions, QoS, windows, expiry,
 * topic aliases both ways. For a long run set MQTTD_NAIVE_RUNS to the number of histories.
 */
test("each client gets what the naive broker sends it", () => {
  const tally = playAll(themes.delivery, 300);
  const answers = ["puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback"];
  expectMany(tally, ["publish", "dup", "by", "expires", "type", "disconnect 0x94", ...answers]);
}, 3_600_000);
