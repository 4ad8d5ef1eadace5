import { ledger, statementIds } from "../standard/statements.ts";
import type { Arguments } from "./arguments.ts";
import { colorFrom, usesColor } from "./color.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { commandPage, exitCodes, statements } from "./help.ts";
import { described } from "./offer.ts";
import { rulesJson, rulesText } from "./rule-page.ts";
import { askedBy } from "./rule-words.ts";

/** `mqttd rule`: what a statement of the standards says, and who keeps it. */
export function ruleCommand(): CliCommand {
  const command = declareRule();
  return {
    command,
    rules: { positionals: Infinity },
    help: commandPage(command, {
      about:
        "What a numbered statement of MQTT 3.1.1 or 5.0 says, in our own words; where mqttd obeys " +
        "it, which tests hold it, and which scenario of simulate-drop shows what a broker makes of " +
        "it. Needs no broker.",
      sections: [
        {
          title: "What to name",
          rows: [
            ["v5-3.1.2-22", "a statement of one version"],
            ["MQTT-3.1.2-24", "as the standards print it: that of each version"],
            ["3.1.2, v5-3.1", "a section: the statements in it, in a line each"],
            ["keepalive", "a word: the statements that hold it"],
            ["nothing", "all statements, by section"],
          ],
        },
        exitCodes(["0", "2", "70", "130, 143"], {
          "0": "done",
          "2": "usage, or no such statement",
        }),
        statements,
      ],
    }),
    completion: {
      word: () => described(statementIds.map((id) => [id, ledger[id]?.says ?? ""] as const)),
    },
    run: runRule,
  };
}

function declareRule(): Command {
  return declare("rule", "what a statement of the standard says, and where mqttd obeys it")
    .usage("rule [ID...] [FLAGS]")
    .option("--json", "NDJSON, an object for each statement")
    .option(
      "--color <WHEN>",
      "auto, always or never (default auto: on a terminal, unless NO_COLOR is set)",
    )
    .option("-h, --help", "show this help")
    .example("mqttd rule v4-3.1.2-24")
    .example("mqttd rule 3.1.2-24 v5-3.1.2-22")
    .example("mqttd rule v5-3.14")
    .example("mqttd rule keepalive --json");
}

async function runRule(given: Arguments, surroundings: Surroundings): Promise<number> {
  const screen = surroundings.screen("stdout");
  const color = usesColor(colorFrom(given), surroundings.env, screen !== null);
  const everything = { ids: statementIds, inFull: false };
  const asked = given.positionals.length === 0 ? [everything] : given.positionals.map(askedBy);
  surroundings.print(
    given.has("json")
      ? rulesJson(asked)
      : rulesText(asked, { columns: screen?.columns ?? Infinity, color }),
  );
  return 0;
}
