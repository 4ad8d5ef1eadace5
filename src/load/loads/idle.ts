import { cpuSeconds, difference, rssBytes } from "../usage.ts";
import type { Figure, Load } from "../load.ts";
import { mortals } from "./mortals.ts";

const settleMs = 1000;
/** Longer than any run, yet a deadline that the broker keeps for each connection. Seconds. */
const keepAlive = 600;

/** Very many idle connections: what one costs in memory, and all together in CPU. */
export function idleConnections(count: number): Load {
  return async (context) => {
    const { pid } = context.target;
    return async () => {
      const rssBefore = pid === null ? null : rssBytes(pid);
      const began = performance.now();
      await mortals(context, count, () => ({ keepAlive }));
      const took = (performance.now() - began) / 1000;
      await Bun.sleep(settleMs);
      const cpuBefore = pid === null ? null : cpuSeconds(pid);
      const idleBegan = performance.now();
      await Bun.sleep(context.seconds * 1000);
      const idle = difference(cpuBefore, pid === null ? null : cpuSeconds(pid));
      const idleTook = (performance.now() - idleBegan) / 1000;
      const grown = difference(rssBefore, pid === null ? null : rssBytes(pid));
      const figures: Figure[] = [];
      if (grown !== null) {
        figures.push({ name: "memory a connection", value: grown / count, unit: "B" });
      }
      figures.push({ name: "connected", value: count / took, unit: "/s" });
      if (idle !== null) {
        figures.push({ name: "CPU while idle", value: (idle / idleTook) * 100, unit: "%" });
      }
      return figures;
    };
  };
}
