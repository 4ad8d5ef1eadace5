import { usageError } from "../config/cli-error.ts";
import { partCommand, runPart } from "../load/part.ts";
import { type CliCommand, declare } from "./command.ts";
import { commandPage } from "./help.ts";

/** `mqttd bench-part`, which no help lists: one process of the bench. */
export function benchPartCommand(): CliCommand {
  const command = declare(partCommand, "a process of mqttd bench")
    .usage(partCommand)
    .option("-h, --help", "show this help");
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "mqttd bench starts this process for its load, its bystander, its echo server, and for each " +
        "broker. It reads its order from stdin and exits when stdin closes.",
      sections: [],
    }),
    run: async (_, { print }) => {
      const code = await runPart(process.stdin, print);
      if (code === 0) return code;
      throw usageError(`${partCommand}: no order on stdin`, "mqttd bench starts it");
    },
  };
}
