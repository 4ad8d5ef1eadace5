import { nearest } from "../nearest.ts";
import { quoted } from "../problem.ts";
import { mistake, type Outcome } from "./account.ts";
import type { ConfLine } from "./lines.ts";

/** Lines of one listener, or of all that is global. */
export interface Scope {
  /** The line that began it; null: global, or the listener of `port`. */
  readonly start: ConfLine | null;
  /** The lines of each option, in order. */
  readonly lines: Map<string, ConfLine[]>;
}

/** What a line may look at. */
export interface Context {
  readonly line: ConfLine;
  /** The listener that it belongs to; null: it is global. */
  readonly listener: Scope | null;
  readonly global: Scope;
  /** The listener of `port`. */
  readonly first: Scope;
  readonly isPerListener: boolean;
}

/** One option of mosquitto. */
export interface Option {
  /**
   * `security`: of a listener with `per_listener_settings true`, else global. `below`: of a
   * listener, and an error above the first one.
   */
  readonly scope: "global" | "listener" | "below" | "security" | "bridge";
  /** A name or a text: given twice, it is an error. The last one of others counts. */
  readonly isText: boolean;
  /** Whether each of its lines counts. */
  readonly repeats: boolean;
  readonly judge: (value: string, context: Context) => Outcome;
}

type Judge<Value> = (value: Value, context: Context) => Outcome;

export function flag(scope: Option["scope"], judge: Judge<boolean>): Option {
  return option(scope, false, (text, context) => {
    const [word = ""] = text.split(" ");
    if (["true", "1"].includes(word)) return judge(true, context);
    if (["false", "0"].includes(word)) return judge(false, context);
    return mistake(`found ${quoted(word)}, allowed: true or false (1 and 0 work too)`);
  });
}

export function number(
  scope: Option["scope"],
  [least, most]: readonly [number, number],
  judge: Judge<number>,
): Option {
  return option(scope, false, (text, context) => {
    const [word = ""] = text.split(" ");
    const value = Number(word);
    const isRight = /^-?\d{1,15}$/.test(word) && value >= least && value <= most;
    if (isRight) return judge(value, context);
    return mistake(`found ${quoted(word)}, allowed: a whole number from ${least} to ${most}`);
  });
}

/** The rest of the line, comment and quotes included. */
export function text(scope: Option["scope"], judge: Judge<string>): Option {
  return { ...option(scope, false, judge), isText: true };
}

/** The name of a file. */
export function fileName(scope: Option["scope"], judge: Judge<string>): Option {
  return text(scope, (value, context) => {
    const [quote] = value;
    if (quote === '"' || quote === "'") {
      const meant = value.replace(/^(['"])(.*)\1$/, "$2");
      return mistake(`mosquitto takes no quotes off, they are part of the name; write ${meant}`);
    }
    const [before = "", comment] = value.split(/ +#/);
    if (comment === undefined) return judge(value, context);
    return mistake(`the name goes to the end of the line, with its comment; write ${before}`);
  });
}

/** One of some words. */
export function word(
  scope: Option["scope"],
  words: readonly string[],
  judge: Judge<string>,
): Option {
  return option(scope, true, (value, context) => {
    const [first = ""] = value.split(" ");
    if (words.includes(first)) return judge(first, context);
    const meant = nearest(first, words);
    const hint = meant === null ? "" : `, did you mean ${meant}?`;
    return mistake(`found ${quoted(first)}, allowed: ${words.join(", ")}${hint}`);
  });
}

export function any(scope: Option["scope"], judge: Judge<string>): Option {
  return option(scope, true, judge);
}

function option(scope: Option["scope"], repeats: boolean, judge: Judge<string>): Option {
  const whole: Judge<string> = (value, context) =>
    value === ""
      ? mistake(`the value of ${context.line.option} is missing`)
      : judge(value, context);
  return { scope, isText: false, repeats, judge: whole };
}

/** The value of another line's option, its first word; null: it is not given. */
export function given(scope: Scope | null, name: string): string | null {
  return scope?.lines.get(name)?.at(-1)?.value.split(" ")[0] ?? null;
}

export function isTrue(scope: Scope | null, name: string): boolean {
  return ["true", "1"].includes(given(scope, name) ?? "");
}
