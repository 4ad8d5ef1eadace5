/** Compares what the broker counts with what its process grows by: see `help`. */
import { type CoreKind, coreKinds, Holder } from "./holdings/core-kinds.ts";
import { type Growth, growthText, isRight } from "./holdings/growth.ts";
import { settledSize } from "./holdings/process-size.ts";
import { Served, type SocketKind, socketKinds } from "./holdings/socket-kinds.ts";
import { runScript, UsageError, wordsOf } from "./usage.ts";

const help = `npm run holdings -- [KIND...]

Compares what the broker counts against limits.memory with what its process grows by. For each kind
of holding, a process of its own makes a broker hold 100 MiB of that kind alone, twice:

  collected   a forced collection after each eighth of it, as the broker does near its limit
  left        one forced collection at the end: holes that garbage has left behind come on top

Both times the count has to be within 25 % of the growth of the resident memory. "live" is what the
runtime says that it keeps alive, for comparison.

Exit codes: 0 all right, 1 they differ by more than 25 %, 2 wrong usage.`;

/** Bytes of memory to make it hold. */
const target = 100 * 1024 * 1024;
/** Collections while it grows. */
const parts = 8;
/** Runs in a process of its own. Prints the growth as JSON. */
async function measure(name: string, isCollected: boolean): Promise<void> {
  const core = coreKinds[name];
  const sockets = socketKinds[name];
  if (core !== undefined) console.log(JSON.stringify(growthOfCore(core, isCollected)));
  if (sockets !== undefined) console.log(JSON.stringify(await growthServed(sockets, isCollected)));
}

async function growthServed(kind: SocketKind, isCollected: boolean): Promise<Growth> {
  const served = await Served.start();
  try {
    // Code that runs for the first time takes memory too, and so do buffers that are kept for reuse.
    const wires = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => kind.add(served, 1e6 + at)),
    );
    const [before, countedBefore] = [await served.size(), await served.counted()];
    for (let part = 0; part < parts; part++) {
      const count = kind.count / parts;
      for (let at = part * count; at < (part + 1) * count; at += atOnce) {
        const some = Math.min(atOnce, (part + 1) * count - at);
        const more = Array.from({ length: some }, async (_, one) => kind.add(served, at + one));
        wires.push(...(await Promise.all(more)));
      }
      if (isCollected) served.collect();
    }
    const counted = (await served.counted()) - countedBefore;
    const after = await served.size();
    return {
      ...{ counted, number: kind.count, kept: wires.length },
      ...{ resident: after.resident - before.resident, live: after.live - before.live },
    };
  } finally {
    await served.stop();
  }
}

/** Clients that connect at the same time. */
const atOnce = 20;

function growthOfCore(kind: CoreKind, isCollected: boolean): Growth {
  const { options, count = Infinity } = kind;
  // Code that runs for the first time takes memory too.
  const rehearsal = new Holder(options);
  const again = kind.prepare(rehearsal);
  for (let number = 0; number < Math.min(2000, count); number++) again(number);
  const holder = new Holder(options);
  const add = kind.prepare(holder);
  const { memory } = holder.broker;
  const [before, countedBefore] = [settledSize(), memory.total];
  let next = target / parts;
  let number = 0;
  for (; memory.total - countedBefore < target && number < count; number++) {
    add(number);
    if (!isCollected || memory.total - countedBefore < next) continue;
    next += target / parts;
    Bun.gc(true);
  }
  const counted = memory.total - countedBefore;
  const after = settledSize();
  // Read last, so that the broker is not collected before.
  const kept = holder.broker.sessions.size + rehearsal.broker.sessions.size;
  return {
    ...{ counted, number, kept },
    ...{ resident: after.resident - before.resident, live: after.live - before.live },
  };
}

async function growthOf(kind: string, how: How): Promise<Growth> {
  const child = Bun.spawn([process.execPath, import.meta.filename, kind], {
    env: { ...process.env, HOLDINGS_CHILD: how },
    stderr: "inherit",
  });
  return JSON.parse(await new Response(child.stdout).text()) as Growth;
}

type How = "collected" | "left";

async function main(): Promise<number> {
  const { values, positionals } = wordsOf({ help: { type: "boolean", default: false } });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const all = [...Object.keys(coreKinds), ...Object.keys(socketKinds)];
  const unknown = positionals.find((kind) => !all.includes(kind));
  if (unknown !== undefined) {
    throw new UsageError(`there is no kind "${unknown}", but ${all.join(", ")}`);
  }
  const how = process.env["HOLDINGS_CHILD"];
  if (how !== undefined) {
    for (const kind of positionals) await measure(kind, how === "collected");
    return 0;
  }
  let differs = 0;
  for (const kind of positionals.length === 0 ? all : positionals) {
    const collected = await growthOf(kind, "collected");
    const left = await growthOf(kind, "left");
    console.log(growthText(kind, collected, left));
    if (!isRight(collected) || !isRight(left)) differs += 1;
  }
  return differs === 0 ? 0 : 1;
}

await runScript(main);
