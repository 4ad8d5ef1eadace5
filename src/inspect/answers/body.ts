/**
 * The most bytes read of an answer. The largest answer of our broker, a list of 10,000 items, has a
 * few MiB; with the memory for its values, the program stays well below 300 MB.
 */
const bodyMax = 16 * 1024 * 1024;
/** Bytes for each item of a longer list. */
const bytesPerItem = 2 * 1024;
/**
 * Our answers have about 15 bytes per value. Shorter values would take far more memory than bytes.
 */
const bytesPerValue = 8;
/** Nested objects and lists; our answers have less than ten levels. */
const depthMax = 32;

/** An answer, or what is wrong with it: a clause after "it". */
export type Body =
  | { readonly type: "read"; readonly value: unknown }
  | { readonly type: "unfit"; readonly why: string };

/**
 * Reads an answer as JSON, up to 16 MiB or the size that `items` may take. Rejects with the
 * network's error if the answer breaks off.
 */
export async function bodyOf(response: Response, items = 0): Promise<Body> {
  const max = Math.max(bodyMax, items * bytesPerItem);
  const tooLarge = unfit(`is larger than ${max / 2 ** 20} MiB`);
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > max) return refused(response, tooLarge);
  if (!isPlainJson(response.headers)) return refused(response, unfit("is not JSON"));
  // Decodes chunk by chunk: to keep all chunks and the whole text would take twice the memory.
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined) break;
    bytes += chunk.value.length;
    if (bytes > max) {
      await reader?.cancel().catch(() => {});
      return tooLarge;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  const value = jsonIn(text + decoder.decode(), max);
  return value === undefined ? unfit("is not the JSON of a broker") : { type: "read", value };
}

function unfit(why: string): Body {
  return { type: "unfit", why };
}

async function refused(response: Response, why: Body): Promise<Body> {
  await response.body?.cancel().catch(() => {});
  return why;
}

/** Our answers are never compressed: a few compressed bytes can expand to any size. */
function isPlainJson(headers: Headers): boolean {
  const type = headers.get("content-type") ?? "";
  return /^application\/json\b/i.test(type) && !headers.has("content-encoding");
}

/**
 * Parses a foreign text; undefined: not JSON, or it would take far more memory than a text of `max`
 * characters should.
 */
export function jsonIn(text: string, max: number): unknown {
  if (!isModest(text, max / bytesPerValue)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const open = [0x5b, 0x7b];
const close = [0x5d, 0x7d];

/** Counts nesting and values before the parser builds them. */
function isModest(text: string, valuesMax: number): boolean {
  let depth = 0;
  let values = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === backslash) at += 1;
      else if (code === quote) isInString = false;
    } else if (code === quote) isInString = true;
    else if (code === comma) values += 1;
    else if (code === open[0] || code === open[1]) {
      values += 1;
      depth += 1;
      if (depth > depthMax) return false;
    } else if (code === close[0] || code === close[1]) depth -= 1;
  }
  return values <= valuesMax;
}
