import { CliError } from "../config/cli-error.ts";
import { Interrupt } from "./interrupt.ts";
import { goodbyeText } from "../talk/goodbye.ts";
import type { TalkRequest } from "../talk/request.ts";
import { Session, type SessionEvents } from "../talk/session.ts";
import type { Surroundings } from "./command.ts";

/** The process as `pub`, `sub` and `rr` see it. */
export type TalkSurroundings = Pick<Surroundings, "print" | "flushed" | "printError" | "stdin">;

/** A command while it runs. */
export interface Talk {
  readonly session: Session;
  /** Ends the command with an exit code. */
  readonly end: (code: number) => void;
  /** Writes a remark to stderr, unless --quiet. */
  readonly say: (text: string) => void;
}

/**
 * Plays a command: connects, does its work until it ends, a signal comes or the session fails, and
 * leaves as the request says. Resolves to the exit code; throws CliError.
 */
export async function talk(
  request: TalkRequest,
  { printError }: TalkSurroundings,
  eventsOf: (talk: Talk) => SessionEvents,
  work: (talk: Talk) => Promise<number>,
  inflightMax?: number,
): Promise<number> {
  const interrupt = new Interrupt();
  const say = (text: string): void => {
    if (!request.quiet) printError(`mqttd: ${text}\n`);
  };
  const trace = (text: string): void => printError(`${text}\n`);
  const ended = Promise.withResolvers<number>();
  const events: SessionEvents = {};
  const session = new Session(request, events, { say, trace }, inflightMax);
  const one: Talk = { session, say, end: ended.resolve };
  Object.assign(events, eventsOf(one));
  const signalled = new Promise<number>((resolve) => {
    interrupt.onFirst = () => resolve(interrupt.exitCode ?? 0);
  });
  try {
    const working = (async (): Promise<number> => {
      await session.open();
      return work(one);
    })();
    // If another one settles the race, an error of the work no longer matters.
    working.catch(() => {});
    const code = await Promise.race([working, ended.promise, signalled, session.failed]);
    const hasWill = request.connect.will !== undefined;
    const isTold = interrupt.exitCode !== null || request.goodbye.isChosen || hasWill;
    const hasLeft = await Promise.race([session.leave(), interrupt.again]);
    if (hasLeft === true && isTold) say(goodbyeText(request));
    return code;
  } catch (error) {
    await Promise.race([session.leave(), interrupt.again]);
    if (error instanceof CliError && request.quiet) return error.exitCode;
    throw error;
  } finally {
    interrupt.close();
  }
}
