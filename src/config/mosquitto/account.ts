import type { ConfLine } from "./lines.ts";

/** What becomes of a line. */
export type Outcome =
  | {
      readonly fate: "taken";
      /** Keys, of a listener relative to it, with their values; none: nothing has to be written. */
      readonly set?: Readonly<Record<string, unknown>>;
      readonly why?: string;
      /** What to know before the configuration is used. */
      readonly warning?: string;
    }
  /** It has no effect in mqttd. */
  | { readonly fate: "needless"; readonly why: string }
  /** `closes`: without it, somebody gets in whom mosquitto keeps out. */
  | { readonly fate: "refused"; readonly why: string; readonly closes?: boolean }
  /** mosquitto does not start with it, or it does something else than it says. */
  | { readonly fate: "mistake"; readonly why: string };

export type Fate = Outcome["fate"];

/** The account of one line. */
export interface Account {
  readonly file: string;
  readonly line: number;
  /** The line; a password in it is not shown. */
  readonly text: string;
  readonly fate: Fate;
  /** The keys that it became, with their values: `listeners.0.port`. */
  readonly keys: readonly { readonly path: string; readonly value: unknown }[];
  readonly why: string;
  readonly closes: boolean;
  readonly warnings: readonly string[];
}

export function taken(
  set: Readonly<Record<string, unknown>> = {},
  why = "",
  warning?: string,
): Outcome {
  return { fate: "taken", set, why, ...(warning !== undefined && { warning }) };
}

export function needless(why: string): Outcome {
  return { fate: "needless", why };
}

export function refused(why: string): Outcome {
  return { fate: "refused", why };
}

/** Of a line that keeps somebody out. */
export function keepsOut(why: string): Outcome {
  return { fate: "refused", why, closes: true };
}

export function mistake(why: string): Outcome {
  return { fate: "mistake", why };
}

const secretOption = /(?:^|_)(?:password|pass|passwd|pw|psk|secret|token|dburi)$/;

/** The line as a report shows it. */
export function shownText({ option, value, text }: ConfLine): string {
  const isSecret = secretOption.test(option) && value !== "";
  return isSecret ? `${option} (not shown)` : text.trim();
}
