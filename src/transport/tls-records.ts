const headerBytes = 5;
const alert = 21;
const applicationData = 23;
/** An encrypted alert of TLS 1.3: two bytes, their type, and the tag. No other record is so short. */
const alertBytes = 19;
/** Its level and what it is. */
const plainAlertBytes = 2;

/**
 * Follows the records of one direction of a connection by their headers, to know what its last record
 * was: not every TLS library says whether its peer has ended the connection or broken it.
 */
export class TlsRecords {
  readonly #header = new Uint8Array(headerBytes);
  #inHeader = 0;
  /** Bytes of the record that are still to come. */
  #missing = 0;
  /** The last byte so far: of an alert in plain text, what it is. */
  #last = 0;

  follow(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#missing > 0) {
        const here = Math.min(this.#missing, chunk.length - at);
        this.#missing -= here;
        at += here;
        this.#last = chunk[at - 1] ?? 0;
        continue;
      }
      if (this.#inHeader === headerBytes) this.#inHeader = 0;
      this.#header[this.#inHeader++] = chunk[at++] ?? 0;
      if (this.#inHeader === headerBytes) this.#missing = this.#length;
    }
  }

  get #length(): number {
    return ((this.#header[3] ?? 0) << 8) | (this.#header[4] ?? 0);
  }

  /** Whether the last record is a whole one that holds an alert, such as close_notify. */
  get endsWithAlert(): boolean {
    if (this.#inHeader < headerBytes || this.#missing > 0) return false;
    const [type] = this.#header;
    return type === alert || (type === applicationData && this.#length === alertBytes);
  }

  /** The alert in plain text that the last record is (RFC 8446, section 6); null: it is none. */
  get plainAlert(): number | null {
    const isPlain = this.#header[0] === alert && this.#length === plainAlertBytes;
    return isPlain && this.endsWithAlert ? this.#last : null;
  }
}
