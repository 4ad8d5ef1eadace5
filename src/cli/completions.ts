import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { completionScripts } from "./completion-scripts.ts";
import { commandPage, exitCodes } from "./help.ts";
import { nothing, wordsOf } from "./offer.ts";

const shells = Object.keys(completionScripts) as (keyof typeof completionScripts)[]; // The table's keys.

/** `mqttd completions`: a shell's completion of mqttd. */
export function completionsCommand(): CliCommand {
  const command = declareCompletions();
  return {
    command,
    rules: { positionals: 1, hintFor: () => "it takes one shell" },
    help: commandPage(command, {
      about:
        "Prints the completion of mqttd for a shell: commands, verbs, flags and their values, keys of " +
        "--set, ids of scenarios and statements, and the client ids that the running broker knows. " +
        "It asks mqttd at each Tab, so it need not be made again after an upgrade.",
      sections: [
        {
          title: "To keep it",
          rows: [
            ["bash", "add to ~/.bashrc: source <(mqttd completions bash)"],
            [
              "zsh",
              "add to ~/.zshrc, behind compinit: source <(mqttd completions zsh); or save it as _mqttd " +
                "in a folder of fpath",
            ],
            ["fish", "mqttd completions fish > ~/.config/fish/completions/mqttd.fish"],
          ],
        },
        exitCodes(["0", "2", "70", "130, 143"], { "0": "done", "2": "usage" }),
      ],
    }),
    completion: { word: (before) => (before.length === 0 ? wordsOf(shells) : nothing) },
    run: runCompletions,
  };
}

function declareCompletions(): Command {
  return declare("completions", "completion for bash, zsh or fish")
    .usage("completions bash|zsh|fish")
    .option("-h, --help", "show this help")
    .example("mqttd completions bash")
    .example("mqttd completions zsh");
}

async function runCompletions(given: Arguments, { print, env }: Surroundings): Promise<number> {
  const [named] = given.positionals;
  const shell = shells.find((known) => known === named);
  if (shell !== undefined) {
    print(completionScripts[shell]);
    return 0;
  }
  if (named === undefined) {
    const own = shells.find((known) => env["SHELL"]?.endsWith(`/${known}`)) ?? "bash";
    throw usageError("completions: the shell is missing", `mqttd completions ${own}`);
  }
  const meant = nearest(named, shells);
  throw usageError(
    `completions: found ${quoted(named)}, allowed: ${shells.join(", ")}`,
    meant === null ? null : `did you mean ${meant}?`,
  );
}
