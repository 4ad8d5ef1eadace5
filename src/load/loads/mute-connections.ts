import { Client } from "../client.ts";
import { delays } from "../statistics.ts";
import type { Load } from "../load.ts";

const everyMs = 50;
const honestEveryMs = 200;
/** An honest CONNECT that is not answered by then counts as refused. */
const honestMs = 5000;

/** New connections that send nothing and never close, beside honest clients that send CONNECT at once. */
export function muteConnections(perSecond: number): Load {
  return async (context) => {
    const mute: Client[] = [];
    const { target } = context;
    return async () => {
      const began = performance.now();
      const answered: number[] = [];
      const asked: Promise<void>[] = [];
      let refused = 0;
      const honest = async (number: number): Promise<void> => {
        const client = context.expendable(`honest-${number}`);
        const from = performance.now();
        const timer = setTimeout(() => client.reset(), honestMs);
        try {
          await client.open({ keepAlive: 60 });
          answered.push(performance.now() - from);
        } catch {
          refused++;
        }
        clearTimeout(timer);
        client.leave();
      };
      const opener = setInterval(() => {
        const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
        while (mute.length < due) {
          const client = new Client("mute", target);
          mute.push(client);
          // A broker without room resets it.
          client.dial().catch(() => {});
        }
      }, everyMs);
      const asker = setInterval(() => asked.push(honest(asked.length)), honestEveryMs);
      await Bun.sleep(context.seconds * 1000);
      clearInterval(opener);
      clearInterval(asker);
      await Promise.all(asked);
      context.stopClock();
      for (const client of mute) client.reset();
      const { p99, worst } = delays(answered);
      if (refused > 0) context.note(`${refused} of ${asked.length} honest CONNECT had no CONNACK`);
      return [
        { name: "honest CONNACK p99", value: p99 ?? Number.NaN, unit: "ms" },
        { name: "honest CONNACK worst", value: worst ?? Number.NaN, unit: "ms" },
        { name: "CONNECT without CONNACK", value: refused, unit: "" },
      ];
    };
  };
}
