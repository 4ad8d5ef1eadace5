/** Something that the operator has to mend. The process says it in one line and ends. */
export class CliError extends Error {
  override name = "CliError";
  /** 2 usage or configuration, 3 could not connect, 4 refused, 5 timed out. */
  readonly exitCode: number;
  /** What to try; null: the message says it all. */
  readonly hint: string | null;

  /** Each line of `message` becomes one line on stderr; the hint follows the last. */
  constructor(message: string, options: { exitCode: number; hint?: string | null }) {
    super(message);
    this.exitCode = options.exitCode;
    this.hint = options.hint ?? null;
  }

  /** What is written to stderr: `mqttd: message (hint)`. */
  get text(): string {
    const whole = this.hint === null ? this.message : `${this.message} (${this.hint})`;
    return whole.replace(/^/gm, "mqttd: ") + "\n";
  }
}

/** An error in how the command was typed, or in the configuration. */
export function usageError(message: string, hint: string | null = null): CliError {
  return new CliError(message, { exitCode: 2, hint });
}
