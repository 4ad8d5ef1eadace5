import { usageError } from "../config/cli-error.ts";
import { PropertyFlags } from "../talk/properties.ts";
import type { Arguments } from "./arguments.ts";
import { topicFrom } from "./client-flags.ts";
import { type CliCommand, declare, type Surroundings } from "./command.ts";
import { commandPage } from "./help.ts";
import { passwordHelp } from "./login.ts";
import {
  declarePrintFlags,
  declarePublishFlags,
  declareTalkFlags,
  printFrom,
  publishFrom,
  secondsFrom,
  sourceFrom,
  talkRules,
} from "./talk-flags.ts";
import { formats, talkExitCodes, willTest } from "./talk-help.ts";
import { talkCompletion, talkLogin, talkRequest } from "./talk-request.ts";

/** `mqttd rr`: sends a request, and prints its response. */
export function rrCommand(): CliCommand {
  const own = declarePublishFlags(
    declare("rr", "send a request, and print its response").usage(
      "rr -t TOPIC -e TOPIC PAYLOAD-FLAG [FLAGS]",
    ),
  )
    .option("-e, --response-topic <TOPIC>", "topic on which the response comes")
    .option("-r, --retain", "the broker retains the request")
    .option("-W, --timeout <SECONDS>", "wait so long for the response, else exit code 5");
  const command = declareTalkFlags(declarePrintFlags(own))
    .option("--help", "show this help; -h without a host does too")
    .example("mqttd rr -t dev-42/ask -e dev-42/answer -m status")
    .example("mqttd rr -t dev-42/ask -e dev-42/answer -m status -W 5 -v");
  return {
    command,
    rules: talkRules,
    help: commandPage(command, {
      about:
        "Subscribes to the response's topic, publishes the request with that topic as its Response " +
        "Topic (MQTT 5; with -V 3.1.1 without), and prints the first message that comes, with the " +
        "flags of mosquitto_rr.",
      sections: [formats, willTest, passwordHelp, talkExitCodes("rr")],
    }),
    completion: talkCompletion,
    run: runRr,
  };
}

async function runRr(given: Arguments, surroundings: Surroundings): Promise<number> {
  const responseTopic = topicFrom(given, "response-topic");
  if (responseTopic === null) {
    throw usageError("no topic for the response", "give one: -e TOPIC");
  }
  const source = sourceFrom(given, false);
  const login = await talkLogin(given, source, surroundings);
  const flags = new PropertyFlags(given.all("property"));
  const shared = talkRequest(
    given,
    login,
    surroundings.readFile,
    { name: "rr", version: 5 },
    flags,
  );
  const properties = shared.version === 5 ? { responseTopic, ...flags.of("publish") } : undefined;
  const request = {
    ...shared,
    ...publishFrom(given, properties),
    ...printFrom(given),
    source,
    responseTopic,
    timeoutMs: secondsFrom(given, "timeout", 2_000_000),
    noRetained: given.has("no-retained"),
  };
  const { requestResponse } = await surroundings.loadTalk();
  return requestResponse(request, surroundings);
}
