import { expect, test } from "bun:test";
import { Memory } from "../../../src/core/memory.ts";
import type { EndCause } from "../../../src/core/end-causes.ts";
import type { Millis } from "../../../src/core/io.ts";
import { defaultLimits } from "../../../src/core/limits.ts";
import { standardRules } from "../../../src/core/quirks/rules.ts";
import { Arrivals } from "../../../src/server/driver/arrivals.ts";
import { Channels } from "../../../src/server/driver/channels.ts";
import type { SocketPoll } from "../../../src/transport/socket-poll.ts";

const listener = { name: "tcp test", mountPoint: "", connections: 1, allowAnonymous: true };
const nothing = (): void => {};
const link = {
  ...{ remote: "", isLocal: true, descriptor: 7, owner: null, write: () => -1 },
  ...{ pause: nothing, resume: nothing, end: nothing, reset: nothing, watch: nothing },
};

/** The system reports that every socket is writable, and none readable. */
const roomy: SocketPoll = { ask: (questions) => questions.map(({ writes }) => writes) };

test.each([
  ["keepAliveExpired", []],
  ["connectTimeout", []],
  ["stalled", [0]],
] as const)("room for waiting output postpones no end but a stall: %s", (cause, unread) => {
  const channels = new Channels(new Memory(), standardRules, defaultLimits, () => false);
  const channel = channels.open(link, listener);
  channel.waiting = true;
  const arrivals = new Arrivals(roomy, channels);
  const since = 1000 as Millis;
  const connections = [{ id: channel.id, cause: cause satisfies EndCause }];
  const found = arrivals.unread({ connections, since, absentSince: null }, since);
  expect([...found.connections]).toEqual([...unread]);
});
