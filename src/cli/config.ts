import pc from "picocolors";
import { usageError } from "../config/cli-error.ts";
import type { Loaded, NotLoaded, Sources } from "../config/load.ts";
import { shellWord } from "../config/problem.ts";
import { table, type ViewStyle } from "../inspect/views/table.ts";
import { jsonLine } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import { usesColor } from "./color.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { certificateReader, checkFiles, printChecked, problemsOf } from "./config-check.ts";
import { writeFiles } from "./config-files.ts";
import {
  flagForms,
  repeatable,
  usageOf,
  verbNames,
  verbOf,
  verbPage,
  verbs,
} from "./config-verbs.ts";
import { commandPage, exitCodes, type HelpRow, helpText, textColumns } from "./help.ts";
import { described, files, nothing } from "./offer.ts";
import { linesFor } from "./remark.ts";
import { assignmentOf } from "./serve.ts";
import { settingOffer } from "./setting-offer.ts";

/** `mqttd config`: the configuration, without a running broker. */
export function configCommand(): CliCommand {
  const command = declareConfig();
  const page = commandPage(command, {
    about: "Writes, checks, prints and translates configurations; no broker has to run.",
    flags: [["-h, --help", "show this help; for a verb: mqttd config VERB --help"]],
    sections: [
      {
        title: "Verbs",
        rows: verbNames.map((verb): HelpRow => [usageOf(verb), verbs[verb].text]),
      },
      exitCodes(["0", "2", "70", "130, 143"], {
        "2": "usage, errors in the configuration, or nothing was written",
      }),
    ],
  });
  return {
    command,
    rules: { positionals: Infinity },
    help: page,
    helpOn: verbPage,
    verbs: verbNames.map((name) => ({ name, text: verbs[name].text })),
    completion: {
      values: { set: settingOffer },
      word: (before) => {
        if (before.length === 0)
          return described(verbNames.map((verb) => [verb, verbs[verb].text]));
        return before.length === 1 ? files : nothing;
      },
    },
    run: async (given, surroundings) => {
      const [first, second] = given.positionals;
      if (first !== "help" && first !== undefined) return runVerb(given, surroundings);
      const text = second === undefined ? page : verbPage(second);
      surroundings.print(helpText(text, textColumns(surroundings.screen("stdout"))));
      return 0;
    },
  };
}

function declareConfig(): Command {
  const command = declare(
    "config",
    "write, check, print a configuration; translate a mosquitto.conf",
  )
    .usage("config VERB [FLAGS]")
    .example("mqttd config init")
    .example("mqttd config check mqttd.jsonc")
    .example("mqttd config print --origin")
    .example("mqttd config import /etc/mosquitto/mosquitto.conf --out mqttd.jsonc");

  // Their meaning depends on the verb; the help pages give it.
  for (const [flag, form] of Object.entries(flagForms)) {
    command.option(form, "", repeatable.includes(flag) ? { type: [] } : {});
  }
  return command;
}

async function runVerb(given: Arguments, surroundings: Surroundings): Promise<number> {
  const { verb, word } = verbOf(given);
  switch (verb) {
    case "init":
      return init(word ?? defaultFile, given.has("force"), surroundings);
    case "check":
      return check(word, given, surroundings);
    case "print":
      return printValues(word, given, surroundings);
    case "schema":
      surroundings.print(await schemaText());
      return 0;
    case "import": {
      const { importMosquitto } = await import("./config-import.ts");
      return importMosquitto(word ?? "", given, styleFor("stderr", surroundings), surroundings);
    }
  }
}

const defaultFile = "mqttd.jsonc";
const schemaFile = "mqttd.schema.json";

async function schemaText(): Promise<string> {
  const { configJsonSchema } = await import("../config/json-schema.ts");
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

async function init(file: string, force: boolean, surroundings: Surroundings): Promise<number> {
  const { templateText } = await import("../config/template.ts");
  const text = templateText(`./${schemaFile}`);
  if (file === "-") {
    surroundings.print(text);
    return 0;
  }
  const other = file === defaultFile ? "mqttd.json" : file === "mqttd.json" ? defaultFile : null;
  if (other !== null && surroundings.readFile(other, 0).type !== "missing") {
    throw usageError(
      `config init: ${other} exists, and mqttd serve takes one of both`,
      `mqttd config check ${other}`,
    );
  }
  const schema = file.replace(/[^/\\]*$/, schemaFile);
  writeFiles(
    "config init",
    [
      { file, text },
      { file: schema, text: await schemaText(), isSameAllowed: true },
    ],
    force,
  );
  const said =
    `wrote ${shellWord(file)}, and ${shellWord(schema)} for editors\n` +
    `next: mqttd config check ${shellWord(file)}\n`;
  surroundings.print(linesFor(surroundings.screen("stdout"), said));
  return 0;
}

/** Loads as `serve` does; FILE stands for `--config`. Throws CliError for two files. */
async function loadFor(
  verb: string,
  file: string | null,
  given: Arguments,
  { env, readFile }: Surroundings,
): Promise<Loaded | NotLoaded> {
  const named = given.text("config");
  if (file !== null && named !== null) {
    throw usageError(
      `config ${verb}: both ${shellWord(file)} and --config name a file`,
      "name one",
    );
  }
  const flags = given.texts("set").map(assignmentOf);
  const sources: Sources = { configFile: file ?? named, flags, env, readFile };
  const { load } = await import("../config/load.ts");
  return load(sources);
}

async function check(
  file: string | null,
  given: Arguments,
  surroundings: Surroundings,
): Promise<number> {
  const loaded = await loadFor("check", file, given, surroundings);
  const { problems, warnings } = await checked(loaded, surroundings);
  if (given.has("json")) {
    const ok = problems.length === 0;
    surroundings.print(`${jsonLine({ ok, file: loaded.file, problems, warnings })}\n`);
    return ok ? 0 : 2;
  }
  if (problems.length > 0) throw usageError(problems.join("\n"));
  if (loaded.ok) printChecked(loaded, warnings, surroundings);
  return 0;
}

async function checked(loaded: Loaded | NotLoaded, { readFile }: Surroundings) {
  if (!loaded.ok) return { problems: await problemsOf(loaded, readFile), warnings: [] };
  return checkFiles(loaded, (await certificateReader(loaded, readFile))(loaded));
}

async function printValues(
  file: string | null,
  given: Arguments,
  surroundings: Surroundings,
): Promise<number> {
  const loaded = await loadFor("print", file, given, surroundings);
  if (!loaded.ok) throw usageError(loaded.problems.join("\n"));
  const { valuesInForce, valueText } = await import("../config/in-force.ts");
  const values = valuesInForce(loaded);
  if (given.has("json")) {
    surroundings.print(`${jsonLine({ file: loaded.file, values })}\n`);
    return 0;
  }
  const heads = ["SETTING", "VALUE", ...(given.has("origin") ? ["FROM"] : [])];
  const rows = values.map((value) =>
    [value.path, valueText(value), value.origin].slice(0, heads.length),
  );
  surroundings.print(`${table(heads, rows, styleFor("stdout", surroundings)).join("\n")}\n`);
  return 0;
}

function styleFor(stream: "stdout" | "stderr", { env, screen }: Surroundings): ViewStyle {
  const terminal = screen(stream);
  const colors = pc.createColors(usesColor("auto", env, terminal !== null));
  return { columns: terminal?.columns ?? Infinity, colors, zone: "local" };
}
