import { usageError } from "../config/cli-error.ts";
import { runChildClient } from "../drop/lab/child-program.ts";
import { type CliCommand, declare } from "./command.ts";
import { commandPage } from "./help.ts";

/** `mqttd drop-client`, which no help lists: simulate-drop's client in a process of its own. */
export function dropClientCommand(): CliCommand {
  const command = declare("drop-client", "a client that simulate-drop starts, to kill it")
    .usage("drop-client")
    .option("-h, --help", "show this help");
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "mqttd simulate-drop starts this client to kill or stop it. It reads its order from stdin and " +
        "exits when stdin closes.",
      sections: [],
    }),
    run: async (_, { print }) => {
      const code = await runChildClient(process.stdin, print);
      if (code === 0) return code;
      throw usageError("drop-client: no order on stdin", "mqttd simulate-drop starts it");
    },
  };
}
