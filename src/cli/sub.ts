import { usageError } from "../config/cli-error.ts";
import { quoted } from "../config/problem.ts";
import { PropertyFlags } from "../talk/properties.ts";
import type { Arguments } from "./arguments.ts";
import { numberFrom } from "./client-flags.ts";
import { type CliCommand, declare, type Surroundings } from "./command.ts";
import { commandPage } from "./help.ts";
import { loginFrom, passwordHelp } from "./login.ts";
import {
  declarePrintFlags,
  declareTalkFlags,
  filtersFrom,
  printFrom,
  qosFrom,
  secondsFrom,
  talkRules,
  topicOfUrl,
} from "./talk-flags.ts";
import { formats, talkExitCodes, willTest } from "./talk-help.ts";
import { talkCompletion, talkRequest } from "./talk-request.ts";

/** `mqttd sub`: subscribes, and prints the messages. */
export function subCommand(): CliCommand {
  const own = declare("sub", "subscribe to topics, and print the messages")
    .usage("sub -t FILTER [FLAGS]")
    .option("-t, --topic <FILTER>", "subscribe to this topic filter (repeatable)", { type: [] })
    .option("-q, --qos <QOS>", "of the subscriptions: 0, 1 or 2 (default 0)")
    .option("-C, --count <N>", "end after N messages")
    .option("-W, --timeout <SECONDS>", "end so long after the connection, with exit code 5")
    .option("-E, --exit-subscribed", "end when the broker has acknowledged the subscriptions")
    .option("-T, --filter-out <FILTER>", "print no messages on these topics (repeatable)", {
      type: [],
    })
    .option("-U, --unsubscribe <FILTER>", "unsubscribe from this filter (repeatable)", {
      type: [],
    })
    .option("--retained-only", "print retained messages alone, and end at the first other one")
    .option("--remove-retained", "delete the retained messages that arrive")
    .option("--retain-as-published", "keep the RETAIN flag of the publisher (MQTT 5)")
    .option("--random-filter <PERCENT>", "print so many of a hundred messages, by chance");
  const command = declareTalkFlags(declarePrintFlags(own))
    .option("--help", "show this help; -h without a host does too")
    .example("mqttd sub -t 'home/#' -v")
    .example("mqttd sub -t 'home/#' -F '@H:@M %t %p' -R")
    .example("mqttd sub -t home/lamp -C 1 -W 5")
    .example(
      "mqttd sub -t x -i dev-42 --will-topic home/dev-42/status --will-payload offline --no-disconnect",
    );
  return {
    command,
    rules: talkRules,
    help: commandPage(command, {
      about:
        "Subscribes at any broker (by TCP, TLS, WebSocket or a unix socket) and prints the messages, with " +
        "the flags of mosquitto_sub, until Ctrl-C. A lost connection is opened again.",
      sections: [formats, willTest, passwordHelp, talkExitCodes("sub")],
    }),
    completion: talkCompletion,
    run: runSub,
  };
}

async function runSub(given: Arguments, surroundings: Surroundings): Promise<number> {
  const ofUrl = topicOfUrl(given);
  const filters = [...filtersFrom(given, "topic"), ...(ofUrl === null ? [] : [ofUrl])];
  const unsubscribes = filtersFrom(given, "unsubscribe");
  if (filters.length === 0 && unsubscribes.length === 0) {
    throw usageError("no topic filter to subscribe to", "give one: -t FILTER, or -t '#' for all");
  }
  if (given.has("no-retained") && given.has("retained-only")) {
    throw usageError("--no-retained and --retained-only leave no message", "give one of them");
  }
  const login = await loginFrom(given, surroundings);
  const properties = new PropertyFlags(given.all("property"));
  const request = {
    ...talkRequest(given, login, surroundings.readFile, { name: "sub", version: 4 }, properties),
    ...printFrom(given),
    filters,
    qos: qosFrom(given, "qos") ?? 0,
    retainAsPublished: given.has("retain-as-published"),
    subscribeProperties: properties.of("subscribe"),
    unsubscribes,
    unsubscribeProperties: properties.of("unsubscribe"),
    filterOut: filtersFrom(given, "filter-out"),
    count: numberFrom(given, "count", [1, 2_147_483_647], "a number of messages"),
    timeoutMs: secondsFrom(given, "timeout", 2_000_000),
    noRetained: given.has("no-retained"),
    retainedOnly: given.has("retained-only"),
    removesRetained: given.has("remove-retained"),
    endsSubscribed: given.has("exit-subscribed"),
    share: shareFrom(given),
  };
  const { subscribeTo } = await surroundings.loadTalk();
  return subscribeTo(request, surroundings);
}

function shareFrom(given: Arguments): number {
  const written = given.text("random-filter");
  if (written === null) return 1;
  const percent = /^\d{1,3}(?:\.\d+)?$/.test(written) ? Number(written) : Number.NaN;
  if (percent > 0 && percent <= 100) return percent / 100;
  throw usageError(`--random-filter: found ${quoted(written)}, allowed: above 0 up to 100`);
}
