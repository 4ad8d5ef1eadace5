import type { SocketPoll } from "../../src/transport/socket-poll.ts";

/** Delivers what one end of a connection does, at once or when a loop reads it. */
export type Gate = (descriptor: number, deliver: () => void) => void;

/** Of the socket on which connections wait to be accepted. */
export const listening = 1;

interface Waiting {
  readonly descriptor: number;
  readonly deliver: () => void;
}

/** What clients do while a broker's loop stands still: it waits in their sockets. */
export class HeldLoop {
  isHeld = false;
  /** Sockets that the broker has asked about, as often as it did. */
  asked = 0;
  /** Descriptors of sockets in which data waits, although the loop is not held. */
  readonly unread = new Set<number>();
  #waiting: Waiting[] = [];

  readonly gate: Gate = (descriptor, deliver) => {
    if (this.isHeld) this.#waiting.push({ descriptor, deliver });
    else deliver();
  };

  readonly poll: SocketPoll = {
    ask: (questions) => {
      this.asked += questions.length;
      const ready = new Set(this.#waiting.map(({ descriptor }) => descriptor));
      return questions.map(({ descriptor, reads }) => reads && ready.has(descriptor));
    },
    watchData: () => {
      const watched = new Map<number, number>();
      return {
        add: (place, descriptor) => void watched.set(place, descriptor),
        delete: (place) => void watched.delete(place),
        find: () => [...watched].flatMap(([place, fd]) => (this.unread.delete(fd) ? [place] : [])),
      };
    },
  };

  /** One poll of the sockets, of at most so many events. False: nothing waited. */
  read(most: number): boolean {
    const some = this.#waiting.splice(0, most);
    for (const { deliver } of some) deliver();
    return some.length > 0;
  }
}
