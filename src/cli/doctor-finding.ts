/** `unknown`: this system or this user cannot look. */
export type Status = "ok" | "warn" | "bad" | "unknown";

/** One line of `mqttd doctor`. */
export interface Finding {
  readonly status: Status;
  /** A sentence without a full stop: `port 1883 is free`. */
  readonly text: string;
  /** What to do; null: nothing has to be done. */
  readonly remedy: string | null;
}

/** Findings about one subject. */
export interface Examined {
  /** `Ports`, `Clock`. */
  readonly subject: string;
  readonly findings: readonly Finding[];
}

export function ok(text: string): Finding {
  return { status: "ok", text, remedy: null };
}

export function warn(text: string, remedy: string | null = null): Finding {
  return { status: "warn", text, remedy };
}

export function bad(text: string, remedy: string | null = null): Finding {
  return { status: "bad", text, remedy };
}

export function unknown(text: string): Finding {
  return { status: "unknown", text, remedy: null };
}
