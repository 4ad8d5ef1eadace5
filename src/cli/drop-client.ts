import { usageError } from "../config/cli-error.ts";
import { runChildClient } from "../drop/lab/child-program.ts";
import { type CliCommand, declare } from "./command.ts";
import { commandPage } from "./help.ts";

/** `mqttd drop-client`, which no help lists: a client as a process of its own, for simulate-drop. */
export function dropClientCommand(): CliCommand {
  const command = declare("drop-client", "a client that simulate-drop starts, to kill it")
    .usage("drop-client")
    .option("-h, --help", "show this help");
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "Started by mqttd simulate-drop, which kills or stops it: it reads its order from stdin, and " +
        "ends when that ends.",
      sections: [],
    }),
    run: async (_, { print }) => {
      const code = await runChildClient(process.stdin, print);
      if (code === 0) return code;
      throw usageError("drop-client: no order on stdin", "it is started by mqttd simulate-drop");
    },
  };
}
