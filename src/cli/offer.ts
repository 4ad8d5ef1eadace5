import type { Surroundings } from "./command.ts";

/** What a shell may offer at the cursor. */
export type Offer =
  | { readonly kind: "words"; readonly words: readonly Candidate[] }
  /** The shell knows them better. */
  | { readonly kind: "files" | "folders" };

export interface Candidate {
  readonly value: string;
  /** Beside it, in shells that show it. */
  readonly about: string;
}

/** What a command's words and the values of its flags may be. All of it is asked at the cursor only. */
export interface Completion {
  /**
   * Values by the long name of the flag, `current` the beginning of one, `before` the flag's values
   * before it; for other flags the placeholder decides.
   */
  readonly values?: Readonly<Record<string, (current: string, before: readonly string[]) => Offer>>;
  /** The word after these. Absent: nothing is known of it. */
  readonly word?: (before: readonly string[], surroundings: Surroundings) => Offer | Promise<Offer>;
}

export const nothing: Offer = { kind: "words", words: [] };
export const files: Offer = { kind: "files" };
export const folders: Offer = { kind: "folders" };

export function wordsOf(values: Iterable<string>): Offer {
  return { kind: "words", words: Array.from(values, (value) => ({ value, about: "" })) };
}

export function described(rows: Iterable<readonly [value: string, about: string]>): Offer {
  return { kind: "words", words: Array.from(rows, ([value, about]) => ({ value, about })) };
}

/** Each word behind a prefix. */
export function attached(prefix: string, offer: Offer): Offer {
  if (offer.kind !== "words") return offer;
  const words = offer.words.map(({ value, about }) => ({ value: prefix + value, about }));
  return { kind: "words", words };
}

/** A list with commas: its last item, behind the others. */
export function inList(current: string, offer: Offer): Offer {
  return attached(/^.*,/s.exec(current)?.[0] ?? "", offer);
}

/** A word that no shell reads otherwise than it is typed. */
const plainWord = /^[\w./:@%+,][\w./:@%+=,-]*$/;

/** What a running broker knows; nothing if none answers soon. */
export async function fromBroker(ask: () => Promise<Iterable<string>>): Promise<Offer> {
  try {
    return wordsOf([...(await ask())].filter((word) => plainWord.test(word)));
  } catch {
    // No broker, several, or one that hangs: the line is typed without its help.
    return nothing;
  }
}
