/** Start line and fields of an HTTP/1.1 request or answer (RFC 9112). */
export interface HttpHead {
  /** `GET /mqtt HTTP/1.1`. */
  readonly start: string;
  /** By names in small letters. A repeated field has its values joined by commas. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Bytes of a head, which every peer may send before anybody knows it. */
export const headMaxBytes = 8192;

const firstRoom = 1024;
const blankLine = Buffer.from("\r\n\r\n");

/** Gathers the head with which a connection begins. */
export class HeadReader {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** Bytes of memory of an incomplete head. */
  get held(): number {
    return this.#bytes.length;
  }

  /**
   * The head once it is complete, with the bytes of the chunk behind it. Null: it needs more bytes.
   */
  feed(chunk: Uint8Array): { readonly head: HttpHead | BadHead; readonly rest: Uint8Array } | null {
    const known = this.#length;
    const taken = Math.min(chunk.length, headMaxBytes - known);
    this.#append(chunk.subarray(0, taken));
    const from = Math.max(0, known - blankLine.length + 1);
    const gathered = Buffer.from(this.#bytes.buffer, 0, this.#length);
    const end = gathered.indexOf(blankLine, from);
    if (end < 0) {
      if (this.#length < headMaxBytes) return null;
      this.#bytes = new Uint8Array(0);
      return { head: "tooLarge", rest: chunk.subarray(chunk.length) };
    }
    const head = parseHead(gathered.toString("latin1", 0, end));
    this.#bytes = new Uint8Array(0);
    return { head, rest: chunk.subarray(end + blankLine.length - known) };
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const room = Math.min(headMaxBytes, Math.max(firstRoom, length, this.#bytes.length * 2));
      const grown = new Uint8Array(room);
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
}

/** Why there is no head. */
export type BadHead = "tooLarge" | "malformed";

// oxlint-disable-next-line no-control-regex -- The RFC allows no control character but the tab.
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const fieldName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Parses a head without the blank line behind it. */
export function parseHead(text: string): HttpHead | "malformed" {
  const [start = "", ...lines] = text.split("\r\n");
  const fields = new Map<string, string>();
  if (control.test(start)) return "malformed";
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    // A line that goes on with the field before it, which the RFC has abolished, has no name.
    if (control.test(line) || !fieldName.test(name)) return "malformed";
    const [key, value] = [name.toLowerCase(), line.slice(colon + 1).trim()];
    const before = fields.get(key);
    fields.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return { start, fields };
}

/** Whether a field that lists words has this one; letters count alike in both cases. */
export function lists({ fields }: HttpHead, field: string, word: string): boolean {
  return wordsOf(fields.get(field)).some((one) => one.toLowerCase() === word);
}

/** The words of a field that lists them. */
export function wordsOf(value: string | undefined): string[] {
  return (value ?? "").split(",").flatMap((word) => (word.trim() === "" ? [] : [word.trim()]));
}
