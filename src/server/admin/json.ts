import { turnMs, type Turns } from "./turns.ts";

/**
 * The text of a value in pieces, made while it is written. Pieces may be empty: there was nothing to
 * write yet.
 */
export interface Json<Value> {
  [Symbol.iterator](): Iterator<string>;
  /** Only for the compiler: what it is the text of. */
  readonly value?: Value;
}

/** Made in one piece, when its turn has come. */
export function jsonOf<Value>(make: () => Value): Json<Value> {
  return {
    *[Symbol.iterator]() {
      yield JSON.stringify(make());
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

/** An object with one more entry, which may be long. The object has entries. */
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

/** An array of what the steps find; null is a step that found nothing. */
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

/** Characters written at once. */
const pieceLength = 64 * 1024;

/** As bytes, made as they are taken, and never for long without a turn for everybody else. */
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
