import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { htmlPage } from "../../../src/drop/report/page/page.ts";
import type { RunRecord } from "../../../src/drop/report/records.ts";
import { stylesheet } from "../../../src/drop/report/page/stylesheet.ts";
import { Chromium, chromiumMissing } from "../../support/chromium.ts";
import { recording } from "./recordings.ts";
import { arm, inconclusive, keepaliveRule, late, never, result, skipped, v5 } from "./results.ts";

const hostile =
  'x\u001b[2J\u0000\n<script>document.title="owned"</script><img src=http://evil.example/> "\' &amp;\u202e';
const long = `mqttd-drop/${"x".repeat(400)}`;
const came = [arm({ dueMs: 0, gotMs: 2 })];
const spurious = {
  verdict: "finding",
  failure: "spurious",
  dueMs: null,
  gotMs: 2000,
  latenessMs: null,
  arms: [arm({ verdict: "finding", failure: "spurious", dueMs: null, gotMs: 2000, arm: hostile })],
} as const;

/** Every verdict, words of a hostile broker, and names without a place to break. */
const page = htmlPage(
  recording(
    [
      result("rst", { arms: came }),
      result("rst", { ...v5, arms: came }),
      result("half-open", { ...late(3210), ...keepaliveRule }),
      result("takeover-delay-clean", never),
      result("late-ping", { ...spurious, detail: hostile, means: hostile }),
      result("delay", { ...skipped, detail: "MQTT 5.0 only" }),
      result("fin", { ...inconclusive, detail: long, tries: 3 }),
      result("rst", { ...never, target: "mqtt://localhost:1884" }),
    ],
    {
      ...{ via: "mqtt://localhost:1884", command: ["simulate-drop", "--will-topic", hostile] },
      target: `mqtt://localhost:1883/${hostile}`,
      viaBrokerVersion: hostile,
    },
    { cut: { why: hostile, exitCode: 3 } },
  ),
);

test("every result has its place, with due and got", () => {
  const lines = page.split("\n");
  const labels = lines.flatMap((line) => /aria-label="([^"]*)"/.exec(line)?.[1] ?? []);
  expect(labels).toContain("due at once, came at once, watched for 3.00 s");
  expect(labels).toContain("due after 3.00 s, came after 6.21 s, watched for 3.00 s");
  expect(labels).toContain("due after 3.00 s, none came, watched for 11.0 s");
  expect(labels).toContain("no will is due, came after 2.00 s, watched for 3.00 s");
  expect(page).toContain("MQTT 5.0 only");
  expect(page).toContain("(played 3 times)");
  expect(page).toContain(">FAIL no will</span>");
});

test("the broker is named in its own words; a file of before has none", () => {
  const of = (run: Partial<RunRecord>): string | undefined =>
    /<p>Broker: ([^<]*)<\/p>/.exec(htmlPage(recording([result("rst")], run)))?.[1];
  expect(of({})).toBe("mosquitto version 2.0.18");
  expect(of({ brokerVersion: null })).toBe("not said by the broker");
  expect(of({ brokerVersion: undefined })).toBe("not recorded");
  const via = { via: "mqtt://localhost:1884" };
  expect(of({ ...via, viaBrokerVersion: "mosquitto version 2.0.18" })).toBe(
    "mosquitto version 2.0.18",
  );
  expect(of(via)).toBe("mosquitto version 2.0.18; via the second address: not said by the broker");
});

test("a mark stands where its time is", () => {
  const one = htmlPage(
    recording([result("half-open", { ...late(3000), arms: late(3000).arms ?? [] })]),
  );
  // From 0 to 6 s between 2 % and 98 % of the width.
  expect(one).toContain('<line class="drop" x1="2.00%" x2="2.00%"');
  expect(one).toContain('<line class="due" x1="50.00%" x2="50.00%"');
  expect(one).toContain('<circle class="came" cx="98.00%"');
});

test("the page is well-formed, and its ids and links fit", () => {
  const open: string[] = [];
  const markup = page.replace(/<style>[^<]*<\/style>/, "").replace("<!DOCTYPE html>", "");
  for (const [tag, end, name = "", isEmpty] of markup.matchAll(
    /<(\/?)([a-z][a-z0-9]*)(?:\s+[a-zA-Z0-9-]+="[^"<]*")*\s*(\/?)>/g,
  )) {
    if (end === "") {
      if (isEmpty === "") open.push(name);
    } else expect(open.pop(), tag).toBe(name);
  }
  expect(open).toEqual([]);
  const bare = markup.replace(/<(\/?)([a-z][a-z0-9]*)(?:\s+[a-zA-Z0-9-]+="[^"<]*")*\s*(\/?)>/g, "");
  expect(bare).not.toMatch(/[<>"']|&(?!#\d+;)/);
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, link = ""] of page.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(link);
});

test("nothing comes from elsewhere, and no foreign word is markup", () => {
  const references = [...page.matchAll(/(?:src|href|action|url)\s*[=(]\s*"?([^"\s)>]*)/g)];
  const outside = references.map(([, to = ""]) => to).filter((to) => !/^(#|data:,)/.test(to));
  // As text, in the words of the broker.
  expect(outside).toEqual(outside.filter((to) => to === "http://evil.example/&#62;"));
  expect(page).not.toMatch(/<script|<img|javascript:|@import|url\(/i);
  expect(page.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(page).toContain("&#60;script&#62;");
});

test("every colour of a text has a contrast of 4.5 to 1 and more, light and dark", () => {
  const [light = "", dark = ""] = [...stylesheet.matchAll(/:root \{([^}]*)\}/g)].map(
    ([, in_]) => in_,
  );
  for (const theme of [light, dark]) {
    const colors = new Map(
      [...theme.matchAll(/--([a-z]+): (#[0-9a-f]{6})/g)].map(([, name = "", value = ""]) => [
        name,
        value,
      ]),
    );
    const [paper = "", card = ""] = [colors.get("paper"), colors.get("card")];
    for (const name of [..."text quiet pass fail finding late inconclusive skipped".split(" ")]) {
      for (const back of [paper, card]) {
        expect(contrast(colors.get(name) ?? "", back), `${name} on ${back}`).toBeGreaterThan(4.5);
      }
    }
  }
});

/** WCAG 2.2, "contrast ratio". */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const why = chromiumMissing === null ? "" : ` (skipped: ${chromiumMissing})`;
const folder = mkdtempSync(path.join(tmpdir(), "mqttd-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(chromiumMissing !== null)(
  `in a browser: light and dark, no overflow on a phone, in print, no script of a broker${why}`,
  async () => {
    const file = path.join(folder, "drops.html");
    await Bun.write(file, page);
    await using browser = await Chromium.start("MAP * ~NOTFOUND");
    await using tab = await browser.page(pathToFileURL(file).href);
    const look = async (media: string, scheme: string, width: number): Promise<Look> => {
      await tab.send("Emulation.setDeviceMetricsOverride", {
        ...{ width, height: 740, deviceScaleFactor: 1, mobile: width < 500 },
      });
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await tab.send("Emulation.setEmulatedMedia", { media, features });
      return tab.evaluate<Look>(looked);
    };
    const phone = await look("screen", "light", 360);
    expect(phone).toMatchObject({ title: phone.title, scripts: 0, images: 0, loaded: 0 });
    expect(phone.title).toStartWith("simulate-drop: mqtt://localhost:1883/");
    expect(phone.background).toBe("rgb(255, 255, 255)");
    expect((await look("screen", "dark", 360)).background).toBe("rgb(13, 17, 23)");
    expect((await look("print", "dark", 700)).background).toBe("rgb(255, 255, 255)");
    for (const width of [320, 360, 800, 1400]) {
      const { scrollWidth, innerWidth, lines } = await look("screen", "light", width);
      expect(scrollWidth).toBeLessThanOrEqual(width);
      expect(innerWidth).toBe(width);
      expect(lines).toBeGreaterThan(5);
    }
  },
  180_000,
);

const axe = path.resolve(import.meta.dir, "../../../node_modules/axe-core/axe.min.js");
const whyNoAxe = chromiumMissing ?? (existsSync(axe) ? null : "axe-core is not installed");

test.skipIf(whyNoAxe !== null)(
  `axe-core finds nothing, light and dark, on a phone and wide${whyNoAxe === null ? "" : ` (skipped: ${whyNoAxe})`}`,
  async () => {
    const file = path.join(folder, "judged.html");
    await Bun.write(file, page);
    await using browser = await Chromium.start("MAP * ~NOTFOUND");
    await using tab = await browser.page(pathToFileURL(file).href);
    await tab.evaluate<unknown>(`${readFileSync(axe, "utf8")}; null`);
    for (const [scheme, width] of [
      ["light", 360],
      ["dark", 1200],
    ] as const) {
      await tab.send("Emulation.setDeviceMetricsOverride", {
        ...{ width, height: 740, deviceScaleFactor: 1, mobile: false },
      });
      await tab.send("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: scheme }],
      });
      const { passes, violations } = await tab.evaluate<Judged>(judged);
      expect({ scheme, violations }).toEqual({ scheme, violations: [] });
      expect(passes).toContain("color-contrast");
    }
    // It does find what is wrong.
    await tab.evaluate(
      "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\">'), null",
    );
    expect((await tab.evaluate<Judged>(judged)).violations.join()).toContain("image-alt");
  },
  180_000,
);

interface Judged {
  /** Rules. */
  readonly passes: readonly string[];
  /** Rule, and the elements that break it. */
  readonly violations: readonly string[];
}

const judged = `axe.run(document).then(({ passes, violations }) => ({
  passes: passes.map(({ id }) => id),
  violations: violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join()),
}))`;

/** What the page is in the browser. */
interface Look {
  readonly title: string;
  readonly background: string;
  readonly scripts: number;
  readonly images: number;
  /** Further resources. */
  readonly loaded: number;
  readonly scrollWidth: number;
  readonly innerWidth: number;
  /** Time lines that have an area. */
  readonly lines: number;
}

const looked = `({
  title: document.title,
  background: getComputedStyle(document.body).backgroundColor,
  scripts: document.scripts.length,
  images: document.images.length,
  loaded: performance.getEntriesByType("resource").filter(({ name }) => !name.startsWith("data:")).length,
  scrollWidth: document.documentElement.scrollWidth,
  innerWidth,
  lines: [...document.querySelectorAll("svg[role=img]")].filter((one) => one.clientWidth > 100 && one.clientHeight > 20).length,
})`;
