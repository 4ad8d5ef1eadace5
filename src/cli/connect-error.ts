import { NoAnswer, Refused, InvalidAnswer } from "../client/client.ts";
import { DialError } from "../client/dial-error.ts";
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
    return new CliError(message, { exitCode: 4, hint: listenerHint(target) });
  }
  if (error instanceof NoAnswer) {
    if (!error.isClosed) {
      const message = `${where} accepts connections but does not answer: ${error.message}`;
      return new CliError(message, { exitCode: 5, hint: "is it an MQTT broker?" });
    }
    const message = `${where}: ${clause(error.message)}`;
    const isCertificate = /TLS alert ".*certificate/.test(error.message);
    const hint = isCertificate ? clientHint(target) : listenerHint(target);
    return new CliError(message, { exitCode: 3, hint });
  }
  if (!(error instanceof DialError)) return null;
  const hint = error.code === "ECONNREFUSED" ? hintForNobody : handshakeHint(error, target);
  return new CliError(dialText(error, target), { exitCode: 3, hint });
}

function dialText({ code, message }: DialError, target: Target): string {
  const where = targetText(target);
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens on ${where}`;
    case "ENOENT":
      return target.transport === "unix" ? `${where}: there is no such socket` : message;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host ${clause(target.host)}`;
    default:
      return isHandshake(code)
        ? `${where}: ${clause(message)}`
        : `${where} can't be reached: ${clause(message)}`;
  }
}

function isHandshake(code: string): boolean {
  return code.startsWith("TLS_");
}

/** The fix for a handshake that failed; null: none is known. */
function handshakeHint({ code }: DialError, target: Target): string | null {
  const { host, port, tls } = target;
  switch (code) {
    case "TLS_ISSUER":
      return (tls?.ca ?? null) === null
        ? "trust its CA with --cafile FILE; for a test without: --insecure"
        : "it is another CA than that of --cafile";
    case "TLS_NAME":
      return "name the broker as the certificate does, or --tls-server-name NAME, or --insecure";
    case "TLS_DATE":
      return "renew it, and look at the clocks; for a test as it is: --insecure";
    case "TLS_CLIENT":
      return clientHint(target);
    case "TLS_NONE":
      return target.transport === "wss"
        ? `is it a port without TLS? ws://${host}:${port}`
        : `is it a port without TLS? mqtt://${host}:${port}`;
    default:
      return null;
  }
}

function clientHint({ tls }: Target): string {
  return (tls?.cert ?? null) === null
    ? "the broker wants a client certificate: --cert FILE --key FILE"
    : "it does not accept the certificate of --cert";
}

function listenerHint({ transport }: Target): string {
  return transport === "tcp"
    ? "is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://"
    : "is it an MQTT listener?";
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
