import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { asker } from "../../src/cli/prompt.ts";

/** A terminal on which the test types. */
class Terminal extends EventEmitter {
  isRaw = false;
  readonly shown: string[] = [];
  readonly ask = asker(
    () => this,
    (text) => void this.shown.push(text),
    true,
  );
  readonly askLine = asker(
    () => this,
    (text) => void this.shown.push(text),
    false,
  );

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  resume(): void {}
  pause(): void {}

  type(...chunks: readonly (string | Uint8Array)[]): void {
    for (const chunk of chunks) this.emit("data", Buffer.from(chunk));
  }
}

async function typed(...chunks: readonly (string | Uint8Array)[]) {
  const terminal = new Terminal();
  const answer = terminal.ask("Password: ");
  expect(terminal.isRaw).toBe(true);
  terminal.type(...chunks);
  const result = await answer;
  expect(terminal.isRaw).toBe(false);
  expect(terminal.shown).toEqual(["Password: ", "\n"]);
  expect(terminal.listenerCount("data")).toBe(0);
  return result;
}

const text = (of: string) => ({ type: "typed", text: of }) as const;

test("a line ends with Enter, and nothing of it is shown", async () => {
  expect(await typed("sec", "ret", "\r")).toEqual(text("secret"));
  expect(await typed("secret\n")).toEqual(text("secret"));
  expect(await typed("\r")).toEqual(text(""));
});

test("characters may arrive in pieces", async () => {
  const bytes = Buffer.from("pässwörd🔑\r");
  expect(await typed(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(
    text("pässwörd🔑"),
  );
});

test("backspace removes a character, Ctrl-U all of them; arrows and other controls do nothing", async () => {
  expect(await typed("ab🔑\u007Fc\r")).toEqual(text("abc"));
  expect(await typed("wrong\u0015right\r")).toEqual(text("right"));
  expect(await typed("a\u001B[Ab\u001BOC\u001B[3~c\u0001\u001Ad\r")).toEqual(text("abcd"));
});

test("Ctrl-C interrupts, Ctrl-D on an empty line ends the input", async () => {
  expect(await typed("sec\u0003")).toEqual({ type: "interrupted", exitCode: 130 });
  expect(await typed("\u0004")).toEqual({ type: "ended" });
  expect(await typed("a\u0004b\r")).toEqual(text("ab"));
});

test("a signal interrupts too", async () => {
  const terminal = new Terminal();
  const answer = terminal.ask("Password: ");
  process.emit("SIGTERM");
  expect(await answer).toEqual({ type: "interrupted", exitCode: 143 });
  expect(terminal.isRaw).toBe(false);
});

test("what was typed ahead answers the next question", async () => {
  const terminal = new Terminal();
  const first = terminal.ask("Password: ");
  terminal.type("one\r\ntwo\r");
  expect(await first).toEqual(text("one"));
  expect(await terminal.ask("Again: ")).toEqual(text("two"));
});

test("what may be read is shown as it is typed, and drawn anew where something is erased", async () => {
  const terminal = new Terminal();
  const answer = terminal.askLine("File: ");
  terminal.type("ab", "\u007f", "c", "\u001b[A", "\r");
  expect(await answer).toEqual(text("ac"));
  expect(Bun.stripANSI(terminal.shown.join(""))).toBe("File: ab\rFile: ac\n");
});
