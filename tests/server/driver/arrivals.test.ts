import { expect, test } from "bun:test";
import { Memory } from "../../../src/core/memory.ts";
import type { EndCause } from "../../../src/core/end-causes.ts";
import type { Millis } from "../../../src/core/io.ts";
import { Arrivals } from "../../../src/server/driver/arrivals.ts";
import { BufferPool } from "../../../src/server/driver/buffer-pool.ts";
import { Channel } from "../../../src/server/driver/channel.ts";
import { Channels } from "../../../src/server/driver/channels.ts";
import type { SocketPoll } from "../../../src/transport/socket-poll.ts";
import { UnfinishedBytes } from "../../../src/wire/unfinished.ts";

const listener = { name: "tcp test", mountPoint: "", connections: 1, allowAnonymous: true };
const reading = {
  packetSize: 1000,
  controlPacketSize: 1000,
  unfinished: new UnfinishedBytes(1000),
  takesInvalidWill: false,
};
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
  const channels = new Channels();
  const channel = channels.open(
    (id) => new Channel(id, link, listener, reading, new BufferPool(), new Memory()),
  );
  channel.waiting = true;
  const arrivals = new Arrivals(roomy, channels);
  const since = 1000 as Millis;
  const connections = [{ id: channel.id, cause: cause satisfies EndCause }];
  const found = arrivals.unread({ connections, since, absentSince: null }, since);
  expect([...found.connections]).toEqual([...unread]);
});
