import { NoAnswer, Refused, InvalidAnswer } from "../client/client.ts";
import { DialError } from "../client/dial.ts";
import { refusalText } from "../client/refusal.ts";
import { type Target, targetText } from "../client/target.ts";
import { CliError } from "../config/cli-error.ts";
import { clause } from "../log/foreign.ts";

/**
 * A failed connection as text with its exit code: 3 no connection, 4 refused or no MQTT, 5 no
 * answer. Null: an error of another kind.
 */
export function connectError(
  error: unknown,
  target: Target,
  hintForNobody: string | null = null,
): CliError | null {
  const where = targetText(target);
  if (error instanceof Refused) {
    const message = `${where} refused the connection: ${refusalText(error)}`;
    return new CliError(message, { exitCode: 4, hint: refusedHint(error, target) });
  }
  if (error instanceof InvalidAnswer) {
    const message = `${where} does not speak MQTT as a broker does: ${clause(error.detail)}`;
    return new CliError(message, { exitCode: 4, hint: "is it an MQTT listener, without TLS?" });
  }
  if (error instanceof NoAnswer) {
    if (!error.isClosed) {
      const message = `${where} accepts connections but does not answer: ${error.message}`;
      return new CliError(message, { exitCode: 5, hint: "is it an MQTT broker?" });
    }
    const message = `${where}: ${error.message}`;
    return new CliError(message, { exitCode: 3, hint: "is it an MQTT listener, without TLS?" });
  }
  if (!(error instanceof DialError)) return null;
  return new CliError(dialText(error, target), {
    exitCode: 3,
    hint: error.code === "ECONNREFUSED" ? hintForNobody : null,
  });
}

function dialText({ code, message }: DialError, target: Target): string {
  const where = targetText(target);
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens on ${where}`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host ${clause(target.host)}`;
    default:
      return `${where} can't be reached: ${clause(message)}`;
  }
}

function refusedHint({ code }: Refused, { username }: Target): string | null {
  switch (code) {
    case 1:
    case 0x84:
      return "it speaks another version of MQTT: -V";
    case 4:
    case 5:
    case 0x86:
    case 0x87:
      return username === null ? "log in with -u USER -P PASSWORD" : "see -u and -P";
    default:
      return null;
  }
}
