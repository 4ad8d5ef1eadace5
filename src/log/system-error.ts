/**
 * What the system says of a file: `no such file or directory`. The name of the file is left out,
 * because the caller names it, and because this one may be a draft's.
 */
export function systemErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // `ENOENT: no such file or directory, open 'ready.4711.tmp'`
  return /^E[A-Z0-9]+: (.+?), [a-z]+(?: '.*)?$/s.exec(message)?.[1] ?? message;
}

/** The `code` of a system error: `ENOENT`, `ECONNREFUSED`; null: it has none. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
