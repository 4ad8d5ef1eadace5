import type { EventLine } from "../admin/api.ts";
import type { Millis } from "../core/io.ts";
import { levelOf, type LogEvent } from "../log/events.ts";
import { record } from "../log/record.ts";
import { plainSentence } from "../log/render.ts";
import { matches } from "../core/topic.ts";
import type { EventHub } from "./event-hub.ts";

export interface StreamQuery {
  readonly client?: string | undefined;
  /** An MQTT filter; matches events that name a topic. */
  readonly topic?: string | undefined;
  readonly event?: string | undefined;
}

/** Events that wait for a slow reader before it misses some. */
const waitingMax = 1000;
const heartbeatMs = 15_000;

/** An event as a person and a program read it. Rendered here, since somebody asked. */
export function eventLine(event: LogEvent, at: Millis): EventLine {
  return {
    at,
    level: levelOf(event),
    event: event.event,
    text: plainSentence(event, at),
    facts: record(event, at),
  };
}

/** Server-sent events for one reader, until it goes or the broker stops. */
export function eventStream(hub: EventHub, query: StreamQuery): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let id = 0;
  let missed = 0;
  let stop = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = (text: string): void => controller.enqueue(encoder.encode(text));
        write(": mqttd\n\n");
        const heartbeat = setInterval(() => write(": still here\n\n"), heartbeatMs);
        const end = hub.listen(
          (event, at) => {
            const line = wanted(event, at, query);
            if (line === null) return;
            if ((controller.desiredSize ?? 0) <= 0) {
              missed += 1;
              return;
            }
            if (missed > 0) {
              write(`event: missed\ndata: ${missed}\n\n`);
              missed = 0;
            }
            id += 1;
            write(`id: ${id}\ndata: ${JSON.stringify(line)}\n\n`);
          },
          {
            trace: query.event === "packet",
            onClose: () => {
              stop();
              controller.close();
            },
          },
        );
        stop = () => {
          clearInterval(heartbeat);
          end();
        };
      },
      cancel: () => stop(),
    },
    { highWaterMark: waitingMax },
  );
}

function wanted(event: LogEvent, at: Millis, query: StreamQuery): EventLine | null {
  if (event.event === "packet" && query.event !== "packet") return null;
  if (query.event !== undefined && event.event !== query.event) return null;
  if (query.client === undefined && query.topic === undefined) return eventLine(event, at);
  const { topic: filter, client } = query;
  const facts = record(event, at);
  if (client !== undefined && facts["client"] !== client) return null;
  if (filter !== undefined && !topicsOf(facts).some((topic) => matches(filter, topic))) return null;
  return eventLine(event, at);
}

/** The topics and filters that an event names. */
function topicsOf(facts: Readonly<Record<string, unknown>>): string[] {
  const will: unknown = facts["will"];
  const inWill = typeof will === "object" && will !== null && "topic" in will ? will.topic : null;
  return [facts["topic"], facts["filter"], inWill].filter((topic) => typeof topic === "string");
}
