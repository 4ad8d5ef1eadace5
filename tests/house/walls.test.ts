import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Copy } from "./copy.ts";

// imports.test.ts checks the layers; this file checks the walls between a layer's rooms.

interface Wall {
  /** The file in which the import is planted: the linter rule covers it. */
  readonly file: string;
  readonly refused: readonly string[];
  readonly allowed: readonly string[];
  /** Imports of types pass, imports of values fail. */
  readonly typesOnly?: readonly string[];
}

const walls: readonly Wall[] = [
  {
    file: "src/core/planted.ts",
    refused: [
      "./records/noun.ts",
      "./records/will-account.ts",
      "./records/deep/records.ts",
      "./queries/noun.ts",
      "./queries/queries.ts",
      "./queries/state.ts",
      "./quirks/noun.ts",
      "./quirks/likes.ts",
      "./quirks/silence.ts",
      "./quirks/deep/rules.ts",
      "././records/noun.ts",
      "././queries/noun.ts",
      "././quirks/noun.ts",
      "../server/noun.ts",
    ],
    allowed: ["./noun.ts", "./quirks/rules.ts"],
    typesOnly: ["./records/records.ts"],
  },
  {
    file: "src/core/broker.ts",
    refused: [
      "./queries/noun.ts",
      "./quirks/likes.ts",
      "./quirks/planted.ts",
      "./records/noun.ts",
      "./records/wills.ts",
      "../log/noun.ts",
    ],
    allowed: [
      "./queries/state.ts",
      "./quirks/rules.ts",
      "./quirks/silence.ts",
      "./records/records.ts",
    ],
  },
  {
    file: "src/core/records/planted.ts",
    refused: ["../queries/noun.ts", "../quirks/rules.ts", "../../log/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts"],
  },
  {
    file: "src/core/queries/planted.ts",
    refused: ["../quirks/rules.ts", "../../log/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../records/noun.ts"],
  },
  {
    file: "src/core/quirks/planted-sin.ts",
    refused: ["../queries/noun.ts", "../records/noun.ts", "../../log/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts"],
  },
  ...[
    ...["cli", "log", "config", "api", "standard", "wire", "transport", "websocket", "client"],
    "store",
  ].map((room) => ({
    file: `src/${room}/planted.ts`,
    refused: ["../main.ts"],
    allowed: ["./noun.ts", "../core/noun.ts"],
  })),
  {
    file: "src/server/planted.ts",
    refused: ["./admin/noun.ts", "./admin/deep/open.ts", "././admin/noun.ts", "../cli/noun.ts"],
    allowed: ["./noun.ts", "./admin/open.ts", "./driver/noun.ts", "../api/noun.ts"],
  },
  {
    file: "src/server/driver/planted.ts",
    refused: [
      "../admin/noun.ts",
      "../admin/open.ts",
      "../serve.ts",
      "../embedded.ts",
      "../../cli/noun.ts",
      "../../drop/noun.ts",
    ],
    allowed: ["../auth.ts", "./noun.ts", "../../core/noun.ts", "../../transport/noun.ts"],
  },
  {
    file: "src/server/admin/planted.ts",
    refused: [
      "../driver/noun.ts",
      "../driver/driver.ts",
      "../driver/deep/clock.ts",
      "../../inspect/noun.ts",
    ],
    allowed: ["../noun.ts", "./noun.ts", "../driver/clock.ts", "../../core/records/noun.ts"],
  },
  {
    file: "src/config/mosquitto/planted.ts",
    refused: ["../../server/noun.ts", "../../cli/noun.ts", "../../inspect/noun.ts", "../load.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../../log/noun.ts"],
  },
  ...["accounts", "access"].map((room) => ({
    file: `src/server/${room}/planted.ts`,
    refused: ["../driver/noun.ts", "../driver/driver.ts", "../admin/noun.ts", "../../cli/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../driver/loop.ts", "../../config/noun.ts"],
  })),
  {
    file: "src/inspect/planted.ts",
    refused: ["./explain/noun.ts", "./packet/noun.ts", "./views/noun.ts", "../server/noun.ts"],
    allowed: ["./noun.ts", "./answers/noun.ts", "../api/noun.ts"],
  },
  ...["explain", "packet", "views", "answers"].map((room) => ({
    file: `src/inspect/${room}/planted.ts`,
    refused: [
      ...["explain", "packet", "views"]
        .filter((other) => other !== room)
        .map((other) => `../${other}/noun.ts`),
      "../../drop/noun.ts",
    ],
    allowed: ["../noun.ts", "./noun.ts", "../../log/noun.ts"],
  })),
  {
    file: "src/drop/planted.ts",
    refused: ["./scenarios/noun.ts", "./report/noun.ts", "../server/noun.ts"],
    allowed: ["./noun.ts", "./lab/noun.ts", "../client/noun.ts"],
  },
  {
    file: "src/drop/scenarios/planted.ts",
    refused: ["../report/noun.ts", "../../server/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../lab/noun.ts", "../../client/noun.ts"],
  },
  {
    file: "src/drop/report/planted.ts",
    refused: ["../scenarios/noun.ts", "../lab/noun.ts", "../../inspect/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../../log/noun.ts"],
  },
  {
    file: "src/drop/report/page/planted.ts",
    refused: ["../../scenarios/noun.ts", "../../lab/noun.ts", "../../../inspect/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../../../log/noun.ts"],
  },
  {
    file: "src/drop/lab/planted.ts",
    refused: ["../scenarios/noun.ts", "../report/noun.ts", "../../cli/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../../client/noun.ts"],
  },
  {
    file: "src/load/planted.ts",
    refused: ["./loads/noun.ts", "./report/noun.ts", "../drop/noun.ts", "../server/noun.ts"],
    allowed: ["./noun.ts", "./loads/rows.ts", "../transport/noun.ts"],
  },
  {
    file: "src/load/loads/planted.ts",
    refused: [
      "../report/noun.ts",
      "../measure.ts",
      "../part.ts",
      "../parts.ts",
      "../bystander.ts",
      "../brokers.ts",
      "../../inspect/noun.ts",
    ],
    allowed: ["../load.ts", "../client.ts", "./noun.ts"],
  },
  {
    file: "src/load/report/planted.ts",
    refused: ["../loads/noun.ts", "../loads/rows.ts", "../../drop/noun.ts"],
    allowed: ["../noun.ts", "./noun.ts", "../../log/noun.ts"],
  },
];

/** The ways to import a file; the first takes a type alone. */
const kinds = [
  (to: string, n: number) =>
    `import type { Noun as N${n} } from "${to}";\nexport type Type${n} = N${n};`,
  (to: string, n: number) =>
    `import { noun as n${n} } from "${to}";\nexport const value${n} = n${n};`,
  (to: string, n: number) => `export const later${n}: unknown = import("${to}");`,
  (to: string, n: number) => `export { noun as again${n} } from "${to}";`,
];

/** A linter rule for a room replaces that of its layer, so each room's rule repeats this one. */
function outside(file: string): string[] {
  const sins = ["tests/noun.ts", "scripts/noun.ts", "bench/noun.ts"];
  if (!isOfCore(file)) sins.push("src/core/queries/noun.ts", "src/core/queries/state.ts");
  return sins.map((sin) => path.relative(path.dirname(file), sin));
}

/** Layers outside the core read it through the page of all queries. */
function inside(file: string): string[] {
  return isOfCore(file) ? [] : [path.relative(path.dirname(file), "src/core/queries/queries.ts")];
}

const isOfCore = (file: string) => file.startsWith("src/core/");

test("an import through a wall fails the linter, one through a door passes", async () => {
  await using copy = await Copy.of();
  for (const { file, refused, allowed, typesOnly = [] } of walls) {
    const all = [...refused, ...outside(file), ...allowed, ...inside(file), ...typesOnly];
    const statements = all.flatMap((to, n) => kinds.map((of) => of(to, n)));
    await copy.plant(file, `${statements.join("\n")}\n`);
  }
  const found = await copy.lint();
  for (const { file, refused, typesOnly = [] } of walls) {
    const told = refusedIn(found.get(file));
    const whole = [...refused, ...outside(file)].flatMap((to) => kinds.map(() => to));
    const values = typesOnly.flatMap((to) => kinds.slice(1).map(() => to));
    expect({ file, refused: told.sort() }).toEqual({ file, refused: [...whole, ...values].sort() });
  }
}, 180_000);

test("every room has a wall", async () => {
  const src = path.resolve(import.meta.dir, "../../src");
  const folders = await readdir(src, { recursive: true, withFileTypes: true });
  const rooms = folders
    .filter((entry) => entry.isDirectory() && entry.parentPath !== src)
    .map(({ parentPath, name }) => path.join("src", path.relative(src, parentPath), name));
  const walled = walls.map(({ file }) => path.dirname(file));
  expect(rooms.filter((room) => !walled.includes(room))).toEqual([]);
  expect(rooms.length).toBeGreaterThan(10);
}, 180_000);

test("each rule of the core imports only types from the door of records, and the broker imports the door", async () => {
  await using copy = await Copy.of("src/core");
  const folder = path.join(copy.folder, "src/core");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  const sins = ["./records/noun.ts", "./records/wills.ts", "./records/records.ts"];
  for (const name of files) {
    const source = await readFile(path.join(folder, name), "utf8");
    const planted = sins.map((sin, n) => `export { noun as sin${n} } from "${sin}";\n`).join("");
    await copy.plant(`src/core/${name}`, `${source}\n${planted}`);
  }
  const found = await copy.lint();
  for (const name of files) {
    const refused = name === "broker.ts" ? sins.slice(0, 2) : sins;
    expect({ name, refused: refusedIn(found.get(`src/core/${name}`)) }).toEqual({ name, refused });
  }
  expect(files.length).toBeGreaterThan(30);
}, 180_000);

/** Source text that reaches the records other than by a verb of the door. */
function readingsIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  const mentions = code.match(/\w+\.records\b(\.\w+\(?)?|[{,]\s*records\s*[,:}]|\.recordRef\b/g);
  const verbs =
    /\.records\.(received|pinged|noted|passed|passedRun|published|retained|accepted|refused|loaded|loadedAll|restored|takenOver|willDelayed|willSettled|willWaits|ended|ranShort)\($/;
  return (mentions ?? []).filter((mention) => !verbs.test(mention));
}

test("a rule tells the records what has happened, and reads nothing there", async () => {
  const folder = path.resolve(import.meta.dir, "../../src/core");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  const found: Record<string, string[]> = {};
  for (const name of files) {
    const readings = readingsIn(await readFile(path.join(folder, name), "utf8"));
    if (readings.length > 0) found[name] = readings;
  }
  // The broker constructs the one Records; `$SYS` reads counts of wills.
  expect(found).toEqual({ "broker.ts": ["this.records"], "sys.ts": ["broker.records.willCounts"] });
});

test.each([
  "broker.records.clients.of(id)",
  "const { records } = broker;",
  "const { wills } = broker.records;",
  "const { limits, records: { wills } } = broker;",
  "connection.recordRef !== null",
  "will.recordRef = {}",
])("a rule with %p reads what is remembered", (source) => {
  expect(readingsIn(source)).toHaveLength(1);
});

test("a rule that calls a verb of the door, or mentions the records in a comment, passes", () => {
  expect(
    readingsIn("broker.records.ended(a); // broker.records.clients\n/** x.records */"),
  ).toEqual([]);
});

/** The imports that the linter refuses, from the messages about one file. */
function refusedIn(messages: readonly string[] = []): string[] {
  return messages
    .filter((message) => message.includes("(no-restricted-imports)"))
    .map((message) => /'(\S+)' import is restricted/.exec(message)?.[1] ?? message);
}
