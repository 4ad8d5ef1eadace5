import type { WorldOptions } from "../support/world.ts";
import type { Port } from "./port.ts";
import { Scene } from "./scene.ts";
import type { StatementId } from "../../src/standard/statement.ts";

/** A broker with other settings than the defaults; only our own can have them. */
export interface Needs {
  /** The requirement, in a clause. */
  readonly what: string;
  readonly options: WorldOptions;
}

/**
 * Checks a behaviour that some statements require. Plays once for each version of those statements.
 */
export interface Check {
  readonly title: string;
  readonly statements: readonly StatementId[];
  readonly needs: Needs | null;
  readonly play: (scene: Scene) => Promise<void>;
}

export interface Group {
  readonly name: string;
  readonly checks: readonly Check[];
}

/** `statements`: their ids with blanks between. */
export function check(
  statements: string,
  title: string,
  play: (scene: Scene) => Promise<void>,
  needs: Needs | null = null,
): Check {
  return { statements: statements.split(" ") as StatementId[], title, play, needs };
}

/** One check in one version. */
export interface Case {
  readonly group: string;
  readonly check: Check;
  readonly version: 4 | 5;
  /** The statements of that version. */
  readonly statements: readonly StatementId[];
  /** `v5-3.1.2-22 · the connection is closed at 1.5 times the Keep Alive` */
  readonly name: string;
}

export function casesOf(groups: readonly Group[]): Case[] {
  return groups.flatMap(({ name: group, checks }) =>
    checks.flatMap((each) =>
      ([4, 5] as const).flatMap((version) => {
        const statements = each.statements.filter((id) => id.startsWith(`v${version}-`));
        if (statements.length === 0) return [];
        const name = `${statements.join(", ")} · ${each.title}`;
        return [{ group, check: each, version, statements, name }];
      }),
    ),
  );
}

/** Plays a case. Rejects with Disagreement where the broker differs. */
export async function play({ check: { play: act }, version }: Case, port: Port): Promise<void> {
  const scene = new Scene(port, version);
  try {
    await act(scene);
  } catch (error) {
    // The check's own failure takes precedence over one of the cleanup.
    await scene.end().catch(() => {});
    throw error;
  }
  await scene.end();
}
