/**
 * What the system says of a file: `no such file or directory`. The name of the file is left out,
 * because the caller names it, and because this one may be a draft's.
 */
export function systemErrorText(fault: unknown): string {
  const message = fault instanceof Error ? fault.message : String(fault);
  // `ENOENT: no such file or directory, open 'ready.4711.tmp'`
  return /^E[A-Z0-9]+: (.+?), [a-z]+(?: '.*)?$/s.exec(message)?.[1] ?? message;
}

/** The `code` of a system error: `ENOENT`, `ECONNREFUSED`; null: it has none. */
export function errorCode(fault: unknown): string | null {
  if (!(fault instanceof Error) || !("code" in fault)) return null;
  return typeof fault.code === "string" ? fault.code : null;
}
