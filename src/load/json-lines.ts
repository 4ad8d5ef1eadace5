/** Cuts a stream of bytes into its lines of JSON. */
export class JsonLines {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that are complete now, parsed. Throws SyntaxError. */
  push(chunk: Uint8Array): unknown[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line): unknown => JSON.parse(line));
  }
}
