import pc from "picocolors";
import { usageError } from "../config/cli-error.ts";
import { quoted } from "../config/problem.ts";
import { addressOf } from "../inspect/broker-address.ts";
import { BrokerClient } from "../inspect/broker-client.ts";
import type { ViewStyle } from "../inspect/table.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import { type ColorChoice, usesColor } from "./color.ts";
import { type CliCommand, type Command, declare, flagsOf, type Surroundings } from "./command.ts";
import { exitCodes, table, wrap } from "./help.ts";
import { orderOf } from "./inspect-order.ts";
import type { Output } from "./inspect-output.ts";
import { inspectPacket } from "./inspect-packet.ts";
import { formOf, type Verb, verbOf, verbs } from "./inspect-verbs.ts";

/** `mqttd inspect`: what a running broker knows. */
export function inspectCommand(): CliCommand {
  const command = declareInspect();
  return {
    command,
    rules: { positionals: Infinity },
    help: {
      about:
        "Asks the broker that runs on this machine, or the one that --admin names. Without a VERB: " +
        "one screen about it.",
      sections: [
        {
          title: "Verbs",
          lines: table(
            (Object.keys(verbs) as Verb[]) // The keys of the table.
              .filter((verb) => verb !== "")
              .map((verb) => [formOf(verb), verbs[verb].text]),
          ),
        },
        {
          title: "Which broker",
          lines: wrap(
            "--admin, else MQTTD_ADMIN, else the one that has left word of itself in MQTTD_RUN_DIR " +
              "(default: a folder of this user). Its token: --token-file, else MQTTD_TOKEN_FILE, " +
              "else the file that the broker named.",
            2,
          ).split("\n"),
        },
        exitCodes(["0", "1", "2", "3", "4", "5", "70", "130, 143"], {
          "1": "the will's fate was another one; nothing to kick or drop",
          "2": "usage, or there is no such client",
          "3": "no broker, or it was gone before the end",
        }),
      ],
    },
    run: async (given, surroundings) => runInspect(command, given, surroundings),
  };
}

function declareInspect(): Command {
  return declare("inspect", "ask a running broker: why did this will (not) fire?")
    .usage("inspect [VERB] [FLAGS]")
    .option("--admin <WHERE>", "port or URL of the broker's administration")
    .option("--token-file <FILE>", "file with its token, where it needs one")
    .option("--timeout <TIME>", "how long an answer may take (default 5s)")
    .option("--client <ID>", "wills, tail: of this client only")
    .option("--topic <TOPIC>", "wills: on this topic; tail: that match this filter")
    .option("--event <NAME>", "tail: events of this name only")
    .option("--pending", "wills: armed or delayed")
    .option("--fired", "wills: published")
    .option("--not-fired", "wills: discarded or cancelled")
    .option("--wait <TIME>", "wills: wait until the newest has met its fate")
    .option("--expect <FATE>", "wills: published, discarded or cancelled; else exit code 1")
    .option("--limit <N>", "lists: so many lines (default: all that the broker gives)")
    .option("--how <HOW>", "drop: rst or silent (default rst)")
    .option("-V, --protocol <VERSION>", "packet: 5, 3.1.1 or 3.1 (default: by the bytes)")
    .option("--from <SENDER>", "packet: client or server (default: whoever may send it)")
    .option("--json", "as JSON: the broker's answer on one line; tail: a line an event")
    .option("--color <WHEN>", "auto, always or never (default auto)")
    .option("-h, --help", "show this help")
    .example("mqttd inspect")
    .example("mqttd inspect explain dev-42")
    .example("mqttd inspect packet c0 00")
    .example("mqttd inspect wills --client dev-42 --wait 5s --expect published");
}

async function runInspect(
  command: Command,
  given: Arguments,
  surroundings: Surroundings,
): Promise<number> {
  const { verb, word } = verbOf(
    given,
    flagsOf(command).map(({ name }) => name),
  );
  const color = colorOf(given);
  const screen = surroundings.screen("stdout");
  const style: ViewStyle = {
    columns: screen?.columns ?? Infinity,
    colors: pc.createColors(usesColor(color, surroundings.env, screen !== null)),
    zone: "local",
  };
  const output: Output = { json: given.has("json"), style, surroundings };
  if (verb === "packet") return inspectPacket(word ?? "", given, output);
  const order = orderOf(verb, word, given);
  const named = {
    admin: given.text("admin"),
    tokenFile: given.text("token-file"),
    env: surroundings.env,
  };
  const timeoutMs = durationFrom(given, "timeout", timeoutMaxMs) ?? timeoutDefaultMs;
  return order(new BrokerClient(await addressOf(named), timeoutMs), output);
}

const timeoutDefaultMs = 5000;
const timeoutMaxMs = 10 * 60_000;

function colorOf(given: Arguments): ColorChoice {
  const when = given.text("color") ?? "auto";
  if (when === "auto" || when === "always" || when === "never") return when;
  throw usageError(`--color: found ${quoted(when)}, allowed: auto, always or never`);
}
