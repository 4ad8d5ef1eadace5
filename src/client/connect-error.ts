import { NoAnswer, Refused, InvalidAnswer } from "./client-error.ts";
import { DialError } from "./dial-error.ts";
import { refusalText } from "./refusal.ts";
import { isAboutCertificate } from "./tls-error.ts";
import { isWebSocket, type Target, targetText } from "./target.ts";
import { CliError } from "../config/cli-error.ts";
import { clause } from "../log/foreign.ts";

/**
 * A failed connection as text with its exit code: 3 no connection, 4 refused or no MQTT, 5 no
 * answer. Null: an error of another kind. `hasWill`: its CONNECT had one, of the user's flags.
 */
export function connectError(
  error: unknown,
  target: Target,
  hintForNobody: string | null = null,
  hasWill = false,
): CliError | null {
  const where = targetText(target);
  if (error instanceof Refused) {
    const message = `${where} refused the connection: ${refusalText(error)}`;
    const hint = (hasWill ? refusedWillHint(error) : null) ?? refusedHint(error, target);
    return new CliError(message, { exitCode: 4, hint });
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
    const will = hasWill ? "; or it refuses the will: try without --will-topic" : "";
    const hint = certificateHint(error.message, target) ?? listenerHint(target) + will;
    return new CliError(message, { exitCode: 3, hint });
  }
  if (!(error instanceof DialError)) return null;
  return new CliError(dialText(error, target), {
    exitCode: error.code === "WS_REFUSED" ? 4 : 3,
    hint: error.code === "ECONNREFUSED" ? hintForNobody : handshakeHint(error, target),
  });
}

function dialText({ code, message }: DialError, target: Target): string {
  const where = targetText(target);
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens on ${where}`;
    case "ENOENT":
      return `there is no socket ${where}`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host ${clause(target.host)}`;
    default:
      return /^(?:TLS|WS)_/.test(code)
        ? `${where}: ${clause(message)}`
        : `${where} can't be reached: ${clause(message)}`;
  }
}

/** The fix for a handshake that failed; null: none is known. */
function handshakeHint({ code, message }: DialError, target: Target): string | null {
  const { transport, tls } = target;
  switch (code) {
    case "TLS_ISSUER":
      return (tls?.ca ?? null) === null
        ? "trust its CA with --cafile FILE; for a test without: --insecure"
        : "it is another CA than that of --cafile";
    case "TLS_NAME":
      return "name the broker as the certificate does, or --tls-server-name NAME, or --insecure";
    case "TLS_DATE":
      return "renew it, or set the clock; for a test as it is: --insecure without --cafile";
    case "TLS_CLIENT":
      return clientHint(target);
    case "TLS_NONE":
      return `is it a port without TLS? ${otherUrl(target, transport === "wss" ? "ws" : "tcp")}`;
    case "WS_NONE":
      return (
        certificateHint(message, target) ??
        `is it a WebSocket listener? else ${otherUrl(target, tls === null ? "tcp" : "tls")}` +
          (tls === null ? ` or ${otherUrl(target, "wss")}` : "")
      );
    case "WS_REFUSED":
      return upgradeHint(message, target);
    default:
      return null;
  }
}

/** For what a server makes of the upgrade. */
function upgradeHint(message: string, target: Target): string {
  const status = / HTTP status (\d{3})/.exec(message)?.[1] ?? null;
  switch (status) {
    case null:
      return "is it an MQTT broker's WebSocket listener?";
    case "404":
      return `another path? ${targetText({ ...target, path: "/PATH" })}`;
    case "401":
    case "403":
      return "the server, or a proxy before it, does not let this client in";
    case "502":
    case "503":
    case "504":
      return "a proxy answers, and the broker behind it does not";
    default:
      return "does it know the subprotocol mqtt, and this path?";
  }
}

/** The same place by another transport, as a URL. */
function otherUrl(target: Target, transport: Target["transport"]): string {
  return targetText({ ...target, transport, path: isWebSocket(transport) ? target.path : "" });
}

/** For a broker that closed at once after the client's certificate; null: that is not likely. */
function certificateHint(message: string, target: Target): string | null {
  const alert = /TLS alert "([^"]*)"/.exec(message)?.[1] ?? null;
  if (alert !== null) return isAboutCertificate(alert) ? clientHint(target) : null;
  // Many brokers close without an alert, when TLS is open on the client's side.
  if ((target.tls?.cert ?? null) === null) return null;
  return "does the broker trust the CA of --cert? its log may say why it closed";
}

function clientHint({ tls }: Target): string {
  return (tls?.cert ?? null) === null
    ? "the broker wants a client certificate: --cert FILE --key FILE"
    : "it does not accept the certificate of --cert: does it trust its CA?";
}

function listenerHint({ transport }: Target): string {
  switch (transport) {
    case "tcp":
      return "is it an MQTT listener, without TLS? else mqtts://, ws:// or wss://";
    case "tls":
      return "is it an MQTT listener? one for WebSockets: wss://";
    case "ws":
    case "wss":
    case "unix":
      return "is it an MQTT listener?";
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

/** For a CONNECT with a will, which a broker may refuse for the will's sake; null: no hint of its own. */
function refusedWillHint({ code, connack }: Refused): string | null {
  const isWill = /\bwill\b/i.test(connack.properties?.reasonString ?? "");
  switch (code) {
    case 5:
    case 0x87:
      return isWill
        ? "another --will-topic, or the right to publish there"
        : "log in with -u USER -P PASSWORD; or it refuses the will: try without --will-topic";
    case 0x90:
      return "another --will-topic";
    case 0x95:
      return "a shorter --will-payload";
    case 0x9a:
      return "leave out --will-retain";
    case 0x9b:
      return "a lower --will-qos";
    default:
      return null;
  }
}
