import { type CliError, usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import type { StatementId } from "../standard/statement.ts";
import { isStatement, ledger, placeOf, statementIds, versionName } from "../standard/statements.ts";

/** What one word of `mqttd rule` stands for. */
export interface Asked {
  /** In the ledger's order; never empty. */
  readonly ids: readonly StatementId[];
  /** Whole ids are shown in full, what is below a section in a line each. */
  readonly inFull: boolean;
}

/**
 * Reads an id (`v5-3.1.2-22`; without a version, or as the standard prints it, that of each version:
 * `[MQTT-3.1.2-24]`), a section or the beginning of one (`3.1`, `v5-3.1.2`, `v4`), or a word of the
 * statements (`keepalive`). Throws CliError with the nearest.
 */
export function askedBy(typed: string): Asked {
  const number = numberIn(typed);
  return number === null ? askedByWord(typed) : askedByNumber(number, typed);
}

interface Numbered {
  /** Those that were named, or that may be meant. */
  readonly versions: readonly (4 | 5)[];
  /** `3.1.2`; empty: all sections. */
  readonly section: string;
  /** Null: a section is meant. */
  readonly number: number | null;
}

/** With what people paste around it: brackets, `MQTT-`, `section`, a full stop. Null: it is no number. */
function numberIn(typed: string): Numbered | null {
  const bare = typed
    .trim()
    .toLowerCase()
    .replace(/^[[(<"'`]+|[\])>"'`.,:;]+$/g, "");
  // No statement is in a section 3.1.1, so that one is a version.
  const whole = /^(?:mqtt[-\s]?)?v?(3\.1\.1|5\.0)$|^(?:v|mqtt[-\s]?v?)([45])$/.exec(bare);
  const [, before, behind] =
    /^(?:mqtt[-\s]?)?v?(3\.1\.1|5\.0|[45])-(?=\d+(?:\.|$))(.+)$/.exec(bare) ?? [];
  const named = whole?.[1] ?? whole?.[2] ?? before ?? null;
  const rest = behind ?? bare.replace(/^(?:mqtt-|section |§ ?)/, "");
  const place = whole === null ? rest : "";
  const found = /^(?:(\d+(?:\.\d+)*)(?:-(\d+))?)?$/.exec(place);
  if (found === null || (place === "" && named === null)) return null;
  const [, section = "", number] = found;
  const versions = named === null ? ([4, 5] as const) : ([named.startsWith("5") ? 5 : 4] as const);
  return { versions, section, number: number === undefined ? null : Number(number) };
}

function askedByNumber({ versions, section, number }: Numbered, typed: string): Asked {
  if (number !== null) {
    const ids = versions.map((version) => `v${version}-${section}-${number}`).filter(isStatement);
    if (ids.length === 0) throw noStatement(versions, section, number);
    return { ids, inFull: true };
  }
  const ids = below(versions, section);
  if (ids.length === 0) throw noSection(versions, section, typed);
  return { ids, inFull: false };
}

/** Statements of a section and of those in it. */
function below(versions: readonly (4 | 5)[], section: string): StatementId[] {
  return statementIds.filter((id) => {
    const place = placeOf(id);
    const isIn = section === "" || `${place.section}.`.startsWith(`${section}.`);
    return isIn && versions.includes(place.version);
  });
}

function noStatement(versions: readonly (4 | 5)[], section: string, number: number): CliError {
  const [version = 5, other] = versions;
  const id = other === undefined ? `v${version}-${section}-${number}` : `${section}-${number}`;
  const own = statementIds.filter((each) => {
    const place = placeOf(each);
    return place.section === section && versions.includes(place.version);
  });
  const near =
    own.length > 0
      ? own.reduce((best, each) => (far(each, number) < far(best, number) ? each : best))
      : nearest(`v${version}-${section}-${number}`, statementIds);
  return unknown(`there is no statement ${id}`, near);
}

function far(id: StatementId, number: number): number {
  return Math.abs(placeOf(id).number - number);
}

/** Many sections have no numbered statement: what is above them may have some. */
function noSection(versions: readonly (4 | 5)[], section: string, typed: string): CliError {
  for (let above = section; above.includes(".");) {
    above = above.replace(/\.\d+$/, "");
    const [id] = below(versions, above);
    if (id === undefined) continue;
    const where = versions.length > 1 ? above : `v${placeOf(id).version}-${above}`;
    const standards = versions.map(versionName).join(" and ");
    return usageError(
      `rule: section ${section} of MQTT ${standards} has no numbered statement`,
      `see mqttd rule ${where}`,
    );
  }
  return unknown(`there is no section ${quoted(typed)} with statements`, null);
}

function askedByWord(typed: string): Asked {
  const word = letters(typed);
  const ids =
    word === "" ? [] : statementIds.filter((id) => letters(ledger[id]?.says ?? "").includes(word));
  if (ids.length === 0) {
    throw unknown(`no statement is or holds ${quoted(typed)}`, nearest(typed, statementIds));
  }
  return { ids, inFull: false };
}

/** `Keep Alive`, `keep-alive` and `keepalive` are one word. */
function letters(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}$#+]/gu, "");
}

function unknown(message: string, near: string | null): CliError {
  const hint =
    near === null ? "mqttd rule lists all" : `did you mean ${near}? mqttd rule lists all`;
  return usageError(`rule: ${message}`, hint);
}
