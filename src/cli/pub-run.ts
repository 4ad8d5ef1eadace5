import { reasonText } from "../core/reason.ts";
import { name } from "../log/foreign.ts";
import type { PubRequest } from "../talk/request.ts";
import { payloadsOf } from "../talk/source.ts";
import { talk, type TalkSurroundings } from "./talk-run.ts";

/** `mqttd pub`. Resolves to the exit code; throws CliError. */
export async function publishMessages(
  request: PubRequest,
  surroundings: TalkSurroundings,
): Promise<number> {
  const { topic, qos, retain, properties, source, repeats, repeatDelayMs } = request;
  let refused = 0;
  return talk(
    request,
    surroundings,
    ({ say }) => ({
      published: (message, reason) => {
        if (reason < 0x80) return;
        refused += 1;
        say(`the broker refused the message on ${name(message.topic)}: ${reasonText(reason)}`);
      },
    }),
    async ({ session }) => {
      for await (const payload of payloadsOf(source, surroundings.stdin)) {
        for (let time = 0; time < repeats; time++) {
          if (time > 0) await delay(repeatDelayMs);
          await session.room();
          session.publish({
            ...{ topic, payload, qos, retain },
            ...(properties !== undefined && { properties }),
          });
        }
      }
      await session.settled();
      return refused === 0 ? 0 : 4;
    },
    request.inflightMax,
  );
}

async function delay(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
