import { forAll } from "../client.ts";
import { type Figure, type Load, type LoadContext, until, warmedUp } from "../load.ts";
import { publishRun, type Qos } from "../packets.ts";
import { Flow } from "./flow.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";

export interface Throughput {
  /** Publishers, each with a topic of its own. */
  readonly publishers: number;
  /** Subscribers of each of these topics; "one": a single one of all of them. */
  readonly subscribersEach: number | "one";
  readonly qos: Qos;
  /** The most messages of a publisher that its slowest subscriber does not have yet. */
  readonly window: number;
  readonly payloadBytes: number;
  /** The sessions of the subscribers outlive their connections. */
  readonly isLasting?: boolean;
}

const usual = {
  /** A stall is this long without any message: with a window, one lost message stops a publisher. */
  stallMs: 3000,
  drainMs: 5000,
};

/** Messages as fast as the windows allow. */
export function throughput(shape: Throughput, patience = usual): Load {
  return async (context) => {
    const { flows, publishers, subscribers } = clientsOf(shape, context);
    // Subscribers of QoS 0 send nothing, so their keepalive is longer than the run.
    const keepAlive = 60 + Math.ceil(context.seconds);
    const kept = shape.isLasting === true ? { isClean: false, sessionExpiry: 3600 } : {};
    await forAll(subscribers, async ({ client, filter }) => {
      await client.open({ keepAlive, ...kept });
      await client.subscribe(filter);
    });
    await forAll(publishers, async (publisher) => publisher.open({ keepAlive }));
    noteReceiveMaximum(shape, context, publishers);
    return async () => {
      const watch = watchProgress(flows, context, patience.stallMs);
      try {
        return await counted(flows, context, patience.drainMs);
      } finally {
        clearInterval(watch);
      }
    };
  };
}

async function counted(
  flows: readonly Flow[],
  context: LoadContext,
  drainMs: number,
): Promise<Figure[]> {
  const delivered = () => flows.reduce((sum, flow) => sum + flow.delivered, 0);
  for (const flow of flows) flow.start();
  await warmedUp(context);
  context.startClock();
  const before = delivered();
  const began = performance.now();
  await Bun.sleep(context.seconds * 1000);
  const count = delivered() - before;
  const took = (performance.now() - began) / 1000;
  context.stopClock();
  for (const flow of flows) flow.stop();
  if (!(await until(() => flows.every(({ isSettled }) => isSettled), drainMs))) {
    const flow = flows.findIndex(({ isSettled }) => !isSettled);
    context.fail(`flow ${flow} at the end: ${flows[flow]?.state}, ${drainMs} ms later`);
  }
  return [{ name: "delivered", value: count / took, unit: "/s" }];
}

function clientsOf(shape: Throughput, context: LoadContext) {
  const { publishers: count, subscribersEach, qos, window, payloadBytes } = shape;
  const { target } = context;
  const complain = (error: string) => context.fail(error);
  const topicOf = (flow: number) => `${target.prefix}/${String(flow).padStart(4, "0")}`;
  const runOf = (flow: number, length: number) =>
    publishRun(target.version, topicOf(flow), qos, flow, payloadBytes, length);
  const flows: Flow[] = [];
  const publishers: Publisher[] = [];
  const subscribers: { readonly client: Subscriber; readonly filter: string }[] = [];
  for (let number = 0; number < count; number++) {
    const flow = new Flow(window);
    const id = `${target.prefix}-pub-${number}`;
    flow.publisher = new Publisher(id, target, complain, runOf(number, window), flow);
    publishers.push(flow.publisher);
    flows.push(flow);
    const own = subscribersEach === "one" ? 0 : subscribersEach;
    for (let at = 0; at < own; at++) {
      const name = `${target.prefix}-sub-${number}-${at}`;
      const expected = runOf(number, 1);
      const client = new Subscriber(name, target, complain, expected, [flow.addLane()]);
      subscribers.push({ client, filter: topicOf(number) });
    }
  }
  if (subscribersEach === "one") {
    const lanes = flows.map((flow) => flow.addLane());
    const name = `${target.prefix}-sub`;
    const client = new Subscriber(name, target, complain, runOf(0, 1), lanes);
    subscribers.push({ client, filter: `${target.prefix}/+` });
  }
  for (const client of [...publishers, ...subscribers.map(({ client }) => client)]) {
    context.keep(client);
    client.onEnded = () => complain(`${client.id}: the broker ended the connection`);
  }
  return { flows, publishers, subscribers };
}

function watchProgress(
  flows: readonly Flow[],
  context: LoadContext,
  stallMs: number,
): NodeJS.Timeout {
  const counts = flows.map(() => -1);
  return setInterval(() => {
    for (const [number, flow] of flows.entries()) {
      const count = flow.delivered;
      if (count === counts[number] && !flow.isSettled) {
        context.fail(`flow ${number}: ${flow.state}, no progress for ${stallMs} ms`);
      }
      counts[number] = count;
    }
  }, stallMs);
}

function noteReceiveMaximum(
  { qos, window }: Throughput,
  context: LoadContext,
  publishers: readonly Publisher[],
): void {
  const least = Math.min(...publishers.map(({ receiveMaximum }) => receiveMaximum));
  if (qos === 0 || least >= window) return;
  context.note(`Receive Maximum ${least} held the publisher below its window of ${window}`);
}
