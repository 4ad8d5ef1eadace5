/** An error that the operator has to fix. The process prints it and exits. */
export class CliError extends Error {
  override name = "CliError";
  /** 2 usage or configuration, 3 could not connect, 4 refused, 5 timed out. */
  readonly exitCode: number;
  /** What to try; null: nothing beyond the message. */
  readonly hint: string | null;

  /** Each line of `message` becomes one line on stderr; the hint follows the last line. */
  constructor(
    message: string,
    options: { exitCode: number; hint?: string | null; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.exitCode = options.exitCode;
    this.hint = options.hint ?? null;
  }

  /** The text for stderr: `mqttd: message (hint)`. */
  get text(): string {
    const whole = this.hint === null ? this.message : `${this.message} (${this.hint})`;
    return whole.replace(/^/gm, "mqttd: ") + "\n";
  }
}

/** An error in the command line or the configuration. */
export function usageError(message: string, hint: string | null = null): CliError {
  return new CliError(message, { exitCode: 2, hint });
}
