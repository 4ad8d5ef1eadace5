import { test } from "bun:test";
import { expectMany, playAll, themes } from "./naive-themes.ts";

/**
 * Keepalives, takeovers, DISCONNECTs, kicks, the ends of sessions, delayed wills, and which clients
 * get the wills, at once or on return. For a long run set MQTTD_NAIVE_RUNS to the number of
 * histories.
 */
test("connections, sessions and wills end as they do in the naive broker", () => {
  const tally = playAll(themes.wills, 300);
  const ends = ["disconnect 0x82", "disconnect 0x8d", "disconnect 0x8e", "disconnect 0x98"];
  expectMany(tally, ["publish", "retain", "expires", "type", "dup", "session", ...ends]);
}, 3_600_000);
