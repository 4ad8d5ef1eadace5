import { turnMs, type Turns } from "./turns.ts";

/**
 * The JSON text of a value in pieces, generated while it is written. A piece may be empty: nothing
 * to write yet.
 */
export interface Json<Value> {
  [Symbol.iterator](): Iterator<string>;
  /** For the compiler only: the type of the value. */
  readonly value?: Value;
}

/** A value as one piece, generated in its turn. */
export function jsonOf<Value>(make: () => Value): Json<Value> {
  return {
    *[Symbol.iterator]() {
      yield JSON.stringify(make());
    },
  };
}

/** Characters of a long text in one piece. */
const textPiece = 16 * 1024;

/** A text that may be long. */
export function jsonText(text: string): Json<string> {
  return {
    *[Symbol.iterator]() {
      // Halves of a surrogate pair are written as escapes, which are the pair again when read.
      for (let at = 0; at === 0 || at < text.length; at += textPiece) {
        const isFirst = at === 0;
        const isLast = at + textPiece >= text.length;
        const quoted = JSON.stringify(text.slice(at, at + textPiece));
        yield quoted.slice(isFirst ? 0 : 1, isLast ? quoted.length : -1);
      }
    },
  };
}

export function jsonObject<Value extends object>(entries: {
  readonly [Key in keyof Value]-?: Json<Value[Key]>;
}): Json<Value> {
  return {
    *[Symbol.iterator]() {
      let before = "{";
      for (const [key, value] of Object.entries<Json<unknown>>(entries)) {
        yield `${before}${JSON.stringify(key)}:`;
        yield* value;
        before = ",";
      }
      yield before === "{" ? "{}" : "}";
    },
  };
}

/** A non-empty object with one more entry, which may be long. */
export function jsonWith<Value extends object, Key extends string, Part>(
  value: Value,
  key: Key,
  part: Json<Part>,
): Json<Value & Readonly<Record<Key, Part>>> {
  return {
    *[Symbol.iterator]() {
      yield `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(key)}:`;
      yield* part;
      yield "}";
    },
  };
}

/** An array of the items that the steps find; null: a step without an item. */
export function jsonArray<Item, Value>(
  steps: Iterable<Item | null>,
  textOf: (item: Item) => Json<Value>,
): Json<readonly Value[]> {
  return {
    *[Symbol.iterator]() {
      yield "[";
      let before = "";
      for (const item of steps) {
        yield item === null ? "" : before;
        if (item === null) continue;
        yield* textOf(item);
        before = ",";
      }
      yield "]";
    },
  };
}

/** Characters in one write. */
const pieceLength = 64 * 1024;

/** Bytes of the text, generated as the reader takes them, with turns for other work in between. */
export function jsonStream(json: Json<unknown>, turns: Turns): ReadableStream<Uint8Array> {
  const pieces = json[Symbol.iterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (let text = ""; ;) {
          await turns.next();
          const until = performance.now() + turnMs;
          let isOver = false;
          while (!isOver && text.length < pieceLength && performance.now() < until) {
            const { done, value } = pieces.next();
            isOver = done === true;
            if (!isOver) text += value;
          }
          if (text !== "") controller.enqueue(encoder.encode(text));
          if (isOver) controller.close();
          if (isOver || text !== "") return;
        }
      },
      cancel: () => void pieces.return?.(),
    },
    { highWaterMark: 0 },
  );
}
