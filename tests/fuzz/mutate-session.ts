import type { ProtocolVersion } from "../../src/core/packet.ts";
import type { Dice } from "../support/dice.ts";
import { type Corpus, versionOf } from "./corpus.ts";
import { type Act, type FuzzInput, longestWaitMs } from "./input.ts";
import { mutatePacket } from "./mutate-packet.ts";
import { clientIds } from "./strings.ts";

const names = ["a", "b", "c", "d"];
const actsMax = 60;

/** A new input: assembled from packets, or made from a kept one. */
export function drawInput(dice: Dice, corpus: Corpus, kept: readonly FuzzInput[]): FuzzInput {
  const base = dice.chance(40) ? composed(dice, corpus) : dice.pick([...corpus.inputs, ...kept]);
  let acts = [...base.acts];
  const rounds = dice.weighted([
    [3, 1],
    [3, 3],
    [2, 8],
  ]);
  for (let round = 0; round < rounds; round++) {
    acts = mutation(dice, corpus, kept)(acts);
    if (acts.length > actsMax) {
      const from = dice.below(acts.length - actsMax + 1);
      acts = [...acts.slice(0, 4), ...acts.slice(from + 4, from + actsMax)];
    }
  }
  return {
    limits: dice.pick(["small", "small", "small", "strict", "default"]),
    verdicts: dice.chance(90) ? "now" : "later",
    trace: dice.chance(10),
    acts,
  };
}

/** The same bytes in other chunks: packets cut anywhere, and joined with their successors. */
export function chunked(dice: Dice, input: FuzzInput): FuzzInput {
  const how = dice.weighted([
    [4, "whole"],
    [3, "cut"],
    [3, "joined"],
    [1, "bytes"],
  ] as const);
  const acts: Act[] = [];
  for (const act of input.acts) {
    const last = acts.at(-1);
    if (act.act !== "send" || how === "whole") acts.push(act);
    else if (how === "joined" && last?.act === "send" && last.who === act.who && dice.chance(70)) {
      acts[acts.length - 1] = { ...last, bytes: joined(last.bytes, act.bytes) };
    } else if (how === "bytes" && act.bytes.length < 60) {
      for (const byte of act.bytes) acts.push({ ...act, bytes: Uint8Array.of(byte) });
    } else if (how === "cut" && act.bytes.length > 1) {
      const at = dice.between(1, act.bytes.length - 1);
      acts.push({ ...act, bytes: act.bytes.subarray(0, at) });
      acts.push({ ...act, bytes: act.bytes.subarray(at) });
    } else acts.push(act);
  }
  return { ...input, acts };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** Clients that connect, act, close and return, mostly as they may. */
function composed(dice: Dice, corpus: Corpus): FuzzInput {
  const version = dice.pick<ProtocolVersion>([3, 4, 4, 5, 5, 5]);
  const clients = names.slice(0, dice.between(1, 3));
  const acts: Act[] = clients.map((who) => connect(dice, corpus, who, version));
  const count = dice.between(3, 20);
  for (let done = 0; done < count; done++) {
    const who = dice.pick(clients);
    const acting = dice.weighted<() => Act[]>([
      [12, () => [packet(dice, corpus, who, version)]],
      // More than a window or a queue holds.
      [2, () => repeated(packet(dice, corpus, who, version), dice.between(5, 12))],
      [4, () => [{ act: "answer", who }]],
      [3, () => [wait(dice)]],
      [2, () => [trouble(dice, who)]],
      [3, () => [{ act: "open", who }, connect(dice, corpus, who, version)]],
      // Offline for a while: its session queues messages.
      [
        2,
        () => [
          { act: "drop", who, how: "reset" },
          ...repeated(packet(dice, corpus, dice.pick(clients), version), dice.between(1, 10)),
          { act: "open", who },
          connect(dice, corpus, who, version),
        ],
      ],
    ]);
    acts.push(...acting());
  }
  return { limits: "small", verdicts: "now", trace: false, acts };
}

function repeated(act: Act, times: number): Act[] {
  return Array.from({ length: times }, () => act);
}

function connect(dice: Dice, corpus: Corpus, who: string, version: ProtocolVersion): Act {
  const able = corpus.connects.filter((sample) => sample.version === version);
  let { bytes } = dice.pick(able.length > 0 ? able : corpus.connects);
  const changes = dice.below(5);
  for (let done = 0; done < changes; done++) bytes = mutatePacket(dice, bytes, version, "sound");
  return { act: "send", who, bytes };
}

function packet(dice: Dice, corpus: Corpus, who: string, version: ProtocolVersion): Act {
  const able = corpus.others.filter((sample) => sample.version === version);
  let { bytes } = dice.pick(able.length > 0 ? able : corpus.others);
  const changes = dice.below(4);
  for (let done = 0; done < changes; done++) bytes = mutatePacket(dice, bytes, version, "sound");
  if (dice.chance(8)) bytes = mutatePacket(dice, bytes, version, "hostile");
  return { act: "send", who, bytes };
}

function wait(dice: Dice): Act {
  const ms = dice.pick([0, 1, 999, 1000, 1500, 1501, 5000, 10_000, 15_000, 60_000, 7_200_000]);
  return { act: "wait", ms: dice.chance(3) ? longestWaitMs : ms };
}

function trouble(dice: Dice, who: string): Act {
  return dice.pick<Act>([
    { act: "hold", who, bytes: dice.pick([0, 1, 7, 100, 1000]) },
    { act: "drain", who, bytes: dice.pick([1, 50, 500, Infinity, Infinity]) },
    { act: "drop", who, how: dice.pick(["eof", "reset", "timeout"]) },
    { act: "verdicts" },
    { act: "kick", clientId: dice.pick(clientIds) },
    { act: "break", who, how: dice.pick(["rst", "silent"]) },
    { act: "sleep", ms: dice.pick([0, 1000, 5000, 60_000, 7_200_000]) },
  ]);
}

type Mutation = (acts: Act[]) => Act[];

function mutation(dice: Dice, corpus: Corpus, kept: readonly FuzzInput[]): Mutation {
  const inPlace = (acts: readonly Act[]): number => dice.below(acts.length + 1);
  const packets =
    (intent: "sound" | "hostile"): Mutation =>
    (acts) => {
      const at = dice.below(Math.max(1, acts.length));
      const act = acts[at];
      if (act?.act !== "send") return acts;
      const version = spoken(acts, at, act.who);
      return acts.with(at, { ...act, bytes: mutatePacket(dice, act.bytes, version, intent) });
    };
  return dice.weighted<Mutation>([
    [6, packets("sound")],
    [8, packets("hostile")],
    // A packet of any kind, of a client or a server, of this version or another.
    [
      3,
      (acts) => {
        const { bytes } = dice.pick(dice.chance(80) ? corpus.others : corpus.connects);
        return acts.toSpliced(inPlace(acts), 0, { act: "send", who: dice.pick(names), bytes });
      },
    ],
    [2, (acts) => acts.toSpliced(inPlace(acts), 0, wait(dice))],
    [3, (acts) => acts.toSpliced(inPlace(acts), 0, trouble(dice, dice.pick(names)))],
    [2, (acts) => acts.toSpliced(inPlace(acts), 0, { act: "answer", who: dice.pick(names) })],
    [2, (acts) => acts.toSpliced(dice.below(Math.max(1, acts.length)), 1)],
    // Repeats a part a few times.
    [
      3,
      (acts) => {
        const at = dice.below(Math.max(1, acts.length));
        const some = acts.slice(at, at + dice.between(1, 4));
        const times = dice.pick([1, 1, 2, 10]);
        return acts.toSpliced(at, 0, ...Array.from({ length: times }, () => some).flat());
      },
    ],
    [
      1,
      (acts) => {
        const [act] = acts.slice(inPlace(acts));
        return act === undefined ? acts : acts.toSpliced(inPlace(acts), 0, act);
      },
    ],
    // Two sessions at once, or consecutively under the same names.
    [2, (acts) => spliced(dice, acts, dice.pick([...corpus.inputs, ...kept]).acts)],
    // The front of one packet and the end of another, as a client's bug would send.
    [1, (acts) => torn(dice, corpus, acts)],
    // Moves everything sent under one name to another.
    [
      1,
      (acts) => {
        const [from, to] = [dice.pick(names), dice.pick(names)];
        return acts.map((act) => ("who" in act && act.who === from ? { ...act, who: to } : act));
      },
    ],
  ]);
}

function spliced(dice: Dice, acts: readonly Act[], others: readonly Act[]): Act[] {
  if (dice.chance(30)) return [...acts, ...others];
  const result: Act[] = [];
  const left = [...acts];
  const right = [...others];
  while (left.length > 0 || right.length > 0) {
    const act = (dice.chance(50) ? left : right).shift() ?? left.shift() ?? right.shift();
    if (act !== undefined) result.push(act);
  }
  return result;
}

function torn(dice: Dice, corpus: Corpus, acts: Act[]): Act[] {
  const at = dice.below(Math.max(1, acts.length));
  const act = acts[at];
  if (act?.act !== "send") return acts;
  const front = act.bytes.subarray(0, dice.between(1, act.bytes.length));
  const { bytes } = dice.pick(corpus.others);
  return acts.with(at, { ...act, bytes: joined(front, bytes.subarray(dice.below(bytes.length))) });
}

/** The version of a connection at that place, by its name's last CONNECT. */
function spoken(acts: readonly Act[], at: number, who: string): ProtocolVersion {
  for (let place = at; place >= 0; place--) {
    const act = acts[place];
    if (act?.act !== "send" || act.who !== who) continue;
    const version = versionOf(act.bytes);
    if (version !== null) return version;
  }
  return 4;
}
