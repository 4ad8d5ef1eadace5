import type { CliCommand } from "./command.ts";
import { block, exitCodeTexts, page, table, wrap } from "./help.ts";

/** One command as the list of all shows it; its own file is loaded when it is called. */
export interface ListedCommand {
  readonly group: "Run" | "Look" | "Break" | "Talk" | "Measure" | "Set up";
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CliCommand>;
}

/** In the order of the help. */
export const commands: readonly ListedCommand[] = [
  {
    group: "Run",
    name: "serve",
    summary: "run the broker",
    load: async () => (await import("./serve.ts")).serveCommand(),
  },
  {
    group: "Look",
    name: "inspect",
    summary: "ask a running broker: why did this will (not) fire?",
    load: async () => (await import("./inspect.ts")).inspectCommand(),
  },
  {
    group: "Break",
    name: "simulate-drop",
    summary: "play a client's death against any broker, and judge the broker",
    load: async () => (await import("./simulate-drop.ts")).simulateDropCommand(),
  },
];

/** What mqttd starts itself; no help lists it, and no hint leads to it. */
export const hiddenCommands: readonly Pick<ListedCommand, "name" | "load">[] = [
  {
    name: "drop-client",
    load: async () => (await import("./drop-client.ts")).dropClientCommand(),
  },
];

/** What `mqttd --help` prints. */
export function programHelp(): string {
  const groups = [...new Set(commands.map(({ group }) => group))];
  const width = Math.max(...commands.map(({ name }) => name.length));
  return page([
    "Usage: mqttd COMMAND [FLAGS]",
    wrap(
      "An MQTT 3.1.1 and 5.0 broker for a dev laptop: its keepalives and wills are exact, and it " +
        "says why.",
      0,
    ),
    ...groups.map((title) =>
      block({
        title,
        lines: table(
          commands
            .filter(({ group }) => group === title)
            .map(({ name, summary }) => [name.padEnd(width), summary]),
        ),
      }),
    ),
    block({
      title: "Flags",
      lines: table([
        ["-h, --help", "show this help; mqttd help COMMAND shows that of a command"],
        ["    --version", "show the version"],
      ]),
    }),
    block({ title: "Exit codes", lines: table(Object.entries(exitCodeTexts)) }),
    block({
      title: "Examples",
      lines: [
        "mqttd serve",
        "mqttd serve --port 1884 --verbose",
        "mqttd simulate-drop --embedded",
        "mqttd inspect explain dev-42",
        "mqttd help serve",
      ],
    }),
  ]);
}
