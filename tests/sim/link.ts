import type { Link } from "../../src/transport/transport.ts";
import type { Agenda } from "./agenda.ts";
import type { WorldDice } from "./world-dice.ts";
import type { SimOptions } from "./options.ts";

/** The events at the two ends of a link, and those that a referee needs. */
export interface LinkEnds {
  /** A chunk reaches the broker. */
  arrived(chunk: Uint8Array): void;
  /** The broker is notified of the link's end. */
  closed(how: "eof" | "reset" | "timeout"): void;
  /** The broker may write again. */
  drained(): void;
  /** The peer has closed a link that the broker had ended, and `gone` tells the broker. */
  parted(gone: () => void): void;
  paused(): void;
  resumed(): void;
  /** The kernel accepted so many bytes of the broker's output. */
  wrote(bytes: Uint8Array, start: number, end: number, took: number): void;
  /**
   * During a standstill: when the broker resumes, and in which turn it then reads. Null: it runs.
   */
  held(): { readonly until: number; readonly turn: number } | null;
  /** The broker has queried the backlog, and it is shorter than at the last query. */
  passed(): void;
  /** The broker ended the link. */
  ended(how: "end" | "reset"): void;
  /** Bytes reach the program. */
  received(chunk: Uint8Array): void;
  /** The program is notified of the link's end. */
  finished(): void;
}

interface Flight {
  readonly at: number;
  /** Null: the end of the stream. */
  readonly bytes: Uint8Array | null;
}

/** How long a transport waits for the peer of a link that it has ended. */
const lingerMs = 5000;

/**
 * A TCP connection between a program and the broker: latency, chunks, kernel buffers, and each way
 * in which it can fail. Nothing happens inside a call of either end.
 */
export class SimLink implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  readonly descriptor: number;
  owner: unknown = null;
  watched: number | null = null;
  /** Neither end hears from the other any more. */
  over = false;
  /** The broker has ended the link, and ignores what the program sends afterwards. */
  endedByBroker = false;
  /** The program has sent FIN, or has ended. */
  left = false;
  /** RST has arrived, and the broker has not been notified yet. */
  failing = false;
  paused = false;
  /**
   * Some of the broker's output found no room, and the broker has not been notified of room since.
   */
  clogged = false;
  /** When the kernel last accepted output, or stopped accepting it. */
  progressAt = 0;

  readonly #agenda: Agenda;
  readonly #dice: WorldDice;
  readonly #now: () => number;
  readonly #options: SimOptions;
  readonly #ends: LinkEnds;
  #isPerfect: boolean;
  #room: number;
  readonly #up: Flight[] = [];
  readonly #down: Flight[] = [];
  #upAt = 0;
  #downAt = 0;
  #upIsBusy = false;
  /** When the next bytes reach the broker, when its reset does, and when it is notified of room. */
  #readAt = Infinity;
  #resetAt = Infinity;
  #drainAt = Infinity;
  #downIsBusy = false;
  #drainIsDue = false;
  /** Bytes in transit to the program at the broker's last query. */
  #asked = 0;
  /** Nothing passes before these times. */
  #silentUp = 0;
  #silentDown = 0;
  /** The program does not read before this time. */
  #stalled = 0;
  #gone: (() => void) | null = null;

  constructor(
    descriptor: number,
    remote: string,
    isLocal: boolean,
    agenda: Agenda,
    dice: WorldDice,
    now: () => number,
    options: SimOptions,
    isPerfect: boolean,
    ends: LinkEnds,
  ) {
    this.descriptor = descriptor;
    this.remote = remote;
    this.isLocal = isLocal;
    this.#agenda = agenda;
    this.#dice = dice;
    this.#now = now;
    this.#options = options;
    this.#isPerfect = isPerfect;
    this.#ends = ends;
    const [least, most] = options.kernelBuffer;
    this.#room = isPerfect ? Infinity : dice.between(least, most);
  }

  // The broker's end.

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.over || this.endedByBroker || this.failing) return -1;
    const took = Math.min(this.#room, end - start);
    if (took > 0) {
      this.#room -= took;
      this.#down.push({ at: this.#downTime(), bytes: bytes.slice(start, start + took) });
      this.#wakeDown();
    }
    if (took > 0 || !this.clogged) this.progressAt = this.#now();
    this.clogged = took < end - start;
    this.#ends.wrote(bytes, start, end, took);
    return took;
  }

  pause(): void {
    if (this.over || this.paused) return;
    this.paused = true;
    this.#ends.paused();
    // Bytes in transit still arrive.
    if (!this.#isPerfect && this.#options.reachesPaused && this.#dice.happens(0.3)) {
      this.#agenda.at(this.#now() + this.#dice.below(20), () => this.#deliverOne());
    }
  }

  resume(): void {
    if (this.over || !this.paused) return;
    this.paused = false;
    this.#ends.resumed();
    this.#wakeUp();
  }

  watch(allowedMs: number | null): void {
    this.watched = allowedMs;
  }

  unacknowledged(): number | null {
    if (this.over) return null;
    let bytes = 0;
    for (const flight of this.#down) bytes += flight.bytes?.length ?? 0;
    if (bytes < this.#asked) this.#ends.passed();
    this.#asked = bytes;
    return bytes;
  }

  hasPeerClosed(): boolean {
    const now = this.#now();
    return now >= this.#silentUp && this.#up.some(({ at, bytes }) => bytes === null && at <= now);
  }

  end(gone: () => void = () => {}): void {
    if (this.failing) this.reset();
    if (this.over || this.endedByBroker) return gone();
    this.endedByBroker = true;
    this.#gone = gone;
    this.#ends.ended("end");
    // Reads and drops the rest.
    this.paused = false;
    this.#wakeUp();
    this.#down.push({ at: this.#downTime(), bytes: null });
    this.#wakeDown();
    this.#agenda.at(this.#now() + lingerMs, () => this.#part());
    if (this.left && this.#up.length === 0) this.#agenda.at(this.#now(), () => this.#part());
  }

  reset(): void {
    if (this.over || this.endedByBroker) return;
    this.over = true;
    this.#ends.ended("reset");
    if (this.#silentDown !== Infinity) this.#later(() => this.#ends.finished());
  }

  /** The broker has unread data; only a standstill leaves it there. */
  get readable(): boolean {
    const now = this.#now();
    return !this.over && ((this.#readAt <= now && !this.paused) || this.#resetAt <= now);
  }

  get writable(): boolean {
    return !this.over && this.#drainAt <= this.#now();
  }

  // The program's end.

  send(bytes: Uint8Array): void {
    if (this.over || this.left) return;
    let at = this.#upTime();
    for (const piece of this.#cut(bytes)) {
      this.#up.push({ at, bytes: piece });
      if (!this.#isPerfect && this.#dice.happens(0.3)) at += this.#dice.below(3);
    }
    this.#upAt = at;
    this.#wakeUp();
  }

  /** FIN after everything sent, RST which overtakes it, or nothing at all. */
  leave(how: "fin" | "rst" | "vanish"): void {
    if (this.over || this.left) return;
    this.left = true;
    if (how === "fin") {
      this.#up.push({ at: this.#upTime(), bytes: null });
      this.#wakeUp();
      return;
    }
    if (how === "vanish") return this.silence(Infinity, "both");
    this.#up.length = 0;
    this.#later(() => this.#fail());
  }

  /** The network forwards nothing for so many milliseconds. */
  silence(milliseconds: number, way: "up" | "down" | "both"): void {
    const until = this.#now() + milliseconds;
    if (way !== "down") this.#silentUp = Math.max(this.#silentUp, until);
    if (way !== "up") this.#silentDown = Math.max(this.#silentDown, until);
  }

  get isSilent(): boolean {
    return this.#silentUp > this.#now();
  }

  /** The program reads nothing for so many milliseconds. */
  stall(milliseconds: number): void {
    this.#stalled = Math.max(this.#stalled, this.#now() + milliseconds);
  }

  /** TCP has detected it by itself. */
  timeOut(): void {
    this.#told(
      (at) => (this.#resetAt = at),
      () => this.#close("timeout"),
    );
  }

  /** The broker's process is gone; by chance its kernel notified the peer or not. */
  lose(isTold: boolean): void {
    if (this.over) return;
    this.over = true;
    this.#gone = null;
    this.#up.length = 0;
    if (isTold && this.#silentDown !== Infinity) this.#later(() => this.#ends.finished());
  }

  /** From now on nothing fails. */
  heal(): void {
    this.#isPerfect = true;
    this.#room = Infinity;
    this.#stalled = 0;
    this.#silentUp = 0;
    this.#silentDown = 0;
    this.#wakeUp();
    this.#wakeDown();
    this.#drainSoon();
  }

  /** Nothing is in transit. */
  get isIdle(): boolean {
    return this.#up.length === 0 && this.#down.length === 0;
  }

  #later(run: () => void): void {
    this.#agenda.at(this.#now() + this.#latency(), run);
  }

  #latency(): number {
    if (this.#isPerfect) return 0;
    const [least, most] = this.#options.latency;
    return most === 0 ? 0 : this.#dice.between(least, most);
  }

  #upTime(): number {
    return Math.max(this.#upAt, this.#now() + this.#latency());
  }

  #downTime(): number {
    this.#downAt = Math.max(this.#downAt, this.#now() + this.#latency());
    return this.#downAt;
  }

  #cut(bytes: Uint8Array): Uint8Array[] {
    const { chunks } = this.#options;
    if (this.#isPerfect || chunks === "whole" || bytes.length < 2) return [bytes];
    const pieces: Uint8Array[] = [];
    // A large packet byte by byte would take a thousand steps and test no more than fifty do.
    const isByBytes = chunks === "bytes" && bytes.length < 100 && this.#dice.happens(0.3);
    for (let start = 0; start < bytes.length;) {
      const left = bytes.length - start;
      const size = isByBytes ? 1 : this.#dice.happens(0.5) ? left : this.#dice.between(1, left);
      pieces.push(bytes.subarray(start, start + size));
      start += size;
    }
    return pieces;
  }

  #wakeUp(): void {
    const [head] = this.#up;
    if (head === undefined || this.#upIsBusy || this.over || this.paused) return;
    const at = Math.max(head.at, this.#silentUp, this.#now());
    if (at === Infinity) return;
    this.#upIsBusy = true;
    this.#readAt = at;
    this.#agenda.at(at, () =>
      this.#told(
        (later) => (this.#readAt = later),
        () => this.#deliverUp(),
      ),
    );
  }

  /** Notifies the broker, or waits until it resumes, at the time that `waits` gets. */
  #told(waits: (at: number) => void, tell: () => void): void {
    const held = this.#ends.held();
    if (held === null) return tell();
    waits(held.until);
    this.#agenda.at(held.until, () => this.#told(waits, tell), held.turn);
  }

  #deliverUp(): void {
    this.#upIsBusy = false;
    this.#readAt = Infinity;
    if (this.over || this.paused) return;
    this.#deliverOne();
    this.#wakeUp();
  }

  #deliverOne(): void {
    const now = this.#now();
    if (this.#ends.held() !== null) return;
    if (this.over || now < this.#silentUp || (this.#up[0]?.at ?? Infinity) > now) return;
    // The end of the stream is reported after everything was read.
    if (this.paused && this.#up[0]?.bytes === null) return;
    const head = this.#up.shift();
    if (head === undefined) return;
    if (head.bytes === null) return this.#close("eof");
    let chunk = head.bytes;
    const next = this.#up[0]?.bytes ?? null;
    if (next !== null && (this.#up[0]?.at ?? Infinity) <= now && this.#dice.happens(0.5)) {
      this.#up.shift();
      chunk = Buffer.concat([chunk, next]);
    }
    // The receiver keeps it, so it needs its own copy.
    if (!this.endedByBroker) this.#ends.arrived(Uint8Array.from(chunk));
  }

  /** A write in the meantime fails before the notification. */
  #fail(): void {
    if (this.over || this.endedByBroker) return this.#close("reset");
    this.failing = true;
    this.#agenda.at(this.#now() + this.#dice.below(3), () =>
      this.#told(
        (at) => (this.#resetAt = at),
        () => this.#close("reset"),
      ),
    );
  }

  #close(how: "eof" | "reset" | "timeout"): void {
    if (this.over) return;
    if (this.endedByBroker) return this.#part();
    this.over = true;
    this.#resetAt = Infinity;
    this.#ends.closed(how);
    if (!this.left && this.#silentDown !== Infinity) this.#later(() => this.#ends.finished());
  }

  /** The wait for the peer of a link that the broker has ended is over. */
  #part(): void {
    const gone = this.#gone;
    if (gone === null) return;
    const held = this.#ends.held();
    if (held !== null) return this.#agenda.at(held.until, () => this.#part(), held.turn);
    this.#gone = null;
    this.over = true;
    this.#ends.parted(gone);
  }

  #wakeDown(): void {
    const [head] = this.#down;
    if (head === undefined || this.#downIsBusy) return;
    const at = Math.max(head.at, this.#silentDown, this.#stalled, this.#now());
    if (at === Infinity) return;
    this.#downIsBusy = true;
    this.#agenda.at(at, () => this.#deliverDown());
  }

  #deliverDown(): void {
    this.#downIsBusy = false;
    const now = this.#now();
    if (now < this.#silentDown || now < this.#stalled) return this.#wakeDown();
    const head = this.#down.shift();
    if (head === undefined) return;
    const { bytes } = head;
    if (bytes === null) {
      this.#ends.finished();
      // A program that has received FIN closes too.
      this.#later(() => this.#part());
      return;
    }
    this.#room += bytes.length;
    this.#drainSoon();
    if (!this.left) this.#ends.received(bytes);
    this.#wakeDown();
  }

  #drainSoon(): void {
    if (!this.clogged || this.#drainIsDue || this.over) return;
    this.#drainIsDue = true;
    this.#drainAt = this.#now();
    this.#agenda.at(this.#drainAt, () =>
      this.#told(
        (at) => (this.#drainAt = at),
        () => this.#drained(),
      ),
    );
  }

  #drained(): void {
    this.#drainIsDue = false;
    this.#drainAt = Infinity;
    if (!this.over && !this.endedByBroker && this.clogged) this.#ends.drained();
  }
}
