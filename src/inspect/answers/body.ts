/**
 * Bytes of an answer that are read at most. The largest that a broker of ours gives, 10,000 items of a
 * list, is a few MiB; with what is made of it, the whole program stays well below 300 MB.
 */
const bodyMax = 16 * 1024 * 1024;
/** Bytes for each item where more of them were asked for. */
const bytesPerItem = 2 * 1024;
/** Our answers have some 15 bytes a value. Of shorter ones far more memory is made than there are bytes. */
const bytesPerValue = 8;
/** Objects and lists inside each other; ours have less than ten. */
const depthMax = 32;

/** An answer, or what is wrong with it: a clause behind "it". */
export type Body =
  | { readonly type: "read"; readonly value: unknown }
  | { readonly type: "unfit"; readonly why: string };

/**
 * Reads an answer as JSON, of at most 16 MiB, or what the `items` that were asked for may take. Rejects
 * with the network's error where it breaks off.
 */
export async function bodyOf(response: Response, items = 0): Promise<Body> {
  const max = Math.max(bodyMax, items * bytesPerItem);
  const tooLarge = unfit(`is larger than ${max / 2 ** 20} MiB`);
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > max) return refused(response, tooLarge);
  if (!isPlainJson(response.headers)) return refused(response, unfit("is no JSON"));
  // Decoded as it comes: all chunks beside all of the text would be twice the memory.
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
  return value === undefined ? unfit("is no JSON of a broker") : { type: "read", value };
}

function unfit(why: string): Body {
  return { type: "unfit", why };
}

async function refused(response: Response, why: Body): Promise<Body> {
  await response.body?.cancel().catch(() => {});
  return why;
}

/** Ours is never compressed: a few bytes could be any number of them. */
function isPlainJson(headers: Headers): boolean {
  const type = headers.get("content-type") ?? "";
  return /^application\/json\b/i.test(type) && !headers.has("content-encoding");
}

/**
 * The value of a text that came from elsewhere; undefined: it is no JSON, or would take far more memory
 * than a text of `max` characters should.
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

/** Looks at what a parser would make of it, before it does. */
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
