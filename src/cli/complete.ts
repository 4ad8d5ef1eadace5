import { declare, type CliCommand, type Surroundings } from "./command.ts";
import type { Arguments } from "./arguments.ts";
import { offerFor } from "./cursor.ts";
import { commandPage } from "./help.ts";
import type { Offer } from "./offer.ts";

/** `mqttd complete -- WORD...`: what the functions of `mqttd completions` ask at each Tab. */
export function completeCommand(): CliCommand {
  const command = declare("complete", "what may stand at the cursor")
    .usage("complete -- WORD...")
    .option("-h, --help", "show this help");
  return {
    command,
    rules: { positionals: Infinity },
    help: commandPage(command, {
      about: "Prints what a shell may offer for the last WORD. The words are those behind mqttd.",
      sections: [],
    }),
    run: runComplete,
  };
}

async function runComplete({ positionals }: Arguments, surroundings: Surroundings) {
  surroundings.print(offerText(await offerFor(positionals, surroundings)));
  return 0;
}

/** The kind in a line, then each word in one of its own, with what it is behind a tab. */
function offerText(offer: Offer): string {
  if (offer.kind !== "words") return `${offer.kind}\n`;
  const lines = offer.words.map(({ value, about }) =>
    about === "" ? value : `${value}\t${about}`,
  );
  return ["words", ...lines].map((line) => `${line}\n`).join("");
}
