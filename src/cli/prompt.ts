import { Interrupt } from "./interrupt.ts";

/** What a person typed. `ended`: end of input (Ctrl-D) instead of a line; `interrupted`: by a signal. */
export type Typed =
  | { readonly type: "typed"; readonly text: string }
  | { readonly type: "ended" }
  | { readonly type: "interrupted"; readonly exitCode: number };

/** Asks on the terminal; of a secret it shows nothing. */
export type Ask = (question: string) => Promise<Typed>;

/** A terminal to read keys from, as `process.stdin` is. */
export interface Keyboard {
  setRawMode(isRaw: boolean): unknown;
  on(event: "data" | "end", listener: (chunk: Uint8Array) => void): unknown;
  off(event: "data" | "end", listener: (chunk: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

const enter = /^[\r\n]/;
const endOfInput = "\u0004";
const interrupt = "\u0003";
const eraseLine = "\u0015";
const erase = /^[\u007F\b]/;
/** Arrows and other keys that are no characters. */
// oxlint-disable-next-line no-control-regex -- They start with ESC.
const escapeSequence = /^\u001B(?:\[[0-9;]*[ -/]*[@-~]|O.|.)?/;
// oxlint-disable-next-line no-control-regex -- Control characters are not typed into a password.
const otherControl = /^[\u0000-\u001F]/;

/**
 * Asks one question after the other; what was typed ahead answers the next. Every way out, signals
 * included, gives the terminal back as it was.
 */
export function asker(
  keyboardOf: () => Keyboard,
  show: (text: string) => void,
  isSecret: boolean,
): Ask {
  let ahead = "";
  return async (question) => {
    const keyboard = keyboardOf();
    const interruption = new Interrupt();
    const decoder = new TextDecoder();
    const { promise, resolve } = Promise.withResolvers<Typed>();
    let text = "";
    const redrawn = (shown: string): string => `\r\u001b[K${question}${shown}`;
    const take = (keys: string): void => {
      ahead += keys;
      while (ahead !== "") {
        const key = keyOf(ahead);
        ahead = ahead.slice(key.length);
        if (enter.test(key)) return resolve({ type: "typed", text });
        if (key === interrupt) return resolve({ type: "interrupted", exitCode: 130 });
        if (key === endOfInput && text === "") return resolve({ type: "ended" });
        const before = text;
        if (key === eraseLine) text = "";
        else if (erase.test(key)) text = Array.from(text).slice(0, -1).join("");
        else if (!escapeSequence.test(key) && !otherControl.test(key)) text += key;
        if (!isSecret) show(text.startsWith(before) ? text.slice(before.length) : redrawn(text));
      }
    };
    const onData = (chunk: Uint8Array): void => take(decoder.decode(chunk, { stream: true }));
    const onEnd = (): void => resolve({ type: "ended" });
    interruption.onFirst = () =>
      resolve({ type: "interrupted", exitCode: interruption.exitCode ?? 130 });
    // Before the question: whoever reads it may type.
    keyboard.setRawMode(true);
    try {
      show(question);
      keyboard.on("data", onData);
      keyboard.on("end", onEnd);
      keyboard.resume();
      take("");
      return await promise;
    } finally {
      keyboard.pause();
      keyboard.off("data", onData);
      keyboard.off("end", onEnd);
      keyboard.setRawMode(false);
      interruption.close();
      show("\n");
    }
  };
}

/** The first key: a character, Enter (also as CR LF), or an escape sequence. */
function keyOf(keys: string): string {
  if (keys.startsWith("\r\n")) return "\r\n";
  return escapeSequence.exec(keys)?.[0] ?? Array.from(keys.slice(0, 2))[0] ?? "";
}
