import { CliError, usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { overviewShape } from "../inspect/answers/answer-shape.ts";
import type { BrokerClient } from "../inspect/broker-client.ts";
import { toldBy } from "../inspect/tail.ts";
import { eventNames } from "../log/events.ts";
import { name } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import { clientIdOf, unknownClient } from "./inspect-names.ts";
import { type Order, type Output, withQuery } from "./inspect-output.ts";
import { Interrupt } from "./interrupt.ts";
import { TailPrinter } from "./tail-printer.ts";

/** `mqttd inspect tail`: the log's lines as they happen, until a signal or the broker's end. */
export function tailOrder(given: Arguments): Order {
  const query: [string, string][] = [];
  const clientId = given.text("client");
  for (const flag of ["topic", "event"]) {
    const value = given.text(flag);
    if (value !== null) query.push([flag, value]);
  }
  const event = given.text("event");
  if (event !== null && !eventNames.includes(event)) {
    const meant = nearest(event, eventNames);
    const hint = meant === null ? `there are ${eventNames.join(", ")}` : `did you mean ${meant}?`;
    throw usageError(`--event: found ${quoted(event)}, allowed: the name of an event`, hint);
  }
  return async (client, output) => {
    const interrupt = new Interrupt();
    try {
      const id = clientId === null ? null : await awaitedId(client, clientId, output);
      const ofClient: [string, string][] = id === null ? [] : [["client", id]];
      return await follow(client, [...ofClient, ...query], output, interrupt);
    } catch (error) {
      if (interrupt.exitCode === null) throw error;
      return interrupt.exitCode;
    } finally {
      interrupt.close();
    }
  };
}

/** The client may still connect, but a misspelt id would wait for ever. */
async function awaitedId(client: BrokerClient, word: string, output: Output): Promise<string> {
  const id = await clientIdOf(client, word);
  const unknown = await unknownClient(client, id);
  if (unknown !== null) {
    const near = unknown.nearest.map(name);
    const hint = near.length === 0 ? "" : ` (did you mean ${near.join(" or ")}?)`;
    output.surroundings.printError(
      `mqttd: no client ${name(id)} yet${hint}; waiting for its events\n`,
    );
  }
  return id;
}

async function follow(
  client: BrokerClient,
  query: readonly [string, string][],
  output: Output,
  interrupt: Interrupt,
): Promise<number> {
  const { signal } = interrupt;
  const { like } = await client.ask("/v1/overview", overviewShape);
  const stream = await client.stream(withQuery("/v1/events", query), signal);
  const printer = new TailPrinter(output, output.surroundings, like);
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });
  const printing = (async (): Promise<never> => {
    for await (const one of toldBy(stream)) printer.add(one);
    await printer.flushed();
    throw new CliError("the broker has stopped", { exitCode: 3 });
  })();
  // If another one settles the race, an error of the stream no longer matters.
  printing.catch(() => {});
  await Promise.race([printing, printer.outputClosed, aborted]);
  return interrupt.exitCode ?? 0;
}
