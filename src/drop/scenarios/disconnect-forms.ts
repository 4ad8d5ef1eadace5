import type { IDisconnectPacket } from "mqtt-packet";
import type { Client } from "../../client/client.ts";
import { type Arm, playArms } from "../arms.ts";
import type { Observation } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** One way to write a DISCONNECT without properties. */
export interface DisconnectForm {
  /** With its bytes: `short form E0 01 04`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Every form of DISCONNECT with a reason code and no properties: the Property Length may be left out,
 * and with it a reason code of 0x00 (v5 sections 3.14.2.1 and 3.14.2.2.1). MQTT 3.1.1 has one form.
 */
export function disconnectForms(stage: Stage, reasonCode: number): readonly DisconnectForm[] {
  if (!stage.isV5) return [{ name: "", bytes: Uint8Array.of(0xe0, 0) }];
  const bare = [form("no reason code", [0xe0, 0])];
  return [
    ...(reasonCode === 0 ? bare : []),
    form("short form", [0xe0, 1, reasonCode]),
    form("long form", [0xe0, 2, reasonCode, 0]),
  ];
}

/** Sends this DISCONNECT, then FIN. */
export function leaveBy(victim: Client, { bytes }: DisconnectForm): void {
  victim.sendBytes(bytes);
  victim.fin();
}

/** Sends DISCONNECT with properties, then FIN. */
export function leaveWith(
  victim: Client,
  reasonCode: number,
  properties: NonNullable<IDisconnectPacket["properties"]>,
): void {
  victim.send({ cmd: "disconnect", reasonCode, properties });
  victim.fin();
}

/** Dies by DISCONNECT with a reason code that asks for the will at once, in each form. */
export async function disconnectedBy(
  stage: Stage,
  reasonCode: number,
): Promise<readonly Observation[]> {
  return playArms(stage, disconnectForms(stage, reasonCode), async (arm, sent) => {
    const since = await dieBy(stage, arm, sent);
    return stage.expectWill(since, since, arm.name, arm.plan);
  });
}

async function dieBy(stage: Stage, { clientId, plan }: Arm, sent: DisconnectForm): Promise<number> {
  const victim = await stage.victim({ clientId, will: stage.willOptions(plan) });
  const since = stage.dropped();
  leaveBy(victim, sent);
  return since;
}

function form(name: string, bytes: readonly number[]): DisconnectForm {
  const hex = bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
  return { name: `${name} ${hex.join(" ")}`, bytes: Uint8Array.from(bytes) };
}
