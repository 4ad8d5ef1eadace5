import { forAll } from "../client.ts";
import { type Figure, handled, type Load, warmedUp } from "../load.ts";
import { publish } from "../packets.ts";
import { subscribeAll } from "./many-filters.ts";

/** PUBLISH between two PINGREQ: so many wait in the broker at most. */
const batch = 100;
/** Filters of one session, below any broker's limit. */
const filtersOfSession = 5000;

/** What a PUBLISH costs on topics that no filter matches and nobody has seen, beside so many filters. */
export function matching(
  filters: (prefix: string) => readonly string[],
  topic: (prefix: string, number: number) => string,
): Load {
  return async (context) => {
    const { prefix, version } = context.target;
    const all = filters(prefix);
    const sessions = Array.from({ length: Math.ceil(all.length / filtersOfSession) }, (_, at) =>
      all.slice(at * filtersOfSession, (at + 1) * filtersOfSession),
    );
    const hold = async (own: readonly string[], at: number): Promise<void> => {
      const client = context.client(`holder-${at}`);
      await client.open({ keepAlive: 600 });
      const refused = await subscribeAll(client, own);
      if (refused > 0) context.note("the broker refused some of the filters");
    };
    await forAll(sessions, hold, 4);
    const publisher = context.client("publisher");
    await publisher.open({ keepAlive: 600 });
    let count = 0;
    const publishUntil = async (isOver: () => boolean): Promise<void> => {
      while (!isOver()) {
        for (let at = 0; at < batch; at++) {
          publisher.write(publish(version, topic(prefix, count++), Uint8Array.of(1)));
        }
        await handled(publisher);
      }
    };
    return async () => {
      let isWarm = false;
      void warmedUp(context).then(() => (isWarm = true));
      await publishUntil(() => isWarm);
      context.startClock();
      const before = count;
      const began = performance.now();
      await publishUntil(() => performance.now() - began > context.seconds * 1000);
      const took = (performance.now() - began) / 1000;
      context.stopClock();
      return [{ name: "PUBLISH", value: (count - before) / took, unit: "/s" }] satisfies Figure[];
    };
  };
}

/** Half of the filters name a topic, half have a wildcard in the middle. */
export function plainFilters(count: number): Load {
  return matching(
    (prefix) => numbered(count, (at) => `${prefix}/${at % 2 === 0 ? `${at}/x` : `+/y${at}`}`),
    (prefix, number) => `${prefix}/new${number}/z`,
  );
}

/** A thousand filters below one path of so many levels. */
export function deepTree(levels: number): Load {
  const path = (prefix: string) => `${prefix}/${"d/".repeat(levels - 2)}`;
  return matching(
    (prefix) => numbered(1000, (at) => `${path(prefix)}${at}`),
    (prefix, number) => `${path(prefix)}new${number}`,
  );
}

/** So many filters beside each other on one level. */
export function wideTree(count: number): Load {
  return matching(
    (prefix) => numbered(count, (at) => `${prefix}/${at}`),
    (prefix, number) => `${prefix}/new${number}`,
  );
}

function numbered(count: number, text: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => text(at));
}
