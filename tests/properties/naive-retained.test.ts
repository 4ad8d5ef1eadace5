import { test } from "bun:test";
import { expectMany, playAll, themes } from "./naive-themes.ts";

/**
 * Which messages are retained, and which clients get them when: Retain Handling, Retain As
 * Published, replacing and clearing, expiry, replays that wait for the client's window. For a long
 * run set MQTTD_NAIVE_RUNS to the number of histories.
 */
test("retained messages are kept and replayed as in the naive broker", () => {
  const tally = playAll(themes.retained, 300);
  expectMany(tally, ["publish", "retain", "dup", "by", "expires", "type", "session"]);
}, 3_600_000);
