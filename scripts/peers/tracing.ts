import type { Protocol } from "./broker.ts";
import { capture } from "./capture.ts";
import { verdictText } from "./cells.ts";
import { type Result, type Trace, writeMeasurement } from "./measurement.ts";
import { playDrops } from "./play.ts";
import { measurementOf, type Options, type Subject } from "./subject.ts";

/** The most runs of a scenario until something is wrong: results that vary may pass at first. */
const traceTries = 5;

/** Plays each scenario alone under tcpdump. */
export async function trace(
  subjects: readonly Subject[],
  ids: readonly string[],
  options: Options,
): Promise<void> {
  for (const subject of subjects) {
    for (const protocol of subject.protocols.filter((one) => options.protocols.includes(one))) {
      for (const id of ids) {
        let found = await traceOf(subject, protocol, id, options);
        for (let tries = 1; tries < traceTries && !found.isWrong; tries++) {
          found = await traceOf(subject, protocol, id, options);
        }
        const { trace: kept } = found;
        console.error(
          `${subject.name} ${subject.version}, MQTT ${protocol}, ${id}: ${kept.verdict}`,
        );
        keepTrace(subject, kept);
      }
    }
  }
}

async function traceOf(
  subject: Subject,
  protocol: Protocol,
  id: string,
  { mqttd, version, wait }: Options,
): Promise<{ readonly trace: Trace; readonly isWrong: boolean }> {
  const running = await subject.start(protocol);
  try {
    let result: Result | undefined;
    const segments = await capture(running.port, async () => {
      const { results } = await playDrops(mqttd, running, protocol, [id, "--wait", wait]);
      result = results.find((one) => one.id === id);
    });
    const verdict = result === undefined ? "no result" : verdictText(result);
    const date = new Date().toISOString().slice(0, 10);
    return {
      trace: { id, protocol, date, mqttd: version, verdict, segments },
      isWrong: result?.failure !== undefined,
    };
  } finally {
    await running.stop();
  }
}

/** Replaces the kept trace of the same scenario. */
function keepTrace(subject: Subject, found: Trace): void {
  const kept = measurementOf(subject);
  const others = kept.traces.filter(
    ({ id, protocol }) => id !== found.id || protocol !== found.protocol,
  );
  writeMeasurement({ ...kept, traces: [...others, found] });
}
