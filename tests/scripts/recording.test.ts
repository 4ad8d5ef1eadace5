import { expect, test } from "bun:test";
import path from "node:path";
import { Screen } from "../../scripts/recording/screen.ts";
import { Chromium, chromiumMissing } from "../support/chromium.ts";
import { spawn } from "../support/child.ts";
import { documents } from "../support/documents.ts";
import { executable, Folder } from "../support/executable.ts";

const root = path.resolve(import.meta.dir, "../..");
const recorded = path.join(root, "docs/recording.svg");

/** What the programs of the story say. */
const words: readonly (string | RegExp)[] = [
  "mqttd is listening on mqtt://127.0.0.1:",
  /New client connected from 127\.0\.0\.1:\d+ as dev-42 \(p2, c1, k2\), will on home\/dev-42\/status \(q0\)/,
  // A broker that was held up says so in between.
  /Client dev-42 disconnected: exceeded timeout \((?:[^)]*, )?silent [\d.]+ s, allowed 3\.00 s\) · will published to 1 on home\/dev-42\/status/,
  "home/dev-42/status offline",
  /The will of dev-42 fired [\d.]+ s after its last packet(?: \([^)]*\))?, because its keepalive of 2 s allows 3\.00 s of silence/,
  "mqttd simulate-drop rst half-open listening -p ",
  /\d passed, \d+ .* in \d/,
];

/** The text of a picture, as if each line stood behind the one before it. */
function textOf(svg: string): string {
  const lines = [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, line = ""]) =>
    [...line.matchAll(/<tspan[^>]*>(.*?)<\/tspan>/g)].map(([, text = ""]) => text).join(" "),
  );
  return lines.join("\n").replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
}

/** Lines are broken where they are full, and runs stand apart where their style changes. */
function says(svg: string, expected: string | RegExp): boolean {
  const dense = textOf(svg).replace(/\s+/g, "");
  const source = typeof expected === "string" ? RegExp.escape(expected) : expected.source;
  return new RegExp(source.replace(/\\x20| /g, "")).test(dense);
}

/** The elements that are opened and not closed, or the reverse. */
function unbalancedOf(svg: string): string[] {
  const open: string[] = [];
  for (const [, closing, name = "", empty] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (empty === "/") continue;
    if (closing !== "/") open.push(name);
    else if (open.pop() !== name) return [name];
  }
  return open;
}

const bash = Bun.which("bash") === null ? " (skipped: bash is not installed)" : "";

test.skipIf(bash !== "")(
  `the script records a real run, as a picture that is well formed and says what came out${bash}`,
  async () => {
    using folder = new Folder();
    const out = folder.file("recording.svg");
    const command = ["scripts/recording.ts", "--free-ports", "--no-wait", "--out", out];
    await using child = spawn([process.execPath, ...command], {
      cwd: root,
      env: { ...process.env, MQTTD_EXECUTABLE: executable() },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/recording\.svg: \d+ frames, \d+ bytes\n/);
    const svg = folder.text("recording.svg");
    expect(unbalancedOf(svg)).toEqual([]);
    expect(words.filter((expected) => !says(svg, expected))).toEqual([]);
  },
  240_000,
);

test("the recording of README.md says the same, and README.md says it to those who do not see it", async () => {
  const svg = await Bun.file(recorded).text();
  expect(unbalancedOf(svg)).toEqual([]);
  expect(words.filter((expected) => !says(svg, expected))).toEqual([]);
  expect(says(svg, /half-open 3\.00 s FAIL no will FAIL no will/)).toBe(true);
  expect(says(svg, "no keepalive deadline")).toBe(true);
  const [, alternative = ""] = /!\[([^\]]+)\]\(docs\/recording\.svg\)/.exec(readmeText()) ?? [];
  expect(alternative.length).toBeGreaterThan(80);
});

const readmeText = (): string => documents().get("README.md") ?? "";

test.skipIf(chromiumMissing !== null)(
  `a browser shows the recording, light and dark, moving and still${
    chromiumMissing === null ? "" : ` (skipped: ${chromiumMissing})`
  }`,
  async () => {
    await using browser = await Chromium.start("MAP none 127.0.0.1");
    await using page = await browser.page(`file://${recorded}`);
    expect(await page.evaluate<string>("document.documentElement.nodeName")).toBe("svg");
    for (const scheme of ["light", "dark"]) {
      const features = [
        { name: "prefers-color-scheme", value: scheme },
        { name: "prefers-reduced-motion", value: "reduce" },
      ];
      await page.send("Emulation.setEmulatedMedia", { features });
      const { faint, visible, moving } = await page.evaluate<Looks>(looks);
      expect({ scheme, faint, moving }).toEqual({ scheme, faint: [], moving: 0 });
      // The last frame, with the verdict.
      expect(visible).toContain("FAIL no will");
      expect(visible).not.toContain("The will of dev-42 fired");
    }
    await page.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-reduced-motion", value: "no-preference" }],
    });
    const { visible, moving } = await page.evaluate<Looks>(looks);
    expect(moving).toBeGreaterThan(100);
    expect(visible).not.toContain("FAIL no will");
  },
  180_000,
);

interface Looks {
  /** Text with less contrast than WCAG's 4.5 to 1. */
  readonly faint: readonly string[];
  readonly visible: string;
  readonly moving: number;
}

/** The beginning of the film, if it moves. */
const looks = `(() => {
  const animations = document.getAnimations();
  for (const animation of animations) { animation.pause(); animation.currentTime = 0; }
  const light = (color) => {
    const [r, g, b] = color.match(/\\d+/g).map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = light(getComputedStyle(document.querySelector("rect")).fill);
  const runs = [...document.querySelectorAll("text, tspan")];
  const contrast = (run) => {
    const [low, high] = [back, light(getComputedStyle(run).fill)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  return {
    faint: runs.filter((run) => contrast(run) < 4.5).map(({ textContent }) => textContent),
    visible: runs.filter((run) => getComputedStyle(run).visibility === "visible").map(({ textContent }) => textContent).join("\\n"),
    moving: animations.length,
  };
})()`;

const shown = (screen: Screen): string[] =>
  screen.lines().map((runs) => runs.map(({ text }) => text).join(""));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a screen wraps behind a full line, scrolls, and takes back lines", () => {
  const screen = new Screen(5, 3);
  screen.write(bytes("12345\r\nabcdefg\r\n"));
  expect(shown(screen)).toEqual(["abcde", "fg", ""]);
  screen.write(bytes("\u001B[1A\u001B[2K\rX\u001B[K"));
  expect(shown(screen)).toEqual(["abcde", "X", ""]);
});

test("a screen keeps colours, also those of a sequence that comes in two pieces", () => {
  const screen = new Screen(20, 1);
  screen.write(bytes("a\u001B[1;3"));
  screen.write(bytes("1mFAIL\u001B[0m b"));
  expect(screen.lines()[0]).toMatchObject([
    { text: "a", style: { colour: null, bold: false } },
    { text: "FAIL", style: { colour: "red", bold: true } },
    { text: " b", style: { colour: null, bold: false } },
  ]);
});

test("a screen refuses what it would show wrongly", () => {
  const screen = new Screen(5, 1);
  expect(() => screen.write(bytes("\u001B[5L"))).toThrow("does not know");
  expect(() => screen.write(bytes("\u001B[48m"))).toThrow("does not know");
});
