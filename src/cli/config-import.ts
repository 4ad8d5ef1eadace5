import { readdirSync } from "node:fs";
import { CliError, usageError } from "../config/cli-error.ts";
import type { ReadFile } from "../config/file.ts";
import { load } from "../config/load.ts";
import type { Account, Fate } from "../config/mosquitto/account.ts";
import { type Imported, importConf, type NamedFile } from "../config/mosquitto/import.ts";
import { bare, shellWord } from "../config/problem.ts";
import { drawn, table, type ViewStyle } from "../inspect/views/table.ts";
import { jsonLine } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import type { Surroundings } from "./command.ts";
import { linesFor } from "./remark.ts";
import { writeFiles } from "./config-files.ts";

/**
 * Translates a mosquitto.conf: the configuration goes to stdout or `--out`, the account of its lines
 * to stderr. Throws CliError (exit code 2) if nothing is written.
 */
export async function importMosquitto(
  conf: string,
  given: Arguments,
  style: ViewStyle,
  { readFile, print, printError, screen }: Surroundings,
): Promise<number> {
  const out = given.text("out");
  if (out === "") throw usageError('--out: found "", allowed: the name of a file');
  const imported = await importConf(
    conf,
    { readFile, namesIn },
    {
      takesRest: given.has("rest"),
      check: async (key, file) => namedFile(key, file, readFile),
      errorsIn,
    },
  );
  const { text, accounts, notes, problems } = imported;
  if (text !== null && out !== null) {
    writeFiles("config import", [{ file: out, text }], given.has("force"));
  }
  if (given.has("json")) {
    const counts = countsOf(accounts);
    print(
      `${jsonLine({ ok: text !== null, config: text, problems, notes, counts, lines: accounts })}\n`,
    );
    return text === null ? 2 : 0;
  }
  if (accounts.length > 0) printError(`${reportLines(conf, imported, style).join("\n")}\n`);
  if (text === null) {
    throw new CliError(problems.map((line) => `config import: ${line}`).join("\n"), {
      exitCode: 2,
    });
  }
  if (out === null) print(text);
  else {
    const file = shellWord(out);
    const text = `wrote ${file}; next: mqttd config check ${file}\n`;
    printError(linesFor(screen("stderr"), text));
  }
  return 0;
}

function namesIn(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not ours to read: the report says that it is missing.
    return null;
  }
}

function errorsIn(text: string): readonly string[] {
  const readFile = () => ({ type: "read", bytes: new TextEncoder().encode(text) }) as const;
  const result = load({ configFile: "the translation", flags: [], env: {}, readFile });
  return result.ok ? [] : result.problems;
}

/** Looks at a file as `serve` would. */
async function namedFile(key: string, file: string, readFile: ReadFile): Promise<NamedFile> {
  if (readFile(file, 0).type === "missing") return { isThere: false, problems: [], warnings: [] };
  const fine = { isThere: true, problems: [], warnings: [] };
  if (key.endsWith("passwordFile")) {
    const { readPasswordFile } = await import("../server/accounts/password-file.ts");
    const read = readPasswordFile(file, null);
    if ("problems" in read) return { ...fine, problems: read.problems.map(problemText) };
    return { ...fine, warnings: read.warnings };
  }
  if (!key.endsWith("aclFile")) return fine;
  const { parseAccessFile, readAccessFile } = await import("../server/access/access-file.ts");
  const text = readAccessFile(file);
  if ("problems" in text) return { ...fine, problems: text.problems.map(problemText) };
  const parsing = parseAccessFile(text);
  let step = parsing.next();
  while (step.done !== true) step = parsing.next();
  const read = step.value;
  if ("problems" in read) return { ...fine, problems: read.problems.map(problemText) };
  const { oddityWarnings } = await import("../server/access/access-oddities.ts");
  return { ...fine, warnings: oddityWarnings(file, read.oddities) };
}

function problemText({ at, text }: { readonly at: string; readonly text: string }): string {
  return `${at}: ${text}`;
}

const words: Readonly<Record<Fate, string>> = {
  taken: "taken",
  needless: "not needed",
  refused: "NOT TAKEN",
  mistake: "MISTAKE",
};

function reportLines(conf: string, { accounts, notes }: Imported, style: ViewStyle): string[] {
  const rows = accounts.map((account) => [
    account.file === conf ? String(account.line) : `${account.file}:${account.line}`,
    account.text,
    words[account.fate],
    whatBecame(account),
  ]);
  const heads = ["LINE", "OPTION", "RESULT", "WHAT BECOMES OF IT"];
  const said = (text: string): string[] => drawn(text, style.columns, 2);
  return [
    ...said(`${bare(conf)}: ${notes.join("; ")}`),
    "",
    ...table(heads, rows, style),
    "",
    ...said(countsText(countsOf(accounts))),
  ];
}

function whatBecame({ keys, why, warnings, fate }: Account): string {
  const became =
    keys.length > 0
      ? keys.map(keyText).join(", ")
      : fate === "taken" && why === ""
        ? "as by default"
        : "";
  const parts = [became, why, ...warnings.map((text) => `warning: ${text}`)];
  return parts.filter((part) => part !== "").join("; ");
}

function keyText({ path, value }: Account["keys"][number]): string {
  return `${path} ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function countsOf(accounts: readonly Account[]) {
  const count = (fate: Fate): number => accounts.filter((account) => account.fate === fate).length;
  return {
    lines: accounts.length,
    taken: count("taken"),
    needless: count("needless"),
    refused: count("refused"),
    mistakes: count("mistake"),
  };
}

function countsText({
  lines,
  taken,
  needless,
  refused,
  mistakes,
}: ReturnType<typeof countsOf>): string {
  const parts = [`${taken} taken`, `${needless} not needed`, `${refused} not taken`];
  return `${lines} ${lines === 1 ? "line" : "lines"}: ${parts.join(", ")}, ${mistakes} ${mistakes === 1 ? "mistake" : "mistakes"}`;
}
