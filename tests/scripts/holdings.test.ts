import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { coreKinds, Holder } from "../../scripts/holdings/core-kinds.ts";

// What is counted of each kind, beside what the collector keeps alive for it. Resident memory, with the
// allocator's and the collector's share, is more: `npm run holdings` compares that, in processes of
// their own. Maps that have just doubled take more than a few MiB are counted for.

const mebibyte = 1024 * 1024;

function live(): number {
  // One collection can leave what a second one finds.
  for (let times = 0; times < 2; times++) Bun.gc(true);
  return heapStats().heapSize;
}

/** Whatever was made for one test lives until the last, so that none frees what another has measured. */
const kept: Holder[] = [];

test.each(Object.entries(coreKinds))(
  "%s: what is counted is 0.75 to 2.2 times what lives",
  (_, { options, count = Infinity, prepare }) => {
    const [first, holder] = [new Holder(options), new Holder(options)];
    kept.push(first, holder);
    const rehearsal = prepare(first);
    for (let number = 0; number < Math.min(500, count); number++) rehearsal(number);
    const add = prepare(holder);
    const { memory } = holder.broker;
    const [counted, before] = [memory.total, live()];
    for (let number = 0; number < count && memory.total - counted < 4 * mebibyte; number++) {
      add(number);
    }
    const grown = live() - before;
    expect((memory.total - counted) / grown).toBeWithin(0.75, 2.2);
  },
  180_000,
);
