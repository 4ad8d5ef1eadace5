import { catalogue } from "../drop/scenarios/catalogue.ts";
import { jsonListing, jsonPortrait, listing, portrait } from "../drop/report/listing.ts";
import type { Arguments } from "./arguments.ts";
import { declareClientFlags, declareWillFlags } from "./client-flags.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { proseMax } from "../log/columns.ts";
import { dropRequest, scenarioNamed } from "./drop-request.ts";
import { loginFrom, passwordHelp } from "./login.ts";
import { described, files, inList, type Offer } from "./offer.ts";
import { declareTransportFlags } from "./transport-flags.ts";
import { commandPage, exitCodes, statements, textColumns } from "./help.ts";

/** `mqttd simulate-drop`: a client dies in every known way, and the command judges the broker. */
export function simulateDropCommand(): CliCommand {
  const command = declareSimulateDrop();
  return {
    command,
    rules: { positionals: Infinity },
    help: commandPage(command, {
      about:
        "Connects a client with a will to any broker (by TCP, TLS, WebSocket or a unix socket), makes " +
        "it die in each known way, and judges the broker: does the will come, when, once, and unchanged? Without an ID the quick set plays: " +
        "within 15 s, or within 65 s where the broker does not end a silent client. Topics and " +
        "client ids are random. What is left on the broker is removed, after Ctrl-C too (a second " +
        "one does not wait).",
      sections: [
        {
          title: "Verdicts",
          rows: [
            ["pass", "as the standard requires"],
            ["FAIL", "violates a statement of the standard (grade must)"],
            ["finding", "wrong, by a grade below must (should, ours)"],
            ["late", "right, but later than the tolerance"],
            [
              "inconclusive",
              "undecided after two more tries, alone, and why: a message was lost without a reason, " +
                "this machine was held up, ...",
            ],
            ["skipped", "does not apply, or the broker denies it by a reason code; and why"],
          ],
          text: [
            "The report is on stdout, progress on stderr; with --json stdout has NDJSON, one object " +
              "for each result and a summary, and the report is on stderr.",
          ],
        },
        passwordHelp,
        exitCodes(["0", "1", "2", "3", "4", "5", "70", "130, 143"], {
          "0": "no FAIL, and no scenario of grade must is undecided",
          "1": "a FAIL; with --strict also a finding or a late will; or every scenario was skipped; with --compare: something got worse",
          "3": "could not connect, or the broker was gone before the end",
          "4": "refused by the broker, or what answers speaks no MQTT",
          "5": "a scenario of grade must is undecided, or the broker does not answer",
        }),
        statements,
      ],
    }),
    completion: {
      word: scenarioOffer,
      values: {
        show: scenarioOffer,
        except: (current) => inList(current, scenarioOffer()),
        compare: () => files,
      },
    },
    run: runSimulateDrop,
  };
}

function scenarioOffer(): Offer {
  return described(catalogue.map(({ id, title }) => [id, title] as const));
}

function declareSimulateDrop(): Command {
  const command = declare("simulate-drop", "play a client's death against any broker")
    .usage("simulate-drop [ID...] [FLAGS]")
    .option("--all", "play every scenario, not the quick set")
    .option("--except <ID>", "leave a scenario out (repeatable, or with commas)", { type: [] })
    .option("--list", "list the scenarios")
    .option("--show <ID>", "describe one: the rule, how brokers get it wrong, commands by hand")
    .option("--embedded", "start a broker of mqttd's own on a free port for the run");
  declareTransportFlags(declareClientFlags(command))
    .option("-i, --id <ID>", "client id of the client that dies (default: random; plays serially)")
    .option("-k, --keepalive <SECONDS>", "its keepalive (default 2)")
    .option("--via <URL>", "play all of it at a second address too, such as a proxy's");
  return declareWillFlags(command)
    .option("--wait <DURATION>", "give up on a will this long after it was due (default 8s)")
    .option("--no-wait", "do not wait up to 60 s to tell a late keepalive deadline from none")
    .option("--tolerance <DURATION>", "later than this is late (default 1s)")
    .option("--denied-topic <TOPIC>", "a topic that the broker denies this client (for acl)")
    .option("--restart-command <COMMAND>", "kills and restarts the broker (for broker-crash)")
    .option("--broker-pid <PID>", "the broker's process on this machine (for broker-freeze)")
    .option("--serial", "one scenario after the other")
    .option("--strict", "findings and late wills are failures too")
    .option("--json", "NDJSON on stdout, the report on stderr")
    .option("--compare <BEFORE> <AFTER>", "play nothing: compare two files that --json wrote")
    .option("--junit <FILE>", "write the results as JUnit XML too")
    .option("--html <FILE>", "write the report as one HTML page too, with time lines")
    .option(
      "--color <WHEN>",
      "auto, always or never (default auto: on a terminal, unless NO_COLOR is set)",
    )
    .option("--help", "show this help; -h without a host does too")
    .example("mqttd simulate-drop --embedded")
    .example("mqttd simulate-drop rst half-open -h localhost -p 1884 --keepalive 5")
    .example("mqttd simulate-drop --all -u ann --pw-file - --junit drops.xml")
    .example("mqttd simulate-drop --url wss://localhost:9001/mqtt --insecure")
    .example("mqttd simulate-drop --all --html drops.html")
    .example("mqttd simulate-drop --show half-open")
    .example("mqttd simulate-drop --compare before.json after.json");
}

async function runSimulateDrop(given: Arguments, surroundings: Surroundings): Promise<number> {
  const columns = Math.min(proseMax, textColumns(surroundings.screen("stdout")));
  const shown = given.text("show");
  if (shown !== null) {
    const scenario = scenarioNamed(shown);
    surroundings.print(given.has("json") ? jsonPortrait(scenario) : portrait(scenario, columns));
    return 0;
  }
  if (given.has("list")) {
    surroundings.print(given.has("json") ? jsonListing(catalogue) : listing(catalogue, columns));
    return 0;
  }
  if (given.has("compare")) {
    const { compareRuns } = await import("./drop-compare.ts");
    return compareRuns(given, surroundings);
  }
  const request = dropRequest(given, await loginFrom(given, surroundings), surroundings.readFile);
  const { simulateDrop } = await surroundings.loadDrop();
  return simulateDrop(request, surroundings);
}
