/**
 * The system's text of an error: `no such file or directory`. Without the file name, because the
 * caller names the file, and this name may be that of its draft.
 */
export function systemErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // `ENOENT: no such file or directory, open 'ready.4711.tmp'`
  return /^E[A-Z0-9]+: (.+?), [a-z]+(?: '.*)?$/s.exec(message)?.[1] ?? message;
}

/** The `code` of a system error: `ENOENT`, `ECONNREFUSED`; null: none. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
