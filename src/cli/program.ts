import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import { readArguments } from "./arguments.ts";
import { type CliCommand, pageOf, type Surroundings } from "./command.ts";
import { commands, hiddenCommands, programHelp } from "./commands.ts";
import { type CliError, usageError } from "../config/cli-error.ts";
import { helpTopics, topicEntries, topicPage } from "./help-topics.ts";
import { type HelpPage, helpText, sectionsText, textColumns } from "./help.ts";

/** Runs the arguments after `mqttd`. Resolves to the exit code; throws CliError. */
export async function runProgram(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) return showHelp(programHelp(), surroundings);
  if (first === "help" || first === "-h" || first === "--help") return help(rest, surroundings);
  if (first === "--version") return runProgram(["version", ...rest], surroundings);
  if (first.startsWith("-")) throw flagWithoutCommand(first, rest.length > 0);
  const command = await commandNamed(first);
  const given = readArguments(rest, command.command, command.rules);
  if (given.has("help")) return showHelp(pageOf(command, verbIn(given.positionals)), surroundings);
  return command.run(given, surroundings);
}

async function help(names: readonly string[], surroundings: Surroundings): Promise<number> {
  const [name, ...words] = names.filter((word) => word !== "-h" && word !== "--help");
  if (name === undefined) return showHelp(programHelp(), surroundings);
  const topic = helpTopics.find((other) => other.name === name);
  if (topic !== undefined) {
    if (words.length === 0) return showHelp(topicPage(topic), surroundings);
    const columns = textColumns(surroundings.screen("stdout"));
    return show(sectionsText(topicEntries(topic, words.join(" ")), columns), surroundings);
  }
  const command = await commandNamed(
    name,
    helpTopics.map((other) => other.name),
  );
  const [verb, surplus] = command.helpOn === undefined ? [undefined, ...words] : words;
  if (surplus !== undefined) {
    throw usageError(`help: unexpected argument ${quoted(surplus)}`, `see mqttd ${name} --help`);
  }
  return showHelp(pageOf(command, verb), surroundings);
}

/** `inspect help wills --help` names the verb after `help`. */
function verbIn(words: readonly string[]): string | undefined {
  return words[0] === "help" ? words[1] : words[0];
}

/** `beside`: other words that may be meant. Throws CliError with the nearest. */
async function commandNamed(
  name: string,
  beside: readonly string[] = ["help"],
): Promise<CliCommand> {
  const listed = [...commands, ...hiddenCommands].find((other) => other.name === name);
  if (listed !== undefined) return listed.load();
  const meant = nearest(name, [...commands.map((other) => other.name), ...beside]);
  const hint = meant === null ? "see mqttd --help" : `did you mean ${meant}?`;
  const isTopic = helpTopics.some((topic) => topic.name === name);
  throw usageError(
    `unknown command ${beside.length > 1 ? "or topic " : ""}${quoted(name)}`,
    isTopic ? `mqttd help ${name}` : hint,
  );
}

function flagWithoutCommand(flag: string, isFollowed: boolean): CliError {
  const typed = bare(flag.split("=")[0] ?? flag);
  if (typed === "-V" || (typed === "-v" && !isFollowed)) {
    return usageError(`unknown flag ${typed}`, "did you mean --version?");
  }
  const meant = typed.startsWith("--") ? nearest(typed.slice(2), ["help", "version"]) : null;
  if (meant !== null) return usageError(`unknown flag ${typed}`, `did you mean --${meant}?`);
  return usageError(`${typed} stands before the command`, "the command comes first: mqttd serve");
}

function showHelp(page: HelpPage, surroundings: Surroundings): number {
  return show(helpText(page, textColumns(surroundings.screen("stdout"))), surroundings);
}

function show(text: string, { print }: Surroundings): number {
  print(text);
  return 0;
}
