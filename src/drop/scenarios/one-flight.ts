import { connectByHand, watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { secondCopyMs, type Stage } from "../stage.ts";
import { tally } from "./tally.ts";

/** A race in the broker: one try would show nothing. */
const tries = 10;

/** The client connects and dies before the broker has read anything. */
export const oneFlightScenarios: readonly Scenario[] = [
  {
    id: "connect-fin",
    title: "CONNECT and FIN in one flight",
    grade: "should",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: `Sends a CONNECT with a will followed directly by FIN, without waiting for the CONNACK, like a program that fails at its start. ${tries} clients do so in turn.`,
    passes: `all ${tries} wills come at once`,
    wrong:
      "The broker detects the end of the connection before it reads the CONNECT, or cannot send the CONNACK, and discards the client with its will.",
    byHand: [
      watchByHand,
      connectByHand,
      'for n in 1 2 3 4 5; do printf "$hi" | nc -q 0 localhost 1883; done',
    ],
    means: {
      never:
        "A program that dies right after its CONNECT leaves no trace, as if it had never started. Monitor for a missing 'online' as well.",
      broken:
        "The will of a program that dies right after its CONNECT is sometimes lost. Monitor for a missing 'online' as well.",
      late: "A program that dies right after its CONNECT is reported late.",
    },
    play: connectAndFin,
  },
];

async function connectAndFin(stage: Stage): Promise<readonly Observation[]> {
  const deaths: { readonly payload: Buffer; readonly since: number }[] = [];
  const { will } = stage;
  if (will.retain) stage.retains(will.topic);
  for (let index = 1; index <= tries; index++) {
    const payload = stage.willPayload(String(index));
    const victim = await stage.dial();
    const connecting = victim.connect(
      stage.connectOptions({
        clientId: stage.options.clientId ?? stage.id(`flight-${index}`),
        will: stage.willOptions({ payload, delay: 0 }),
        keepalive: stage.options.keepAliveSeconds,
      }),
    );
    // The CONNACK is not awaited.
    connecting.catch(() => {});
    deaths.push({ payload, since: stage.dropped() });
    victim.fin();
  }
  const watcher = await stage.watcher();
  const [first] = deaths;
  const since = first?.since ?? stage.now;
  const came = (): boolean =>
    deaths.every(({ payload }) => stage.wills(since, { payload }).length > 0);
  const wait = stage.options.waitMs;
  await stage.until(wait, `${tries} wills`, () => watcher.isOver || came(), stage.now);
  await stage.until(secondCopyMs, "second copies", () => watcher.isOver);
  return [tally(deaths.map((death) => stage.observation(death.since, death.since, "", death)))];
}
