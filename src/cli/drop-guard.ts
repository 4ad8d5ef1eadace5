import { usageError } from "../config/cli-error.ts";
import { runGuard } from "../drop/lab/guard-program.ts";
import { type CliCommand, declare } from "./command.ts";
import { commandPage } from "./help.ts";

/** `mqttd drop-guard`, which no help lists: stops a broker for simulate-drop, and continues it. */
export function dropGuardCommand(): CliCommand {
  const command = declare("drop-guard", "stops a broker for simulate-drop, and continues it")
    .usage("drop-guard")
    .option("-h, --help", "show this help");
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "Started by mqttd simulate-drop broker-freeze: it reads its order from stdin, stops that process " +
        "and continues it when the time is over or stdin ends.",
      sections: [],
    }),
    run: async (_, { print }) => {
      const code = await runGuard(process.stdin, print);
      if (code === 0) return code;
      throw usageError("drop-guard: no order on stdin", "mqttd simulate-drop starts it");
    },
  };
}
