import type { Env } from "../config/environment.ts";
import { CliError } from "../config/cli-error.ts";
import type { ListenerSettings, Settings } from "../config/settings.ts";
import { ListenError, type LinkEvents, type ListeningSocket } from "../transport/transport.ts";
import type { TransportLimits } from "../transport/transport-limits.ts";
import type { ListenerCertificates } from "./certificates.ts";
import { typed } from "./npm-script.ts";
import { transportFor } from "./platform.ts";

/**
 * Opens all listeners or none. Throws CliError (exit code 2) for the first that can't be opened.
 */
export async function listenAll(
  listeners: readonly ListenerSettings[],
  tcp: Settings["tcp"],
  eventsFor: (listener: ListenerSettings) => LinkEvents,
  limits: () => TransportLimits,
  certificatesOf: (listener: ListenerSettings) => ListenerCertificates | null = () => null,
  /** `place`: how an error names a key of the configuration. */
  { env, place }: Named = { env: {}, place: (key) => key },
): Promise<ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  let socketPlace: string | null = null;
  try {
    for (const [index, listener] of listeners.entries()) {
      const { host, port, path } = listener;
      socketPlace = path === null ? null : place(`listeners.${index}.path`);
      const transport = await transportFor(listener, certificatesOf(listener), limits);
      sockets.push(await transport.listen({ host, port, path, tcp, events: eventsFor(listener) }));
    }
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.close();
    if (!(error instanceof ListenError)) throw error;
    if (socketPlace !== null) {
      throw new CliError(`${socketPlace}: ${error.message}`, { exitCode: 2 });
    }
    const hint = hintFor(error, env);
    throw new CliError(error.message, { exitCode: 2, hint, cause: error });
  }
}

interface Named {
  readonly env: Env;
  readonly place: (key: string) => string;
}

function hintFor(error: ListenError, env: Env): string {
  switch (error.code) {
    case "EADDRINUSE": {
      const flags = `--port ${error.port < 65_535 ? error.port + 1 : 0}`;
      return `stop it, or use another port: ${typed(flags, env)}`;
    }
    case "EACCES":
      return "ports below 1024 need privileges; use a higher one";
    default:
      return "see --host and --port";
  }
}
