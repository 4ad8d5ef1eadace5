import { handled, type Load, type LoadContext } from "../load.ts";
import { publish } from "../packets.ts";
import { subscribeAll } from "./many-filters.ts";

/**
 * Filters that share every level: all texts of `a` and `+` with so many levels, each with a last level
 * that never matches. Each PUBLISH on a new topic makes a careless broker walk them all.
 */
export function sharedLevels(levels: number, sessions: number): Load {
  return async (context) => {
    const each = 2 ** levels / sessions;
    let refused = 0;
    for (let session = 0; session < sessions; session++) {
      const filters = Array.from({ length: each }, (_, at) =>
        filterOf(context, session * each + at, levels),
      );
      const client = context.client(`trie-${session}`);
      await client.open({ keepAlive: 600 });
      refused += await subscribeAll(client, filters);
    }
    if (refused > 0) context.note(`${refused} of ${2 ** levels} filters were refused`);
    const publisher = context.client("trie-publisher");
    await publisher.open({ keepAlive: 600 });
    return () => publishUnseen(context, publisher, levels);
  };
}

const batch = 64;

async function publishUnseen(
  context: LoadContext,
  publisher: ReturnType<LoadContext["client"]>,
  levels: number,
) {
  const { target, seconds } = context;
  const began = performance.now();
  let count = 0;
  let worst = 0;
  while (performance.now() - began < seconds * 1000) {
    const batchBegan = performance.now();
    for (let at = 0; at < batch; at++) {
      const topic = `${target.prefix}/${"a/".repeat(levels)}x${count++}`;
      publisher.write(publish(publisher.target.version, topic, Uint8Array.of(1)));
    }
    await handled(publisher);
    worst = Math.max(worst, performance.now() - batchBegan);
  }
  const took = performance.now() - began;
  return [
    { name: "PUBLISH on new topics", value: (count / took) * 1000, unit: "/s" },
    { name: `slowest ${batch} PUBLISH`, value: worst, unit: "ms" },
  ] as const;
}

/** The binary digits of `index` choose between `a` and `+`, from the first level on. */
function filterOf({ target }: LoadContext, index: number, levels: number): string {
  const digits = index.toString(2).padStart(levels, "0");
  const path = Array.from(digits, (digit) => (digit === "0" ? "a" : "+")).join("/");
  return `${target.prefix}/${path}/none`;
}
