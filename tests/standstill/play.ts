import type { LogLine } from "../support/executable.ts";
import type { Inbox } from "../support/inbox.ts";
import { type Address, SocketClient } from "../support/socket-client.ts";

/** Seconds. The deadline is at 3 s. */
const keepalive = 2;
const pingEveryMs = 400;
/** A returning client gets its answer when the broker resumes. */
const connackBoundMs = 60_000;
/** Connections opened at once. */
const dialledAtOnce = 100;

/** A broker that a test can bring to a standstill. */
export interface HeldBroker {
  readonly address: Address;
  readonly log: Inbox<LogLine>;
  /**
   * Stops the broker for so many milliseconds; calls `during` in the middle. Resolves to the
   * moment, by `now()`, at which it resumed.
   */
  hold(milliseconds: number, during: () => void): Promise<number>;
}

export interface Cast {
  /** Clients that send PINGREQ all the time. */
  readonly pinging: number;
  /** Clients that send DISCONNECT during the standstill. */
  readonly leaving: number;
  /** Clients that send DISCONNECT, and return with the same client id, during the standstill. */
  readonly returning: number;
  /** Clients that send nothing from shortly before the standstill. */
  readonly silent: number;
}

/** The effect of a standstill of the broker on its clients. */
export interface StandstillReport {
  /** How many connections of pinging clients ended. */
  readonly ended: number;
  /** Wills of pinging clients. */
  readonly pingingWills: number;
  readonly leavingWills: number;
  readonly returningWills: number;
  readonly silentWills: number;
  /** Milliseconds from the end of the standstill to the last will of a silent client. */
  readonly silentWithinMs: number;
}

/** One standstill among clients with wills and a keepalive of 2 s. */
export async function standstill(
  broker: HeldBroker,
  milliseconds: number,
  cast: Cast,
): Promise<StandstillReport> {
  using watcher = await SocketClient.connect(broker.address, { clientId: "watcher", keepalive: 0 });
  await watcher.subscribe("wills/#");
  const wills = (group: string): number =>
    watcher.received.items.filter(
      ({ packet }) => packet.cmd === "publish" && packet.topic.startsWith(`wills/${group}/`),
    ).length;
  using clients = new DisposableStack();
  const pinging = new Set<SocketClient>();
  const dial = async (group: string, count: number, pings = true): Promise<SocketClient[]> => {
    const dialled: SocketClient[] = [];
    for (let from = 0; from < count; from += dialledAtOnce) {
      const some = Array.from({ length: Math.min(dialledAtOnce, count - from) }, (_, index) =>
        mortal(broker.address, group, from + index),
      );
      for (const client of some) {
        // At once: the last of them may take longer than the keepalive of the others allows.
        if (pings) client.then((one) => pinging.add(one)).catch(() => {});
      }
      for (const client of await Promise.all(some)) dialled.push(clients.use(client));
    }
    return dialled;
  };
  // The clients' own rhythm, from the first one on: thousands of handshakes take longer than the
  // keepalive allows. So do those that leave and return, until they do.
  const pings = setInterval(() => {
    for (const client of pinging) client.send({ cmd: "pingreq" });
  }, pingEveryMs);
  try {
    await dial("pinging", cast.pinging);
    const leaving = await dial("leaving", cast.leaving);
    const returning = await dial("returning", cast.returning);
    await dial("silent", cast.silent, false);
    const back: Promise<unknown>[] = [];
    const wentOnAt = await broker.hold(milliseconds, () => {
      for (const client of [...leaving, ...returning]) pinging.delete(client);
      for (const client of leaving) client.goodbye();
      for (const [index, client] of returning.entries()) {
        client.goodbye();
        back.push(
          mortal(broker.address, "returning", index).then((again) => {
            clients.use(again);
            // The rest may take longer than its keepalive allows.
            pinging.add(again);
          }),
        );
      }
    });
    await watcher.received.count("will of a silent client", cast.silent, ({ packet }) =>
      isWillOf(packet, "silent"),
    );
    const last = watcher.received.items.findLast(({ packet }) => isWillOf(packet, "silent"));
    await Promise.all(back);
    await settled([...pinging]);
    for (const group of ["leaving", "returning"] as const) {
      await broker.log.count(`end of a client that is ${group}`, cast[group], isEndOf(group));
    }
    await caughtUp(broker, watcher);
    const ended = broker.log.items.filter(isEndOf("pinging")).length;
    return {
      ended,
      pingingWills: wills("pinging"),
      leavingWills: wills("leaving"),
      returningWills: wills("returning"),
      silentWills: wills("silent"),
      silentWithinMs: last === undefined ? 0 : last.at - wentOnAt,
    };
  } finally {
    clearInterval(pings);
    for (const client of pinging) client.goodbye();
  }
}

function isEndOf(group: string): (line: LogLine) => boolean {
  return ({ event, client }) => event === "ended" && client?.startsWith(`${group}-`) === true;
}

/** Whatever the broker has logged and sent until now has arrived, by its log and at the watcher. */
async function caughtUp({ address, log }: HeldBroker, watcher: SocketClient): Promise<void> {
  using mark = await SocketClient.connect(address, { clientId: "mark", keepalive: 0 });
  await mark.ping();
  await log.first("the mark", ({ event, client }) => event === "connected" && client === "mark");
  await watcher.ping();
}

type Arrived = SocketClient["received"]["items"][number]["packet"];

function isWillOf(packet: Arrived, group: string): boolean {
  return packet.cmd === "publish" && packet.topic.startsWith(`wills/${group}/`);
}

/** With the same id and will each time. */
async function mortal(address: Address, group: string, index: number): Promise<SocketClient> {
  const will = {
    topic: `wills/${group}/${index}`,
    payload: Buffer.from("gone"),
    qos: 0 as const,
    retain: false,
  };
  const options = { clientId: `${group}-${index}`, protocolVersion: 4 as const, keepalive, will };
  return SocketClient.connect(address, options, connackBoundMs);
}

/**
 * The broker has handled its backlog: it answers a client's new packet after everything sent
 * before.
 */
async function settled(clients: readonly SocketClient[]): Promise<void> {
  // The broker's log counts connections that were cut.
  await Promise.allSettled(clients.map(async (client) => client.subscribe("nothing")));
}
