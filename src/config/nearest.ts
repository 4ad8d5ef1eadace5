/**
 * The candidate that a misspelt word most likely means; null: none is near. Ignores case and word
 * separators; two swapped neighbours are one mistake (Damerau-Levenshtein, optimal alignment). In a
 * tie the earlier candidate wins.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bound = Infinity;
  for (const candidate of candidates) {
    const wrong = lettersWrong(word, candidate, bound);
    if (wrong === null) continue;
    best = candidate;
    bound = wrong;
  }
  return best;
}

/** The number of wrong letters in `word` for `candidate`; null: too many, or not below `bound`. */
export function lettersWrong(word: string, candidate: string, bound = Infinity): number | null {
  const meant = plain(word);
  const other = plain(candidate);
  // At most a third of the word may be wrong, and at most three letters; never all of it.
  const most = Math.min(3, meant.length - 1, Math.max(1, Math.floor(meant.length / 3)));
  const fewer = Math.min(bound, most + 1);
  if (Math.abs(other.length - meant.length) >= fewer) return null;
  const found = distance(meant, other);
  return found < fewer ? found : null;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, at(beforeLast, j - 2) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
