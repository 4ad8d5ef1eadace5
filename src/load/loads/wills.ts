import { type Load, until } from "../load.ts";
import { pingreq, shortTopic, subscribe } from "../packets.ts";
import { lateness, mortals, pingingMortals } from "./mortals.ts";

const keepAlive = 2;
const allowedMs = keepAlive * 1500;
/** Brokers that look seldom take this long. */
const boundMs = 60_000;

/**
 * Wills of very many clients that end in one moment, to one subscriber. Counted from the first end: a fast
 * broker publishes while the load still ends clients, so counted from the last it would seem faster yet.
 */
export function willsAtOnce(count: number, how: "reset" | "fin"): Load {
  return async (context) => {
    const { prefix, version } = context.target;
    let arrived = 0;
    let lastAt = 0;
    const watcher = context.client("watcher");
    watcher.onFrame = () => {
      arrived++;
      lastAt = performance.now();
    };
    await watcher.open({ keepAlive: 600 });
    await watcher.request(subscribe(version, 1, [`${prefix}/w/+`], 0), 0x90);
    const clients = await mortals(context, count, (at) => ({
      keepAlive: 600,
      will: { topic: `${prefix}/w/${at}`, payload: Uint8Array.of(1) },
    }));
    return async () => {
      const began = performance.now();
      for (const client of clients) client[how]();
      const lastEnd = performance.now();
      if (!(await until(() => arrived >= count, boundMs))) {
        context.fail(`${arrived} of ${count} wills arrived within ${boundMs / 1000} s`);
      }
      return [
        { name: "last will after first end", value: lastAt - began, unit: "ms" },
        { name: "the ends alone", value: lastEnd - began, unit: "ms" },
      ];
    };
  };
}

/** Wills of very many clients that fall silent within `spreadMs`: how late each is. */
export function silentClients(count: number, spreadMs: number): Load {
  return async (context) => {
    const { prefix, version } = context.target;
    const dueAt = new Map<string, number>();
    const late: number[] = [];
    const watcher = context.client("watcher");
    watcher.onFrame = (bytes, start) => {
      const due = dueAt.get(shortTopic(bytes, start));
      if (due !== undefined) late.push(performance.now() - due);
    };
    await watcher.open({ keepAlive: 600 });
    await watcher.request(subscribe(version, 1, [`${prefix}/w/+`], 0), 0x90);
    const topicOf = (at: number) => `${prefix}/w/${at}`;
    const { clients, stopPings } = await pingingMortals(context, count, (at) => ({
      keepAlive,
      will: { topic: topicOf(at), payload: Uint8Array.of(1) },
    }));
    return async () => {
      stopPings();
      const began = performance.now();
      for (let at = 0; at < count;) {
        const share = Math.min(1, (performance.now() - began) / spreadMs);
        for (const to = Math.ceil(share * count); at < to; at++) {
          clients[at]?.write(pingreq);
          dueAt.set(topicOf(at), performance.now() + allowedMs);
        }
        await Bun.sleep(1);
      }
      for (const client of clients) client.onEnded = () => {};
      if (!(await until(() => late.length >= count, allowedMs + spreadMs + boundMs))) {
        context.note(`${late.length} of ${count} wills arrived within ${boundMs / 1000} s`);
      }
      return lateness(late);
    };
  };
}
