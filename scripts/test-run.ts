import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { root } from "./command.ts";

/** The limit for one test; tests that wait have shorter limits of their own. */
const testLimitMs = 180_000;
const allTestsLimitMs = 45 * 60_000;
/** The longest wait for the last output of `bun test` after it has ended. */
const lastWordsMs = 10_000;

export interface PlayedTest {
  readonly file: string;
  /** The names of its groups, outermost first, and its own. */
  readonly names: readonly string[];
  readonly outcome: "passed" | "failed" | "skipped" | "held up";
  /** The failure's message; empty for a test that passed or was skipped. */
  readonly message: string;
}

/** One run of `bun test`, with the outcome of each test. */
export class TestRun {
  readonly tests: readonly PlayedTest[];
  /** Failures outside of tests: a file that does not load, a crash, the time limit, no test at all. */
  readonly problems: readonly string[];

  static async play(args: readonly string[]): Promise<TestRun> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "mqttd-report-"));
    const report = path.join(folder, "junit.xml");
    try {
      await using child = Bun.spawn(
        [
          ...[process.execPath, "test", "--timeout", String(testLimitMs)],
          ...["--reporter", "junit", "--reporter-outfile", report, ...args],
        ],
        {
          cwd: root,
          // With CI set, a missing snapshot fails instead of being written.
          env: { ...colored(), ...process.env, CI: "true" },
          stdin: "ignore",
          stdout: "inherit",
          stderr: "pipe",
          timeout: allTestsLimitMs,
          killSignal: "SIGKILL",
        },
      );
      let end = "";
      const passing = passOn(child.stderr, (text) => (end = (end + text).slice(-4096)));
      await child.exited;
      // A process that a test left running also holds the other end.
      await Promise.race([passing, Bun.sleep(lastWordsMs)]);
      const file = Bun.file(report);
      const tests = testsOf((await file.exists()) ? await file.text() : "");
      return new TestRun(tests, errorsIn(end), child.signalCode ?? `exit code ${child.exitCode}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private constructor(tests: readonly PlayedTest[], errors: string | null, end: string | number) {
    this.tests = tests;
    const count = (...outcomes: PlayedTest["outcome"][]): number =>
      tests.filter(({ outcome }) => outcomes.includes(outcome)).length;
    if (count("passed", "failed", "held up") === 0) this.problems = [`no test ran (${end})`];
    else if (errors !== null) this.problems = [`${errors} outside of tests`];
    else if (end === "exit code 0" || count("failed", "held up") > 0) this.problems = [];
    else this.problems = [`bun test ended with ${end}`];
  }
}

/** Keeps colours on a terminal, although this process forwards the output. */
function colored(): Record<string, string> {
  return process.stderr.isTTY && !process.env["NO_COLOR"] ? { FORCE_COLOR: "1" } : {};
}

/** Forwards the output to standard error and to `take`. */
async function passOn(
  output: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    // Wait for the write: the reader may be slow, and the closing line must follow.
    await new Promise<void>((resolve) => process.stderr.write(chunk, () => resolve()));
    take(decoder.decode(chunk, { stream: true }));
  }
}

/** `2 errors`: errors that the report omits, such as files that do not load. Null: none. */
function errorsIn(end: string): string | null {
  return /^ *(\d+ errors?)$/m.exec(Bun.stripANSI(end))?.[1] ?? null;
}

const tag = /<(\/?)(testsuites?|testcase|failure|error|skipped)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g;

/** Reads Bun's report: nested groups, and the outcome of each test. */
export function testsOf(junit: string): PlayedTest[] {
  const tests: PlayedTest[] = [];
  const groups: string[] = [];
  for (const [, end, element = "", attributes = "", isEmpty] of junit.matchAll(tag)) {
    if (element === "testsuite") {
      if (end === "/") groups.pop();
      else if (isEmpty !== "/") groups.push(attribute(attributes, "name"));
    } else if (element === "testcase" && end !== "/") {
      // The outermost group is the file.
      const [file, ...names] = [...groups, attribute(attributes, "name")];
      tests.push({ file, names, outcome: "passed", message: "" });
    } else if (element !== "testcase" && element !== "testsuites" && end !== "/") {
      const test = tests.pop();
      if (test !== undefined) tests.push({ ...test, ...outcomeOf(element, attributes) });
    }
  }
  return tests.map((test) => withWords(test, tests));
}

/**
 * Of concurrent tests that fail in the same moment, Bun's report has the words of all but one. Such a
 * failure beside one that was held up counts as that one, and is played again with it.
 */
function withWords(test: PlayedTest, tests: readonly PlayedTest[]): PlayedTest {
  if (test.outcome !== "failed" || test.message !== "") return test;
  const held = tests.find(({ file, outcome }) => file === test.file && outcome === "held up");
  return held === undefined ? test : { ...test, outcome: "held up", message: held.message };
}

function outcomeOf(element: string, attributes: string): Pick<PlayedTest, "outcome" | "message"> {
  if (element === "skipped") return { outcome: "skipped", message: "" };
  const isHeldUp = attribute(attributes, "type") === "HeldUp";
  return { outcome: isHeldUp ? "held up" : "failed", message: attribute(attributes, "message") };
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, word?: string) =>
    code === undefined ? (entities[word ?? ""] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

const entities: Readonly<Record<string, string>> = {
  ...{ lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" },
};
