import { usageError } from "../config/cli-error.ts";
import { PropertyFlags } from "../talk/properties.ts";
import type { Source } from "../talk/request.ts";
import type { Arguments } from "./arguments.ts";
import { numberFrom } from "./client-flags.ts";
import { type CliCommand, declare, type Surroundings } from "./command.ts";
import { commandPage } from "./help.ts";
import { passwordHelp } from "./login.ts";
import {
  declarePublishFlags,
  declareTalkFlags,
  publishFrom,
  secondsFrom,
  sourceFrom,
  talkRules,
} from "./talk-flags.ts";
import { talkExitCodes, willTest } from "./talk-help.ts";
import { talkCompletion, talkLogin, talkRequest } from "./talk-request.ts";

/** `mqttd pub`: publishes messages. */
export function pubCommand(): CliCommand {
  const command = declareTalkFlags(
    declarePublishFlags(
      declare("pub", "publish messages").usage("pub -t TOPIC PAYLOAD-FLAG [FLAGS]"),
    )
      .option("-l, --stdin-line", "each line of standard input is a message")
      .option("-r, --retain", "the broker retains the message")
      .option("--repeat <N>", "publish the message N times (not with -l)")
      .option("--repeat-delay <SECONDS>", "wait so long between two of them")
      .option("-M, --max-inflight <N>", "QoS 1 and 2 messages at the same time (default 20)"),
  )
    .option("--help", "show this help; -h without a host does too")
    .example("mqttd pub -t home/lamp -m on")
    .example("mqttd pub -t home/lamp -q 1 -r -f state.json")
    .example("mqttd pub -L mqtt://ann:pw@localhost/log -l < mqttd.log")
    .example("mqttd pub -t home/lamp -m on -D publish user-property from me");
  return {
    command,
    rules: talkRules,
    help: commandPage(command, {
      about:
        "Publishes messages to any broker (by TCP, TLS, WebSocket or a unix socket), with the flags of " +
        "mosquitto_pub. It ends when the broker has acknowledged all of them. A lost connection is " +
        "opened again, and what was not acknowledged is sent again.",
      sections: [willTest, passwordHelp, talkExitCodes("pub")],
    }),
    completion: talkCompletion,
    run: runPub,
  };
}

/** Throws CliError for flags of repetition that nothing would come of. */
function refuseIdleRepeats(given: Arguments, { type }: Source): void {
  const flag = ["repeat", "repeat-delay"].find((name) => given.has(name));
  if (flag !== undefined && type === "lines") {
    throw usageError(`--${flag} is for one message`, "with -l each line is one");
  }
  if (flag === "repeat-delay") throw usageError("--repeat-delay needs --repeat", "--repeat N");
}

async function runPub(given: Arguments, surroundings: Surroundings): Promise<number> {
  const source = sourceFrom(given, true);
  refuseIdleRepeats(given, source);
  const login = await talkLogin(given, source, surroundings);
  const properties = new PropertyFlags(given.all("property"));
  const request = {
    ...talkRequest(given, login, surroundings.readFile, { name: "pub", version: 4 }, properties),
    ...publishFrom(given, properties.of("publish")),
    source,
    repeats:
      source.type === "lines"
        ? 1
        : (numberFrom(given, "repeat", [1, 2_000_000_000], "a number of times") ?? 1),
    repeatDelayMs: secondsFrom(given, "repeat-delay", 86_400) ?? 0,
    inflightMax: numberFrom(given, "max-inflight", [1, 65_000], "a number of messages") ?? 20,
  };
  const { publishMessages } = await surroundings.loadTalk();
  return publishMessages(request, surroundings);
}
