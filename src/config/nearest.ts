/**
 * The candidate that somebody most likely meant, or null when none is near. Case and word separators
 * do not count, and swapped neighbours are one mistake (Damerau-Levenshtein, optimal alignment).
 * Ties go to the earlier candidate.
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

/** How many letters of `word` are wrong if `candidate` was meant; null: too many, or not fewer than `bound`. */
export function lettersWrong(word: string, candidate: string, bound = Infinity): number | null {
  const meant = plain(word);
  const other = plain(candidate);
  // A third of the word may be wrong, three letters at most.
  const most = Math.min(3, Math.max(1, Math.floor(meant.length / 3)));
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
