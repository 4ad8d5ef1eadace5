import pc from "picocolors";
import { addressOf, type BrokerAddress } from "../inspect/broker-address.ts";
import { overviewShape } from "../inspect/answers/answer-shape.ts";
import { BrokerClient } from "../inspect/broker-client.ts";
import { storedLines } from "../inspect/views/overview.ts";
import { usageError } from "../config/cli-error.ts";
import type { ViewStyle } from "../inspect/views/table.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import { escapeUnprintable } from "../log/foreign.ts";
import { type ColorChoice, colorFrom, usesColor } from "./color.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { type HelpPage, helpText, textColumns } from "./help.ts";
import { inspectPage, verbPage } from "./inspect-help.ts";
import { orderOf } from "./inspect-order.ts";
import type { Order, Output } from "./inspect-output.ts";
import { watch, watchFrom } from "./inspect-watch.ts";
import { inspectPacket } from "./inspect-packet.ts";
import { inspectCompletion } from "./inspect-completion.ts";
import { flagForms, verbOf, verbs } from "./inspect-verbs.ts";

/** `mqttd inspect`: queries a running broker. */
export function inspectCommand(): CliCommand {
  const command = declareInspect();
  const page = inspectPage(command);
  return {
    command,
    rules: { positionals: Infinity },
    help: page,
    helpOn: verbPage,
    verbs: Object.entries(verbs).flatMap(([name, { text }]) =>
      name === "" ? [] : [{ name, text }],
    ),
    completion: inspectCompletion,
    run: async (given, surroundings) => runInspect(page, given, surroundings),
  };
}

function declareInspect(): Command {
  const command = declare("inspect", "query a running broker: why did this will (not) fire?")
    .usage("inspect [VERB] [FLAGS]")
    .example("mqttd inspect")
    .example("mqttd inspect explain dev-42")
    .example("mqttd inspect packet c0 00")
    .example("mqttd inspect wills --client dev-42 --wait 5s --expect published");
  // Their meaning depends on the verb; the help pages give it.
  for (const form of Object.values(flagForms)) command.option(form, "");
  return command;
}

async function runInspect(
  page: HelpPage,
  given: Arguments,
  surroundings: Surroundings,
): Promise<number> {
  const screen = surroundings.screen("stdout");
  const [first, second] = given.positionals;
  if (first === "help") {
    surroundings.print(
      helpText(second === undefined ? page : verbPage(second), textColumns(screen)),
    );
    return 0;
  }
  const { verb, word } = verbOf(given);
  const color = colorFrom(given);
  const json = given.has("json");
  const outputTo = (print: Surroundings["print"]): Output => ({
    json,
    style: styleOf(color, surroundings),
    surroundings: { ...surroundings, print },
  });
  const output = outputTo(surroundings.print);
  if (verb === "packet") return inspectPacket(word ?? "", given, output);
  const everyMs = watchFrom(given);
  const order = orderOf(verb, word, given);
  const named = {
    admin: given.text("admin"),
    tokenFile: given.text("token-file"),
    caFile: given.text("cafile"),
    env: surroundings.env,
  };
  const timeoutMs = durationFrom(given, "timeout", timeoutMaxMs) ?? timeoutDefaultMs;
  const data = given.text("data");
  const find = async () =>
    new BrokerClient(
      data === null ? await addressOf(named) : await storedAddress(data, given, surroundings),
      timeoutMs,
    );
  const told: Order =
    data === null || saysItself.includes(verb)
      ? order
      : async (client, shown) => {
          await tellStored(client, shown);
          return order(client, shown);
        };
  if (everyMs === null) return told(await find(), output);
  const title = ["mqttd inspect", verb, word ?? ""].filter((part) => part !== "").join(" ");
  return watch({
    everyMs,
    title: escapeUnprintable(title),
    order: told,
    find,
    surroundings,
    outputTo,
  });
}

/** Verbs whose text says that the broker does not run. */
const saysItself: readonly string[] = ["", "explain"];

/** Says that the broker does not run, before a list of what its store has kept. */
async function tellStored(
  client: BrokerClient,
  { json, style, surroundings }: Output,
): Promise<void> {
  if (json) return;
  const lines = storedLines(await client.ask("/v1/overview", overviewShape), style);
  surroundings.print(`${lines.join("\n")}\n`);
}

/** Of a broker that does not run: its store answers. */
async function storedAddress(
  folder: string,
  given: Arguments,
  { loadStoredBroker }: Surroundings,
): Promise<BrokerAddress> {
  if (folder === "") throw usageError('--data: found "", allowed: the name of a folder');
  const excluded = ["admin", "wait"].find((flag) => given.has(flag));
  if (excluded !== undefined) {
    throw usageError(
      `--data reads the store of a broker that does not run; it excludes --${excluded}`,
    );
  }
  const { storedBroker } = await loadStoredBroker();
  return { url: "http://localhost", token: null, tls: null, answer: storedBroker(folder) };
}

/** For the terminal as it is now: its size may change. */
function styleOf(color: ColorChoice, { screen, env }: Surroundings): ViewStyle {
  const terminal = screen("stdout");
  return {
    columns: terminal?.columns ?? Infinity,
    colors: pc.createColors(usesColor(color, env, terminal !== null)),
    zone: "local",
  };
}

const timeoutDefaultMs = 5000;
const timeoutMaxMs = 10 * 60_000;
