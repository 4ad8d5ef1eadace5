/**
 * The load of one run, in a process of its own: `npx bun bench/loader.ts PLAN` with a LoadPlan as JSON
 * prints a LoadReport as JSON. The loader must be much faster than the broker, so it works on raw
 * bytes; the report includes its CPU time, so that a reader can check this.
 */
import { Flow } from "./flow.ts";
import { LoadPlan, type LoadReport } from "./load.ts";
import { disconnect, publishRun } from "./packets.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";
import { cpuSeconds, difference, machineBusySeconds, peakRssBytes } from "./usage.ts";

const drainMs = 5000;
const connectMs = 20_000;

const plan = LoadPlan.parse(JSON.parse(process.argv[2] ?? "null"));
const report = await load(plan);
// Hanging sockets must not keep the process alive.
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

async function load(plan: LoadPlan): Promise<LoadReport> {
  const errors: string[] = [];
  const failed = Promise.withResolvers<void>();
  const complain = (error: string) => {
    if (errors.length < 5) errors.push(error);
    failed.resolve();
  };
  const flows = makeFlows(plan, complain);
  const clients = flows.flatMap((flow) => [...flow.subscribers, ...publishersOf(flow)]);
  const until = (work: Promise<void>) => Promise.race([work, failed.promise]);

  const late = setTimeout(() => complain(`not connected within ${connectMs} ms`), connectMs);
  await until(
    openAll(plan, flows).catch((error: unknown) => complain(`connecting: ${String(error)}`)),
  );
  clearTimeout(late);
  const watch = watchProgress(plan.stallMs, flows, complain);
  if (errors.length === 0) for (const flow of flows) flow.start();
  await until(Bun.sleep(plan.warmUpMs));
  const before = snapshot(plan, flows);
  await until(Bun.sleep(plan.countMs));
  const after = snapshot(plan, flows);
  for (const flow of flows) flow.stop();
  if (errors.length === 0) await until(drained(flows, complain));
  clearInterval(watch);
  const brokerPeakRssBytes = peakRssBytes(plan.brokerPid);
  for (const client of clients) client.end(disconnect);

  const seconds = (after.atMs - before.atMs) / 1000;
  const delivered = after.delivered - before.delivered;
  const brokerCpuSeconds = difference(before.brokerCpuSeconds, after.brokerCpuSeconds);
  const loaderCpuSeconds = after.loaderCpuSeconds - before.loaderCpuSeconds;
  const busySeconds = difference(before.machineBusySeconds, after.machineBusySeconds);
  return {
    delivered,
    seconds,
    perSecond: delivered / seconds,
    brokerCpuSeconds,
    brokerPeakRssBytes,
    loaderCpuSeconds,
    // The kernel's ticks are coarse, so the difference can be below zero.
    othersCpuSeconds:
      busySeconds === null || brokerCpuSeconds === null
        ? null
        : Math.max(0, busySeconds - brokerCpuSeconds - loaderCpuSeconds),
    perRead: delivered / Math.max(1, after.reads - before.reads),
    notes: receiveMaximumNotes(plan, flows),
    errors,
  };
}

function makeFlows(plan: LoadPlan, complain: (error: string) => void): Flow[] {
  return Array.from({ length: plan.publishers }, (_, number) => {
    const topic = topicOf(number);
    const run = (count: number) =>
      publishRun(plan.version, topic, plan.qos, plan.payloadBytes, count);
    const flow = new Flow(plan.window);
    for (let at = 0; at < plan.subscribersEach; at++) {
      const id = `bench-sub-${number}-${at}`;
      flow.subscribers.push(new Subscriber(id, plan.version, complain, run(1), flow));
    }
    flow.publisher = new Publisher(
      `bench-pub-${number}`,
      plan.version,
      complain,
      run(plan.window),
      flow,
    );
    return flow;
  });
}

function topicOf(number: number): string {
  return `bench/${String(number).padStart(4, "0")}`;
}

/** Opens one after the other: a burst of connections is another benchmark. */
async function openAll(plan: LoadPlan, flows: readonly Flow[]): Promise<void> {
  // Subscribers of QoS 0 send nothing, so their keepalive must be longer than the run.
  const keepAlive = 60 + Math.ceil((plan.warmUpMs + plan.countMs) / 1000);
  for (const [number, flow] of flows.entries()) {
    for (const subscriber of flow.subscribers) {
      await subscriber.open(plan.host, plan.port, keepAlive);
      await subscriber.subscribe(topicOf(number), plan.qos);
    }
    for (const publisher of publishersOf(flow))
      await publisher.open(plan.host, plan.port, keepAlive);
  }
}

function publishersOf(flow: Flow): Publisher[] {
  return flow.publisher === null ? [] : [flow.publisher];
}

function watchProgress(
  stallMs: number,
  flows: readonly Flow[],
  complain: (error: string) => void,
): Timer {
  const counts = flows.map(() => -1);
  return setInterval(() => {
    for (const [number, flow] of flows.entries()) {
      const count = flow.subscribers.reduce((sum, subscriber) => sum + subscriber.count, 0);
      if (count === counts[number]) complain(`flow ${number}: ${lacking(flow, stallMs)}`);
      counts[number] = count;
    }
  }, stallMs);
}

async function drained(flows: readonly Flow[], complain: (error: string) => void): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (!flows.every((flow) => flow.settled)) {
    if (performance.now() > deadline) {
      for (const [number, flow] of flows.entries())
        if (!flow.settled) complain(`flow ${number}: ${lacking(flow, drainMs)}`);
      return;
    }
    await Bun.sleep(5);
  }
}

function lacking(flow: Flow, waitedMs: number): string {
  const published = flow.publisher?.published ?? 0;
  const acknowledged = flow.publisher?.acknowledged ?? 0;
  const least = Math.min(...flow.subscribers.map(({ count }) => count));
  return `${published} published, ${acknowledged} acknowledged, slowest subscriber has ${least}, no progress for ${waitedMs} ms`;
}

interface Snapshot {
  readonly atMs: number;
  readonly delivered: number;
  readonly reads: number;
  readonly brokerCpuSeconds: number | null;
  readonly machineBusySeconds: number | null;
  readonly loaderCpuSeconds: number;
}

function snapshot(plan: LoadPlan, flows: readonly Flow[]): Snapshot {
  let delivered = 0;
  let reads = 0;
  for (const flow of flows) {
    for (const subscriber of flow.subscribers) {
      delivered += subscriber.count;
      reads += subscriber.reads;
    }
  }
  const own = process.cpuUsage();
  return {
    atMs: performance.now(),
    delivered,
    reads,
    brokerCpuSeconds: cpuSeconds(plan.brokerPid),
    machineBusySeconds: machineBusySeconds(),
    loaderCpuSeconds: (own.user + own.system) / 1e6,
  };
}

function receiveMaximumNotes(plan: LoadPlan, flows: readonly Flow[]): string[] {
  const least = Math.min(...flows.map((flow) => flow.publisher?.receiveMaximum ?? 65_535));
  if (plan.qos === 0 || least >= plan.window) return [];
  return [`Receive Maximum ${least} held the publisher below its window of ${plan.window}`];
}
