import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { ends } from "../../src/core/end-causes.ts";
import { Dice } from "../support/dice.ts";
import { corpusFolder, foundFolder, inputNames, readCorpus } from "./corpus.ts";
import { BrokerFuzzer } from "./fuzzer.ts";
import { readInput, writeInput } from "./input.ts";
import { play } from "./play.ts";
import { readReaderInput, readers } from "./reader-input.ts";
import { drawReaderInput, judgeReader } from "./readers.ts";

// The short form of scripts/fuzz.ts: always the same inputs.

const corpus = readCorpus();
const seed = 1;
/** It works all the time: ten seconds, on a machine that does nothing else. */
const testLimitMs = 600_000;

test(
  "a broker among hostile clients",
  async () => {
    const fuzzer = new BrokerFuzzer(seed, corpus);
    for (let inputs = 0; inputs < 2000; inputs++) {
      try {
        await fuzzer.step();
      } catch (fault) {
        const text = fuzzer.current === null ? "" : writeInput(fuzzer.current);
        throw new Error(`this input shows it:\n${text}`, { cause: fault });
      }
    }
    // Inputs that are all refused at CONNECT would prove nothing.
    const { tally } = fuzzer;
    expect(tally.accepted / tally.connections).toBeGreaterThan(0.5);
    expect(tally.statements.size).toBeGreaterThan(60);
    // Without a store no input can fail in it or outlive the process, each connection has closed
    // before the stop, and memory has no limit: where it is short the bystanders lose messages too
    // (tests/sim plays that).
    const unreachable = ["storeFailed", "brokerRestarted", "shuttingDown", "memory"];
    // Only transports on top of TCP end so.
    unreachable.push("tlsCut", "tlsFailed", "proxyFailed", "webSocketClosed", "webSocketFailed");
    const reachable = Object.keys(ends).filter((cause) => !unreachable.includes(cause));
    expect(reachable.filter((cause) => !tally.causes.has(cause))).toEqual([]);
  },
  testLimitMs,
);

for (const reader of readers) {
  test(
    `foreign bytes: ${reader}`,
    async () => {
      const dice = new Dice(seed);
      for (let inputs = 0; inputs < 1000; inputs++) {
        await judgeReader(drawReaderInput(dice, corpus, reader));
      }
    },
    testLimitMs,
  );
}

test("one seed gives the same inputs", async () => {
  const runs = [1, 2].map(() => new BrokerFuzzer(seed, corpus));
  const texts: string[][] = [];
  for (const fuzzer of runs) {
    const inputs: string[] = [];
    for (let step = 0; step < 50; step++)
      await fuzzer.step((input) => inputs.push(writeInput(input)));
    texts.push(inputs);
  }
  expect(texts[0]).toEqual(texts[1] ?? []);
  expect(new Set(texts[0]).size).toBeGreaterThan(40);
});

for (const folder of [corpusFolder, foundFolder]) {
  for (const name of inputNames(folder)) {
    test(`${path.basename(folder)}: ${name}`, async () => {
      const text = readFileSync(path.join(folder, name), "utf8");
      const forReader = readReaderInput(text);
      if (forReader !== null) return judgeReader(forReader);
      const input = readInput(text);
      expect(readInput(writeInput(input))).toEqual(input);
      await play(input);
    });
  }
}
