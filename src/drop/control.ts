import type { IPublishPacket } from "mqtt-packet";
import { NoAnswer } from "../client/client-error.ts";
import { reasonText } from "../core/reason.ts";
import { ControlFailed, NotOffered } from "./no-verdict.ts";
import type { Stage } from "./stage.ts";

/** How long an ordinary PUBLISH may take to the watcher. */
const controlMs = 3000;
/** Between the end of a control and a victim with the same id. */
const settleMs = 1000;

/**
 * An ordinary PUBLISH on the will's topic has to reach the watcher: else nothing can be said of a
 * will there. Rejects with NotOffered where the broker denies it by a code, and with ControlFailed
 * where it is lost without one.
 */
export async function control(stage: Stage): Promise<void> {
  // A client id of its own: a broker may mix up two connections of one id that follow closely.
  const failure = await reaches(stage, stage.id("control"));
  if (failure === null) return;
  const { clientId } = stage.options;
  if (clientId === null) throw failure;
  // The user's id may be the only one that the access list lets publish there.
  const again = await reaches(stage, clientId);
  if (again !== null) throw again;
  await stage.pause(settleMs, "the control's end");
}

/** Why a PUBLISH of this client does not reach the watcher; null: it does. */
async function reaches(stage: Stage, clientId: string): Promise<Error | null> {
  const { topic, qos } = stage.will;
  const watcher = await stage.watcher();
  stage.needs(stage.will);
  const payload = `control ${crypto.randomUUID()}`;
  const client = await stage.client({ clientId });
  let reason: number;
  try {
    reason = await client.publish(topic, payload, { qos: qos === 0 ? 0 : 1 });
  } catch (error) {
    if (!(error instanceof NoAnswer && error.isClosed)) throw error;
    // Closing is a way to deny it (v4-3.3.5-2), and a way to die: it is not said which.
    return new ControlFailed(
      `the broker closed the connection of a client that published on ${topic}`,
    );
  }
  const isControl = (packet: IPublishPacket): boolean => packet.payload.toString() === payload;
  const came = (): boolean => watcher.arrivals.some(({ packet }) => isControl(packet));
  const isOver = (): boolean => came() || watcher.isOver || reason >= 0x80;
  await stage.until(controlMs, "control", isOver);
  const hasCome = came();
  client.leave();
  stage.controlled(isControl);
  if (hasCome) return null;
  if (watcher.isOver) return new ControlFailed("the watcher's connection was closed");
  if (reason >= 0x80) {
    return new NotOffered(`the broker denies a PUBLISH on ${topic}: PUBACK ${reasonText(reason)}`);
  }
  return new ControlFailed(
    `an ordinary PUBLISH on ${topic} did not reach its subscriber within ${controlMs / 1000} s, ` +
      "and the broker gave no reason: this client may not publish there, so neither can its will",
    "may not publish",
  );
}
