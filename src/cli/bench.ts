import { rows } from "../load/loads/rows.ts";
import { groups } from "../load/row.ts";
import { rowListing } from "../load/report/listing.ts";
import type { Arguments } from "./arguments.ts";
import { benchDefaults, benchRequest } from "./bench-request.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { commandPage, exitCodes, type HelpRow, textColumns } from "./help.ts";
import { declareLoginFlags, loginFrom, passwordHelp } from "./login.ts";
import { declareTransportFlags } from "./transport-flags.ts";
import { described, inList, type Offer } from "./offer.ts";

/** `mqttd bench`: measures brokers, and what honest clients notice of the load. */
export function benchCommand(): CliCommand {
  const command = declareBench();
  return {
    command,
    rules: {
      hintFor: (word) =>
        /^\w+:\/\//.test(word) ? `for a broker: --url ${word}` : `for a row: --rows ${word}`,
    },
    help: commandPage(command, {
      about:
        "Measures brokers beside each other, in one run that alternates: messages and connections a " +
        "second, how late wills are, memory. Beside each load honest clients measure their ping, the " +
        "lateness of wills, and whether any of them is ended (the bystander). Without a broker it " +
        "measures localhost:1883; the first broker named is the one to which the others are compared. " +
        "Without --rows the short set plays, in less than a minute for one broker.",
      sections: [
        {
          title: "Groups of rows",
          rows: [
            ...Object.entries(groups).map(([name, text]): HelpRow => [name, text]),
            ["short", "the default"],
            ["all", "every row"],
          ],
          text: ["mqttd bench --list shows the rows of each group."],
        },
        {
          title: "Commands",
          text: [
            "sh starts COMMAND anew for each run, with {port} replaced by a free port and {folder} by a " +
              "folder for its files. Rows over TLS and WebSocket need a COMMAND with {transport}, which is " +
              "replaced by tcp, tls, ws or wss; {folder} then has ca.crt, server.crt and server.key, for " +
              "localhost.",
          ],
        },
        passwordHelp,
        exitCodes(["0", "1", "2", "3", "4", "5", "70", "130, 143"], {
          "0": "measured",
          "1": "a run was invalid: a message was lost, a client was ended, a broker did not start",
          "5": "the broker does not answer, or --within ended before all runs were played",
          "130, 143": "ended by SIGINT, SIGTERM; what was measured is reported",
        }),
      ],
    }),
    completion: {
      values: {
        rows: (current) => inList(current, rowOffer()),
        except: (current) => inList(current, rowOffer()),
      },
    },
    run,
  };
}

function rowOffer(): Offer {
  return described([
    ...rows.map(({ name, title }) => [name, title] as const),
    ...Object.entries(groups),
    ["short", "the short set"],
    ["all", "every row"],
  ]);
}

function declareBench(): Command {
  const { seconds, runs } = benchDefaults;
  const command = declare("bench", "measure any broker: speed, wills, memory, a bystander")
    .usage("bench [FLAGS]")
    .option(
      "-L, --url <URL>",
      "a broker that runs: mqtt[s]://user:password@host:port, ws[s]://, or NAME=URL",
      {
        type: [],
      },
    )
    .option("-h, --host <HOST>", "the broker's host (default localhost)")
    .option("-p, --port <PORT>", "its port (default 1883)");
  declareTransportFlags(declareLoginFlags(command))
    .option(
      "--command <COMMAND>",
      "a broker to start, or NAME=COMMAND; {port} is its port (see Commands)",
      {
        type: [],
      },
    )
    .option("--embedded", "start mqttd itself, with defaults")
    .option("-r, --rows <NAME>", "rows or groups to play (repeatable, or with commas)", {
      type: [],
    })
    .option("--except <NAME>", "rows or groups to leave out (repeatable, or with commas)", {
      type: [],
    })
    .option("--list", "list the rows")
    .option("--runs <N>", `runs of each row; medians are reported (default ${runs})`)
    .option("--seconds <N>", `how long a load without an end of its own runs (default ${seconds})`)
    .option("-V, --protocol <VERSION>", "5 or 3.1.1 (default 3.1.1)")
    .option("--no-bystander", "play the load alone")
    .option("--broker-pid <PID>", "the process of a broker given by --url, for CPU and memory")
    .option("--remote", "allow a broker on another machine; make sure that it is yours")
    .option("--data <FILE>", "keep the figures in this file, and go on where it ends")
    .option("--within <DURATION>", "begin no run after this time, for example 30m")
    .option("--json", "NDJSON on stdout, the report on stderr")
    .option("--help", "show this help; -h without a host does too");
  return command
    .example("mqttd bench --embedded")
    .example("mqttd bench --url mqtt://localhost:1883 --rows holdups --seconds 5")
    .example(
      "mqttd bench --command 'mosquitto -p {port}' --embedded --rows pairs-qos1 --runs 3 --json",
    );
}

async function run(given: Arguments, surroundings: Surroundings): Promise<number> {
  if (given.has("list")) {
    const columns = textColumns(surroundings.screen("stdout"));
    surroundings.print(rowListing(rows, { columns, json: given.has("json") }));
    return 0;
  }
  const request = benchRequest(given, await loginFrom(given, surroundings), surroundings.readFile);
  const { runBench } = await surroundings.loadBench();
  return runBench(request, surroundings);
}
