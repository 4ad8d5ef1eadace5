import type { Observation } from "./scenario.ts";
import type { Stage, WillPlan } from "./stage.ts";

/** The client of one arm: an id and a will payload of its own, so that no arm hears another's will. */
export interface Arm {
  /** For `Observation.arm`. */
  readonly name: string;
  readonly clientId: string;
  /** Where its will differs from the stage's. */
  readonly plan: Pick<WillPlan, "payload">;
}

/** Plays each variant as an arm: all at once, or in turn where the user gave one id for all. */
export async function playArms<Variant extends { readonly name: string }>(
  stage: Stage,
  variants: readonly Variant[],
  play: (arm: Arm, variant: Variant) => Promise<Observation>,
): Promise<Observation[]> {
  const arms = variants.map((variant, index) => [armOf(stage, variant, index), variant] as const);
  if (stage.options.clientId === null) {
    return Promise.all(arms.map(async ([arm, variant]) => play(arm, variant)));
  }
  const seen: Observation[] = [];
  for (const [arm, variant] of arms) seen.push(await play(arm, variant));
  return seen;
}

function armOf(stage: Stage, { name }: { readonly name: string }, index: number): Arm {
  return {
    name,
    clientId: stage.options.clientId ?? stage.id(`arm-${index + 1}`),
    plan: { payload: stage.willPayload(`${index + 1}: ${name}`) },
  };
}
