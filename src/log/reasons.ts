import { Reason } from "../core/reason.ts";

const names: ReadonlyMap<number, string> = namesByCode();

/** A reason code in the standard's words with its number: `not authorized (0x87)`. */
export function reasonText(code: number): string {
  const number = `0x${code.toString(16).padStart(2, "0")}`;
  const text = names.get(code);
  return text === undefined ? `reason code ${number}` : `${text} (${number})`;
}

/** `Reason`'s keys, taken apart at capitals. Of several names for 0x00 the first counts. */
function namesByCode(): Map<number, string> {
  const found = new Map<number, string>();
  for (const [key, code] of Object.entries(Reason)) {
    if (found.has(code)) continue;
    found.set(
      code,
      key.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`),
    );
  }
  return found;
}
