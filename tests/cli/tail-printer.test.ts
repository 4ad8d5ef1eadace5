import { expect, test } from "bun:test";
import pc from "picocolors";
import type { EventLine } from "../../src/api/api.ts";
import { TailPrinter, waitingMaxChars } from "../../src/cli/tail-printer.ts";

const event: EventLine = {
  ...{ at: 1_800_000_000_000, level: "info", event: "warning" },
  ...{ text: "x".repeat(1000), facts: {} },
};

/** A printer whose reader reads on command. */
function slowlyRead() {
  const printed: string[] = [];
  let reader = Promise.withResolvers<boolean>();
  const output = {
    print: (text: string | Uint8Array) => void printed.push(String(text)),
    flushed: async () => reader.promise,
  };
  const style = { columns: Infinity, colors: pc.createColors(false), zone: "utc" } as const;
  return {
    printed,
    printer: new TailPrinter({ json: true, style }, output, null),
    /** The reader has read all output so far; false: the reader has closed. */
    take: async (isRead = true): Promise<void> => {
      const before = reader;
      reader = Promise.withResolvers();
      before.resolve(isRead);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("tail: unread output above a limit is dropped, and the gap is reported when there is room", async () => {
  const { printed, printer, take } = slowlyRead();
  const many = 5000;
  for (let told = 0; told < many; told++) printer.add(event);
  const characters = printed.join("").length;
  expect(characters).toBeGreaterThan(waitingMaxChars);
  expect(characters).toBeLessThan(waitingMaxChars + 2000);
  const shown = printed.length;
  printer.add({ missed: 7 });
  expect(printed).toHaveLength(shown);
  await take();
  expect(printed.slice(shown)).toEqual([`{"event":"missed","missed":${many - shown + 7}}\n`]);
  printer.add(event);
  expect(printed).toHaveLength(shown + 2);
});

test("tail: closing its output ends it", async () => {
  const { printer, take } = slowlyRead();
  printer.add(event);
  await take(false);
  expect(await printer.outputClosed).toBeUndefined();
});
