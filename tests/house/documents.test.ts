import { expect, test } from "bun:test";
import { Glob } from "bun";
import { existsSync } from "node:fs";
import path from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { codeSpansOf, documents, fencesOf } from "../support/documents.ts";

const root = path.resolve(import.meta.dir, "../..");

// Users paste these commands; they have Node, npm and an interactive zsh.

/** The errors in a document's commands. */
function problemsOf(document: string): string[] {
  const fences = fencesOf(document);
  const code = [...fences.flatMap(({ text }) => text.split("\n")), ...codeSpansOf(document)];
  const pasted = fences.filter(({ language }) => language === "sh").map(({ text }) => text);
  return [
    ...code.filter(hasBareTool).map((line) => `not installed, write npx: ${line}`),
    ...pasted.flatMap((text) =>
      text
        .split("\n")
        .filter(hasComment)
        .map((line) => `zsh takes no comment: ${line}`),
    ),
    ...pasted.flatMap((text) =>
      text
        .split("\n")
        .filter(isEndless)
        .map((line) => `ends only when what it waits for comes: ${line}`),
    ),
    ...pasted.filter(endsTheShell).map((text) => `ends an interactive shell: ${text.trim()}`),
  ];
}

/** `bun`, or another program of node_modules/.bin, as a command. */
function hasBareTool(line: string): boolean {
  return /(?:^|[\s;&|(=])(?<!\bnpx )(?:bun|deno|oxlint|knip) +\S/.test(line);
}

function hasComment(line: string): boolean {
  return /(?:^|\s)#/.test(line.replace(/'[^']*'|"[^"]*"/g, ""));
}

/** A loop has to check that the process for which it waits is still alive. */
function isEndless(line: string): boolean {
  return /\b(?:until|while)\b/.test(line) && !line.includes("kill -0");
}

/** In a subshell `exit` ends only the subshell. */
function endsTheShell(text: string): boolean {
  return /(?:^|[;&|]|\bdo) *exit\b/m.test(text) && !/^\([\s\S]*^\)$/m.test(text);
}

const columns = 120;

/** Lines that are too wide to read. Pasted output in a fence keeps its own width. */
function wideLinesOf(document: string): string[] {
  const prose = document.replace(/^```[\s\S]*?^```$/gm, "");
  return prose.split("\n").filter((line) => Bun.stringWidth(line) > columns);
}

/** scripts/peers.ts writes the pages of brokers, whose tables are as wide as their results. */
const isGenerated = (name: string): boolean => /^docs\/brokers(?:\/|\.md$)/.test(name);

test("no document has a line wider than 120 columns, tables included", () => {
  const found = [...documents()]
    .filter(([name]) => !isGenerated(name))
    .flatMap(([name, text]) => wideLinesOf(text).map((line) => `${name}: ${line}`));
  expect(found).toEqual([]);
});

test("a wide line is found in prose and tables, and allowed in a fence", () => {
  const wide = "a".repeat(columns + 1);
  expect(wideLinesOf(`${wide}\n\n| ${wide} |\n`)).toHaveLength(2);
  expect(wideLinesOf(`\`\`\`\n${wide}\n\`\`\`\n${"é".repeat(columns)}\n`)).toEqual([]);
});

test("no document has a command that fails when pasted", () => {
  const found = [...documents()].flatMap(([name, text]) =>
    problemsOf(text).map((problem) => `${name}: ${problem}`),
  );
  expect(found).toEqual([]);
  expect([...documents().keys()]).toContain("README.md");
  expect([...documents().keys()]).toContain("docs/decisions/0001-dependencies.md");
});

/** Commands that do not use the npm script that runs the same, and scripts that do not exist. */
function scriptProblemsOf(text: string): string[] {
  const scripts = Object.entries(packageJson.scripts);
  const bare = scripts
    .map(([name, command]) => ({ name, file: /^bun (\S+\.ts)$/.exec(command)?.[1] }))
    .filter(({ file }) => file !== undefined && text.includes(`bun ${file}`))
    .map(({ name, file }) => `write npm run ${name}: bun ${file}`);
  const unknown = [...text.matchAll(/\bnpm run (?:--silent )?([a-z]\w*)/g)]
    .filter(([, name = ""]) => !(name in packageJson.scripts))
    .map(([command]) => `there is no ${command}`);
  return [...bare, ...unknown];
}

test("documents, help texts and hints name npm scripts where there are some", async () => {
  const found: string[] = [];
  for await (const name of new Glob("{src,scripts,bench}/**/*.ts").scan(root)) {
    const text = await Bun.file(path.join(root, name)).text();
    found.push(...scriptProblemsOf(text).map((problem) => `${name}: ${problem}`));
  }
  for (const [name, text] of documents()) {
    found.push(...scriptProblemsOf(text).map((problem) => `${name}: ${problem}`));
  }
  expect(found).toEqual([]);
  expect(scriptProblemsOf("npx bun scripts/sim.ts --seed 1, npm run simulate")).toHaveLength(2);
});

/** The anchors of a document's headings, as GitHub names them. */
function anchorsOf(document: string): Set<string> {
  const headings = document.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm);
  const anchors = [...headings].map(([, heading = ""]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set(
    anchors.map((anchor, index) => {
      const before = anchors.slice(0, index).filter((other) => other === anchor).length;
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

/** The links within the project whose file, folder or heading does not exist. */
function deadLinksOf(name: string, all: ReadonlyMap<string, string>): string[] {
  const text = (all.get(name) ?? "").replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`]*`/g, "");
  const links = [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return !URL.canParse(link);
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? name : path.normalize(path.join(path.dirname(name), file));
    if (!all.has(target) && !existsSync(path.join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(all.get(target) ?? "").has(anchor);
  });
}

test("every link within the project leads somewhere", () => {
  const all = documents();
  const dead = [...all.keys()].flatMap((name) =>
    deadLinksOf(name, all).map((link) => `${name}: ${link}`),
  );
  expect(dead).toEqual([]);
});

test("a dead link is found: a file, a folder, a heading, an address", () => {
  const text =
    "# A `b` (c)\n[1](a.md) [2](none.md) [3](#a-b-c) [4](#a) [5](no/) [6](http://[) [7](docs/)\n";
  expect(deadLinksOf("a.md", new Map([["a.md", text]]))).toEqual([
    ...["none.md", "#a", "no/", "http://["],
  ]);
});

test("docs/README.md lists every document of docs/", () => {
  const all = documents();
  const index = all.get("docs/README.md") ?? "";
  const names = [...all.keys()].filter((name) => /^docs\/[^/]+\.md$/.test(name));
  const unlisted = names
    .map((name) => path.basename(name))
    .filter((name) => name !== "README.md" && !index.includes(`](${name})`));
  expect(unlisted).toEqual([]);
});

const fence = "```";

for (const [what, document] of [
  ["a bare bun in a block", `${fence}sh\nbun scripts/sim.ts\n${fence}\n`],
  ["a bare bun in a block of no language", `${fence}\nA=1 bun test\n${fence}\n`],
  ["a bare bun in a sentence", "the short form in `bun test tests/fuzz` takes"],
  ["a bare bun over two lines", "with `MQTTD_NAIVE_RUNS=1 bun\ntest tests` it"],
  ["a comment behind a command", `${fence}sh\nkill -STOP $!     # the device hangs\n${fence}\n`],
  ["a comment alone", `${fence}sh\n# as root\nls\n${fence}\n`],
  ["a loop without an end", `${fence}sh\nuntil [ -s ready ]; do sleep 0.1; done\n${fence}\n`],
  ["an exit of the shell", `${fence}sh\nfalse || exit 2\n${fence}\n`],
  ["an exit at the end", `${fence}sh\nwait\nexit "$result"\n${fence}\n`],
] as const) {
  test(`a document is refused for ${what}`, () => {
    expect(problemsOf(document)).toHaveLength(1);
  });
}

test("a command that works when pasted is accepted", () => {
  const document = `
Run \`npx bun test tests\`; bun comes from npm, \`package.json\` names \`bun\`.

${fence}sh
(
  until [ -s ready ]; do kill -0 $broker || exit 2; sleep 0.1; done
  mosquitto_sub -t 'home/#' -t "a/#"
)
${fence}

${fence}jsonc
{ "a": 1 } // # is no comment here
${fence}
`;
  expect(problemsOf(document)).toEqual([]);
});
