import { type Client, forAll } from "../client.ts";
import { type Figure, handled, type Load, type LoadContext } from "../load.ts";
import { publish, repeated, subscribe, text } from "../packets.ts";
import { rssBytes } from "../usage.ts";
import { subscribers } from "./readers.ts";

/**
 * What makes a broker's memory grow, each kind of holding alone. A broker may refuse or end clients: what
 * counts is its peak, what it still holds afterwards, and what the bystander saw.
 */

/** How long the broker may rest before its memory is read. */
const restMs = 1000;

/** One session with filters of so many levels: a number, and slashes. */
export function deepFilters(count: number, levels: number): Load {
  return grow(async (context) => {
    const { prefix, version } = context.target;
    const client = context.expendable("deep");
    await client.open({ keepAlive: 600 });
    const each = 100;
    const tail = "/".repeat(levels - 2);
    for (let at = 0; at < count && client.isOpen; at += each) {
      const filters = Array.from({ length: each }, (_, n) => `${prefix}/${at + n}${tail}`);
      await tolerated(client.request(subscribe(version, 1 + at / each, filters, 0), 0x90));
    }
  });
}

/** Retained messages on topics of so many levels. */
export function deepRetained(count: number, levels: number): Load {
  return grow(async (context) => {
    const { prefix, version } = context.target;
    const client = context.expendable("retainer");
    await client.open({ keepAlive: 600 });
    const tail = "/".repeat(levels - 2);
    for (let at = 0; at < count && client.isOpen; at++) {
      const topic = `${prefix}/${at}${tail}`;
      client.write(publish(version, topic, Uint8Array.of(1), { retain: true }));
      if (at % 500 === 499) await tolerated(handled(client));
    }
    await tolerated(handled(client));
  });
}

/** Topics that nobody has seen, each with many subscribers. */
export function unseenTopics(count: number, readers: number): Load {
  return grow(async (context) => {
    const { prefix, version } = context.target;
    const clients = await subscribers(context, readers, `${prefix}/r/#`, "expendable");
    for (const client of clients) client.countOnly();
    const publisher = context.expendable("publisher");
    await publisher.open({ keepAlive: 600 });
    for (let at = 0; at < count && publisher.isOpen; at++) {
      publisher.write(publish(version, `${prefix}/r/${at}`, Uint8Array.of(1)));
      if (at % 50 === 49) await tolerated(handled(publisher));
    }
    await tolerated(handled(publisher));
  });
}

/** Wills that are delayed for ten minutes, of clients that have gone. MQTT 5.0. */
export function delayedWills(count: number, bytes: number): Load {
  return grow(async (context) => {
    const { prefix } = context.target;
    // A payload has at most 64 KiB, its properties have no such limit.
    const property = Uint8Array.of(0x26, ...text("x"), ...text("x".repeat(1000)));
    const properties = repeated(property, Math.ceil(bytes / property.length));
    await each(context, count, "will", async (client, at) => {
      const payload = Uint8Array.of(1);
      const will = { topic: `${prefix}/w/${at}`, payload, delay: 600, properties };
      await client.open({ keepAlive: 600, sessionExpiry: 1200, will });
      client.reset();
    });
  });
}

/** Sessions without end, with client ids of so many bytes. MQTT 5.0. */
export function endlessSessions(count: number, idBytes: number): Load {
  return grow(async (context) => {
    const { prefix } = context.target;
    const tail = "x".repeat(Math.max(0, idBytes - prefix.length - 12));
    await each(context, count, tail, async (client) => {
      await client.open({ keepAlive: 600, isClean: false, sessionExpiry: 0xffff_ffff });
      client.leave();
    });
  });
}

/** Connections that use as many topic aliases as the broker allows, with long topics. MQTT 5.0. */
export function topicAliases(connections: number, aliases: number, topicBytes: number): Load {
  return grow(async (context) => {
    const { prefix } = context.target;
    await each(context, connections, "alias", async (client) => {
      await client.open({ keepAlive: 600 });
      const topic = `${prefix}/`.padEnd(topicBytes, "x");
      for (let alias = 1; alias <= aliases && client.isOpen; alias++) {
        client.write(publish(5, topic, new Uint8Array(), { alias }));
        if (alias % 20 === 0) await handled(client);
      }
    });
  });
}

/** Packets that never end, of so many bytes, without a keepalive. */
export function halfPackets(connections: number, bytes: number): Load {
  return grow(async (context) => {
    const { prefix, version } = context.target;
    const whole = publish(version, `${prefix}/half`, new Uint8Array(bytes + 1));
    await each(context, connections, "half", async (client) => {
      await client.open({ keepAlive: 0 });
      client.write(whole.subarray(0, whole.length - 1));
    });
  });
}

/** Messages for sessions that are away. */
export function queuedMessages(sessions: number, messages: number, payloadBytes: number): Load {
  return grow(async (context) => {
    const { prefix } = context.target;
    await each(context, sessions, "away", async (client) => {
      await client.open({ keepAlive: 600, isClean: false, sessionExpiry: 0xffff_ffff });
      await client.request(subscribe(5, 1, [`${prefix}/q`], 1), 0x90);
      client.leave();
    });
    const publisher = context.expendable("publisher", 5);
    await publisher.open({ keepAlive: 600 });
    const payload = new Uint8Array(payloadBytes);
    for (let at = 0; at < messages && publisher.isOpen; at++) {
      const id = (at % 60_000) + 1;
      await tolerated(publisher.request(publish(5, `${prefix}/q`, payload, { qos: 1, id }), 0x40));
    }
  });
}

/** Retained messages with large payloads. */
export function largeRetained(count: number, payloadBytes: number): Load {
  return grow(async (context) => {
    const { prefix, version } = context.target;
    const client = context.expendable("retainer");
    await client.open({ keepAlive: 600 });
    const payload = new Uint8Array(payloadBytes);
    for (let at = 0; at < count && client.isOpen; at++) {
      const message = publish(version, `${prefix}/k/${at}`, payload, { retain: true });
      client.write(message);
      await tolerated(handled(client));
    }
  });
}

/** Does the work, and reads by how much the broker's memory has grown. */
function grow(work: (context: LoadContext) => Promise<void>): Load {
  return async (context) => {
    const { pid } = context.target;
    return async () => {
      const before = pid === null ? null : rssBytes(pid);
      const began = performance.now();
      await work(context);
      const took = performance.now() - began;
      await Bun.sleep(restMs);
      const figures: Figure[] = [];
      const after = pid === null ? null : rssBytes(pid);
      if (before !== null && after !== null) {
        figures.push({ name: "grown by", value: after - before, unit: "B" });
      }
      figures.push({ name: "took", value: took / 1000, unit: "s" });
      return figures;
    };
  };
}

/** So many MQTT 5.0 clients, each of which may be refused or ended. */
async function each(
  context: LoadContext,
  count: number,
  name: string,
  work: (client: Client, at: number) => Promise<void>,
): Promise<void> {
  const clients = Array.from({ length: count }, (_, at) => context.expendable(`${at}-${name}`, 5));
  let refused = 0;
  await forAll(clients, async (client, at) => {
    await work(client, at).catch(() => {
      refused++;
    });
  });
  if (refused > 0) context.note(`${refused} of ${count} clients were refused or ended`);
}

/** The broker may end the connection instead of answering. */
async function tolerated(answer: Promise<unknown>): Promise<void> {
  await answer.catch(() => {});
}
