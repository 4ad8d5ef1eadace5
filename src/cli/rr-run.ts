import { Printer } from "../talk/printer.ts";
import type { RrRequest } from "../talk/request.ts";
import { payloadsOf } from "../talk/source.ts";
import { reasonText } from "../core/reason.ts";
import { refusedFilters } from "../talk/session.ts";
import { CliError } from "../config/cli-error.ts";
import { matches } from "../core/topic.ts";
import { talk, type TalkSurroundings } from "./talk-run.ts";

/** `mqttd rr`: sends a request and prints the first response. Resolves to the exit code; throws CliError. */
export async function requestResponse(
  request: RrRequest,
  surroundings: TalkSurroundings,
): Promise<number> {
  const { topic, qos, retain, properties, responseTopic, source, timeoutMs } = request;
  const answered = Promise.withResolvers<number>();
  const subscribed = Promise.withResolvers<void>();
  answered.promise.catch(() => {});
  return talk(
    request,
    surroundings,
    ({ session, say }) => {
      const printer = new Printer(request, surroundings, session);
      let isDone = false;
      return {
        connected: () => {
          session.subscribe([responseTopic], { qos, nl: false, rap: false, rh: 0 }, undefined);
        },
        subscribed: (suback) => {
          const [refused] = refusedFilters([responseTopic], suback);
          if (refused === undefined) subscribed.resolve();
          else subscribed.reject(new CliError(refused, { exitCode: 4 }));
        },
        published: (_, reason) => {
          if (reason < 0x80) return;
          const text = `the broker refused the request: ${reasonText(reason)}`;
          answered.reject(new CliError(text, { exitCode: 4 }));
        },
        message: (packet) => {
          if (isDone || (request.noRetained && packet.retain)) return;
          if (!matches(responseTopic, packet.topic)) return;
          isDone = true;
          const atMicros = Math.round((performance.timeOrigin + performance.now()) * 1000);
          const wrong = printer.add({ packet, atMicros });
          if (wrong !== null) say(`the response is not printed: ${wrong}`);
          printer.flushed().then(() => answered.resolve(0), answered.reject);
        },
      };
    },
    async ({ session, say }) => {
      const timedOut = (): void => {
        say(`timed out after ${(timeoutMs ?? 0) / 1000} s: no response`);
        answered.resolve(5);
      };
      const timer = timeoutMs === null ? null : setTimeout(timedOut, timeoutMs);
      await subscribed.promise;
      for await (const payload of payloadsOf(source, surroundings.stdin)) {
        await session.room();
        session.publish({
          ...{ topic, payload, qos, retain },
          ...(properties !== undefined && { properties }),
        });
      }
      const code = await answered.promise;
      if (timer !== null) clearTimeout(timer);
      return code;
    },
  );
}
