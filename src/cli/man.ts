import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { usageError } from "../config/cli-error.ts";
import { systemErrorText } from "../log/system-error.ts";
import type { Arguments } from "./arguments.ts";
import { type CliCommand, declare, type Surroundings } from "./command.ts";
import { commands, programHelp } from "./commands.ts";
import { helpTopics, topicPage } from "./help-topics.ts";
import { commandPage, exitCodes } from "./help.ts";
import { type ManPage, manText } from "./man-page.ts";
import { folders } from "./offer.ts";

/** `mqttd man DIR`: writes the manual pages, of the same declarations as the help. For packages. */
export function manCommand(): CliCommand {
  const command = declare("man", "write the manual pages")
    .usage("man DIR")
    .option("-h, --help", "show this help")
    .example("mqttd man dist/man")
    .example("SOURCE_DATE_EPOCH=0 mqttd man dist/man");
  return {
    command,
    rules: { positionals: 1 },
    help: commandPage(command, {
      about:
        "Writes the manual pages into a folder, which it creates: mqttd.1, a page for each command " +
        "and each verb, and mqttd-codes.7 and mqttd-errors.7. SOURCE_DATE_EPOCH sets their date.",
      sections: [exitCodes(["0", "2", "70", "130, 143"], { "0": "done" })],
    }),
    completion: { word: () => folders },
    run: runMan,
  };
}

async function runMan(given: Arguments, { print, env, version }: Surroundings): Promise<number> {
  const [folder] = given.positionals;
  if (folder === undefined || folder === "")
    throw usageError("man: the folder is missing", "man DIR");
  const epoch = env["SOURCE_DATE_EPOCH"];
  const time = epoch === undefined || !/^\d{1,11}$/.test(epoch) ? Date.now() : Number(epoch) * 1000;
  const date = new Date(time).toISOString().slice(0, 10);
  const pages = await manPages();
  try {
    mkdirSync(folder, { recursive: true });
    for (const page of pages) {
      const file = path.join(folder, `${page.name}.${page.section}`);
      writeFileSync(file, manText(page, version.version, date));
    }
  } catch (error) {
    throw usageError(`man: can't write to ${folder}: ${systemErrorText(error)}`);
  }
  print(`${pages.length} manual pages in ${folder}\n`);
  return 0;
}

/** Of the program, of each command, of each verb, and of each topic of the help. */
export async function manPages(): Promise<ManPage[]> {
  const topics = helpTopics.map((topic): ManPage => ({
    ...{ name: `mqttd-${topic.name}`, section: 7, summary: topic.summary },
    ...{ page: topicPage(topic), seeAlso: ["mqttd(1)"] },
  }));
  const others = [
    ...commands.map(({ name }) => `mqttd-${name}(1)`),
    ...topics.map(({ name }) => `${name}(7)`),
  ];
  const program: ManPage = {
    name: "mqttd",
    section: 1,
    summary: "an MQTT broker whose keepalives and wills are exact, and say why",
    page: programHelp(),
    seeAlso: others,
  };
  const ofCommands = await Promise.all(
    commands.map(async ({ name, summary, load }): Promise<ManPage[]> => {
      const { help, helpOn, verbs = [] } = await load();
      const own = `mqttd-${name}`;
      const ofVerbs = helpOn === undefined ? [] : verbs;
      const verbNames = ofVerbs.map((verb) => `${own}-${verb.name}(1)`);
      return [
        { name: own, section: 1, summary, page: help, seeAlso: ["mqttd(1)", ...verbNames] },
        ...ofVerbs.map(({ name: verb, text }): ManPage => {
          const page = helpOn?.(verb) ?? help;
          return {
            ...{ name: `${own}-${verb}`, section: 1, summary: text, page },
            seeAlso: ["mqttd(1)", `${own}(1)`],
          };
        }),
      ];
    }),
  );
  return [program, ...ofCommands.flat(), ...topics];
}
