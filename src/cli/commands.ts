import type { CliCommand } from "./command.ts";
import { padded, width } from "../log/columns.ts";
import { helpTopics } from "./help-topics.ts";
import { exitCodeTexts, type HelpPage, type HelpRow, statements } from "./help.ts";

/** One command in the list; `load` imports its file when it is called. */
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
    summary: "query a running broker: why did this will (not) fire?",
    load: async () => (await import("./inspect.ts")).inspectCommand(),
  },
  {
    group: "Look",
    name: "rule",
    summary: "what a statement of the standard says, and where mqttd obeys it",
    load: async () => (await import("./rule.ts")).ruleCommand(),
  },
  {
    group: "Break",
    name: "simulate-drop",
    summary: "simulate a client's death on any broker, and judge the broker",
    load: async () => (await import("./simulate-drop.ts")).simulateDropCommand(),
  },
  {
    group: "Talk",
    name: "pub",
    summary: "publish messages: from arguments, files or standard input",
    load: async () => (await import("./pub.ts")).pubCommand(),
  },
  {
    group: "Talk",
    name: "sub",
    summary: "subscribe to topics, and print the messages",
    load: async () => (await import("./sub.ts")).subCommand(),
  },
  {
    group: "Talk",
    name: "rr",
    summary: "send a request, and print its response",
    load: async () => (await import("./rr.ts")).rrCommand(),
  },
  {
    group: "Measure",
    name: "bench",
    summary: "measure any broker under load, and what its other clients notice",
    load: async () => (await import("./bench.ts")).benchCommand(),
  },
  {
    group: "Set up",
    name: "config",
    summary: "write, check, print a configuration; translate a mosquitto.conf",
    load: async () => (await import("./config.ts")).configCommand(),
  },
  {
    group: "Set up",
    name: "passwd",
    summary: "accounts: add, change, delete, list",
    load: async () => (await import("./passwd.ts")).passwdCommand(),
  },
  {
    group: "Set up",
    name: "certs",
    summary: "a CA for development, and certificates of the server and clients",
    load: async () => (await import("./certs.ts")).certsCommand(),
  },
  {
    group: "Set up",
    name: "doctor",
    summary: "what on this machine keeps a broker or its clients from working",
    load: async () => (await import("./doctor.ts")).doctorCommand(),
  },
  {
    group: "Set up",
    name: "version",
    summary: "version, runtime, target and features",
    load: async () => (await import("./version-command.ts")).versionCommand(),
  },
  {
    group: "Set up",
    name: "completions",
    summary: "completion for bash, zsh or fish",
    load: async () => (await import("./completions.ts")).completionsCommand(),
  },
  {
    group: "Set up",
    name: "man",
    summary: "write the manual pages",
    load: async () => (await import("./man.ts")).manCommand(),
  },
];

/** Commands of mqttd itself and its completions; no help lists them, no hint names them. */
export const hiddenCommands: readonly Pick<ListedCommand, "name" | "load">[] = [
  {
    name: "drop-client",
    load: async () => (await import("./drop-client.ts")).dropClientCommand(),
  },
  {
    name: "drop-guard",
    load: async () => (await import("./drop-guard.ts")).dropGuardCommand(),
  },
  {
    name: "bench-part",
    load: async () => (await import("./bench-part.ts")).benchPartCommand(),
  },
  {
    name: "complete",
    load: async () => (await import("./complete.ts")).completeCommand(),
  },
];

/** What `mqttd --help` prints. */
export function programHelp(): HelpPage {
  const groups = [...new Set(commands.map(({ group }) => group))];
  return {
    usage: "COMMAND [FLAGS]",
    about:
      "An MQTT 3.1, 3.1.1 and 5.0 broker for a dev laptop: its keepalives and wills are exact, and it " +
      "explains each of them.",
    sections: [
      ...groups.map((title) => ({
        title,
        rows: commands
          .filter(({ group }) => group === title)
          .map(({ name, summary }): HelpRow => [padded(name, nameWidth), summary]),
      })),
      {
        title: "Help on",
        rows: helpTopics.map(({ name, summary }): HelpRow => [padded(name, nameWidth), summary]),
      },
      {
        title: "Flags",
        rows: [
          ["-h, --help", "show this help; for a command: mqttd help COMMAND"],
          ["    --version", "show the version"],
        ],
      },
      { title: "Exit codes", rows: Object.entries(exitCodeTexts) },
      statements,
      {
        title: "Examples",
        commands: [
          "mqttd serve",
          "mqttd serve --port 1884 --verbose",
          "mqttd simulate-drop --embedded",
          "mqttd inspect explain dev-42",
          "mqttd help serve",
        ],
      },
    ],
  };
}

const nameWidth = Math.max(...commands.map(({ name }) => width(name)));
