import { forAll } from "../client.ts";
import { handled, type Load, type LoadContext, until } from "../load.ts";
import { pingreq, publish, repeated, subscribe } from "../packets.ts";
import { subscribeAll } from "./many-filters.ts";
import { lateness, mortals, pingingMortals } from "./mortals.ts";
import { subscribers } from "./readers.ts";

const keepAlive = 2;
const allowedMs = keepAlive * 1500;
/** How long to wait for what is due. */
const boundMs = 30_000;

/** Many wills at once, by RST, to many subscribers. */
export function willsTogether(count: number, readers: number): Load {
  return async (context) => {
    const { prefix } = context.target;
    const watch = await watchers(context, readers, count);
    const clients = await mortals(context, count, (at) => ({
      keepAlive: 600,
      will: { topic: `${prefix}/w/${at}`, payload: Uint8Array.of(1) },
    }));
    return async () => {
      for (const client of clients) client.reset();
      const began = performance.now();
      await watch.all(boundMs);
      return [{ name: "last will after", value: watch.lastAt() - began, unit: "ms" }];
    };
  };
}

/** Many clients that fall silent together. */
export function keepalivesTogether(count: number): Load {
  return async (context) => {
    const { clients, stopPings } = await pingingMortals(context, count, () => ({ keepAlive }));
    return async () => {
      stopPings();
      for (const client of clients) client.write(pingreq);
      const dueAt = performance.now() + allowedMs;
      const late: number[] = [];
      for (const client of clients) client.onEnded = () => late.push(performance.now() - dueAt);
      const isDone = await until(() => late.length >= count, allowedMs + boundMs);
      if (!isDone) context.note(`${late.length} of ${count} silent clients were ended`);
      return lateness(late);
    };
  };
}

/** The same with wills, to many subscribers. */
export function willsDueTogether(count: number, readers: number): Load {
  return async (context) => {
    const { prefix } = context.target;
    const watch = await watchers(context, readers, count);
    const { clients, stopPings } = await pingingMortals(context, count, (at) => ({
      keepAlive,
      will: { topic: `${prefix}/w/${at}`, payload: Uint8Array.of(1) },
    }));
    return async () => {
      stopPings();
      for (const client of clients) client.write(pingreq);
      const dueAt = performance.now() + allowedMs;
      for (const client of clients) client.onEnded = () => {};
      await watch.all(allowedMs + boundMs);
      return [{ name: "last will late", value: watch.lastAt() - dueAt, unit: "ms" }];
    };
  };
}

/** Subscribers that count wills. */
async function watchers(context: LoadContext, readers: number, wills: number) {
  const clients = await subscribers(context, readers, `${context.target.prefix}/w/+`, "client");
  const arrived = clients.map(() => 0);
  let lastAt = 0;
  for (const [at, watcher] of clients.entries()) {
    watcher.onFrame = () => {
      arrived[at] = (arrived[at] ?? 0) + 1;
      lastAt = performance.now();
    };
  }
  return {
    lastAt: () => lastAt,
    /** Resolves when all wills have come, or the time is over. */
    async all(boundMs: number): Promise<void> {
      if (await until(() => arrived.every((count) => count >= wills), boundMs)) return;
      const total = arrived.reduce((sum, count) => sum + count, 0);
      context.note(`${total} of ${wills * readers} wills arrived`);
    },
  };
}

/** Many sessions that expire together, MQTT 5.0: all clients leave in one moment. */
export function sessionsTogether(count: number, filters: number): Load {
  return async (context) => {
    const version = 5 as const;
    const expiry = 3;
    const { prefix } = context.target;
    const fields = () => ({ keepAlive: 600, sessionExpiry: expiry });
    const clients = await mortals(context, count, fields, version);
    await forAll(clients, async (client, at) => {
      const names = Array.from({ length: filters }, (_, n) => `${prefix}/s/${at}/${n}/+`);
      await client.request(subscribe(version, 1, names, 1), 0x90);
    });
    return async () => {
      for (const client of clients) client.leave();
      await Bun.sleep((expiry + 2) * 1000);
      return [{ name: "sessions", value: count, unit: "" }];
    };
  };
}

/** Very many small PUBLISH from one client, to many subscribers, and FIN right behind them. */
export function publishThenFin(messages: number, readers: number): Load {
  return async (context) => {
    const { version } = context.target;
    // As short as a topic can be, so that the broker works more than the network.
    const topic = "~";
    const readerClients = await subscribers(context, readers, topic, "expendable");
    const message = publish(version, topic, new Uint8Array());
    for (const watcher of readerClients) watcher.countOnly();
    const publisher = context.expendable("publisher");
    await publisher.open({ keepAlive: 600 });
    const run = repeated(message, messages);
    return async () => {
      publisher.write(run);
      await until(() => publisher.isDrained, boundMs);
      publisher.fin();
      const began = performance.now();
      const sum = () => readerClients.reduce((total, { received }) => total + received, 0);
      const all = messages * message.length * readers;
      await until(() => sum() >= all, context.seconds * 1000);
      if (sum() < all) context.note(`${Math.round((sum() / all) * 100)} % were delivered`);
      return [{ name: "last delivery after FIN", value: performance.now() - began, unit: "ms" }];
    };
  };
}

/** One small PUBLISH to one session in very many shared subscriptions of the same topic. */
export function shareGroups(count: number): Load {
  return async (context) => {
    const { prefix, version } = context.target;
    const topic = `${prefix}/g`;
    const member = context.client("member");
    await member.open({ keepAlive: 600 });
    const filters = Array.from({ length: count }, (_, at) => `$share/g${at}/${topic}`);
    const refused = await subscribeAll(member, filters);
    if (refused > 0) context.note(`${refused} of ${count} filters were refused`);
    const publisher = context.client("publisher");
    await publisher.open({ keepAlive: 600 });
    const message = publish(version, topic, new Uint8Array());
    return async () => {
      const began = performance.now();
      let rounds = 0;
      let worst = 0;
      while (performance.now() - began < context.seconds * 1000) {
        const roundBegan = performance.now();
        publisher.write(message);
        await handled(publisher);
        worst = Math.max(worst, performance.now() - roundBegan);
        rounds++;
      }
      const took = (performance.now() - began) / 1000;
      return [
        { name: "PUBLISH", value: rounds / took, unit: "/s" },
        { name: "slowest PUBLISH", value: worst, unit: "ms" },
      ];
    };
  };
}
