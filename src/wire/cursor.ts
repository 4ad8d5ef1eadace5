import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "../core/reason.ts";
import { violation } from "./violation.ts";
import { textFlaw } from "./utf8.ts";

/**
 * A strict walk over the body of one frame. `error` keeps the first violation; from then on `more`
 * is false and reads return 0, so a walk only needs to check `error` before it uses what it has
 * read.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  position: number;
  end: number;
  /** Decides which standard's statements are cited, and which rules apply. */
  version: ProtocolVersion;
  error: ProtocolError | null = null;
  /** The last string or binary is bytes[fieldStart..fieldEnd). */
  fieldStart = 0;
  fieldEnd = 0;

  constructor(bytes: Uint8Array, start: number, end: number, version: ProtocolVersion) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.version = version;
  }

  get more(): boolean {
    return this.error === null && this.position < this.end;
  }

  /** Records a violation. `v4` and `v5` are statement ids without the version prefix. */
  fail(reason: ReasonCode, v4: string, v5: string, detail: string): void {
    if (this.error !== null) return;
    this.error = violation(reason, this.version, v4, v5, detail);
  }

  byte(field: string): number {
    return this.integer(1, field);
  }

  twoBytes(field: string): number {
    return this.integer(2, field);
  }

  fourBytes(field: string): number {
    return this.integer(4, field);
  }

  private integer(size: number, field: string): number {
    if (!this.has(size, field)) return 0;
    let value = 0;
    // Multiply, since shifting four bytes overflows a signed 32-bit integer.
    for (let count = 0; count < size; count++) {
      value = value * 256 + (this.bytes[this.position++] ?? 0);
    }
    return value;
  }

  variable(field: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (!this.has(1, field)) return 0;
      const part = this.bytes[this.position++] ?? 0;
      value |= (part & 0x7f) << shift;
      if (part >= 0x80) continue;
      if (part === 0 && shift > 0 && this.version === 5) {
        this.fail(
          Reason.malformedPacket,
          "2.2.3",
          "1.5.5-1",
          `${field} is written in more bytes than it needs`,
        );
      }
      return value;
    }
    this.fail(Reason.malformedPacket, "2.2.3", "1.5.5", `${field} takes more than four bytes`);
    return 0;
  }

  /** Reads a UTF-8 Encoded String into `fieldStart` and `fieldEnd`. */
  text(field: string): void {
    this.binary(field);
    if (this.error !== null) return;
    const flaw = textFlaw(this.bytes, this.fieldStart, this.fieldEnd, false);
    if (flaw === "ill-formed") {
      this.fail(Reason.malformedPacket, "1.5.3-1", "1.5.4-1", `${field} is not well-formed UTF-8`);
    } else if (flaw === "null character") {
      this.fail(Reason.malformedPacket, "1.5.3-2", "1.5.4-2", `${field} holds U+0000`);
    }
  }

  /** Reads Binary Data into `fieldStart` and `fieldEnd`. */
  binary(field: string): void {
    const length = this.twoBytes(field);
    if (!this.has(length, field)) return;
    this.fieldStart = this.position;
    this.position += length;
    this.fieldEnd = this.position;
  }

  /** Reads a Packet Identifier; `v4` and `v5` are the statements that a zero violates. */
  packetIdentifier(v4: string, v5: string): number {
    const value = this.twoBytes("Packet Identifier");
    if (value === 0) this.fail(Reason.protocolError, v4, v5, "Packet Identifier is 0");
    return value;
  }

  /** Records a violation if bytes follow. */
  finish(): void {
    if (this.more) {
      this.fail(Reason.malformedPacket, "2.2.3", "2.1.4", "bytes after the packet's last field");
    }
  }

  private has(size: number, field: string): boolean {
    if (this.error !== null) return false;
    if (this.position + size <= this.end) return true;
    this.fail(Reason.malformedPacket, "2.2.3", "2.1.4", `packet ends within ${field}`);
    return false;
  }
}
