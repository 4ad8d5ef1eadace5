import { expect, test } from "bun:test";
import type { Effect } from "../../src/core/io.ts";
import type { World } from "../support/world.ts";
import { readCorpus } from "./corpus.ts";
import { BrokerFuzzer } from "./fuzzer.ts";
import type { Plant } from "./play.ts";
import { faultKey, smaller } from "./smaller.ts";

// Proves that the fuzzer detects faults: each of these is planted in the broker, and must be found.

const corpus = readCorpus();

/** Changes the effects of the core. */
function effects(change: (effect: Effect, world: World) => Effect[]): Plant {
  return (world) => {
    const { broker } = world;
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => handle(input, now).flatMap((effect) => change(effect, world));
  };
}

const planted: readonly { readonly fault: string; readonly plant: Plant; readonly told: string }[] =
  [
    {
      fault: "a packet that makes the core throw",
      plant: ({ broker }) => {
        const handle = broker.handle.bind(broker);
        broker.handle = (input, now) => {
          if (input.type === "received" && input.packet.type === "unsubscribe") {
            throw new TypeError("no such subscription");
          }
          return handle(input, now);
        };
      },
      told: "no such subscription",
    },
    {
      fault: "an answer that the standard does not know",
      plant: effects((effect) => {
        if (effect.type !== "send" || effect.packet.type !== "suback") return [effect];
        return [{ ...effect, packet: { ...effect.packet, reasons: [3] } }];
      }),
      told: "the broker sent SUBACK against",
    },
    {
      fault: "an answer behind the goodbye",
      plant: effects((effect) => {
        if (effect.type !== "close") return [effect];
        const { connection } = effect;
        const pingresp = { type: "pingresp" } as const;
        return [{ type: "send", connection, version: 5, packet: pingresp }, effect];
      }),
      told: "PINGRESP came",
    },
    {
      fault: "an end that is told twice",
      plant: effects((effect) =>
        effect.type === "note" && effect.event.event === "ended" ? [effect, effect] : [effect],
      ),
      told: "was told 2 times",
    },
    {
      fault: "a queue without its bound",
      plant: ({ broker }) => void Object.assign(broker.limits, { queuedMessages: 1000 }),
      told: "messages in a queue, where 5 is the bound",
    },
    {
      fault: "a will that is forgotten",
      plant: effects((effect) =>
        effect.type === "note" && effect.event.event === "will" ? [] : [effect],
      ),
      told: "met their fate",
    },
    {
      fault: "an output without its bound",
      plant: ({ broker }) => {
        const handle = broker.handle.bind(broker);
        broker.handle = (input, now) => {
          const orders = handle(input, now);
          // Forty thousand answers to one packet of a client that does not read.
          const connection =
            "connection" in input ? broker.connections.get(input.connection) : null;
          if ((connection?.waitingSince ?? null) === null) return orders;
          const answers = orders.filter(({ type }) => type === "send");
          return [...orders, ...Array.from({ length: 40_000 }, () => answers).flat()];
        };
      },
      told: "unsent bytes",
    },
    {
      fault: "a deadline that is always due",
      plant: ({ broker }) => {
        broker.nextDeadline = () => broker.now;
      },
      told: "more than 20000 steps",
    },
    {
      fault: "a neighbour's message that is lost once somebody has broken a rule",
      plant: effects((effect, { broker }) => {
        const isTroubled = broker.records.ends.protocolError > 0;
        return isTroubled && effect.type === "deliver" ? [] : [effect];
      }),
      told: "the bystander heard nothing",
    },
    {
      fault: "a keepalive that somebody else's end puts off",
      plant: effects((effect, { broker }) => {
        if (effect.type === "close") {
          for (const connection of broker.connections.values())
            connection.lastPacketAt = broker.now;
        }
        return [effect];
      }),
      told: "the bystander's keepalive did not end",
    },
  ];

for (const { fault, plant, told } of planted) {
  test(`finds ${fault}`, async () => {
    const fuzzer = new BrokerFuzzer(3, corpus, plant);
    expect(await firstFault(fuzzer, 2000)).toContain(told);
  }, 180_000);
}

test("shrinks an input that shows a fault", async () => {
  const plant = planted[0]?.plant;
  const fuzzer = new BrokerFuzzer(1, corpus, plant);
  const told = await firstFault(fuzzer, 500);
  const { current } = fuzzer;
  if (current === null) throw new Error("there is no input");
  const small = await smaller(current, told, plant);
  expect(small.acts.length).toBeLessThan(4);
  expect(faultKey(told)).toContain("no such subscription");
});

async function firstFault(fuzzer: BrokerFuzzer, inputs: number): Promise<string> {
  for (let step = 0; step < inputs; step++) {
    try {
      await fuzzer.step();
    } catch (fault) {
      return fault instanceof Error ? fault.message : String(fault);
    }
  }
  return "nothing was found";
}
