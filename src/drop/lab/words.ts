import type { Readable } from "node:stream";

/** A report of a child process, and the monotonic moment at which it arrived. */
export interface Received<Word> {
  readonly word: Word;
  readonly at: number;
}

/** Collects the reports on a child's stdout: a line of JSON each, written by a part of this program. */
export function wordsFrom<Word>(stdout: Readable): readonly Received<Word>[] {
  const words: Received<Word>[] = [];
  let rest = "";
  const decoder = new TextDecoder();
  stdout.on("data", (chunk: Uint8Array) => {
    const at = performance.now();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    // The same program has written it.
    for (const line of lines) words.push({ word: JSON.parse(line) as Word, at });
  });
  return words;
}
