import path from "node:path";
import { apiVersion } from "../../api/api.ts";
import { processStart } from "../../api/process-start.ts";
import { announce } from "../../api/registry.ts";
import type { Env } from "../../config/environment.ts";
import { CliError } from "../../config/cli-error.ts";
import { systemErrorText } from "../../log/system-error.ts";
import type { AdminSettings } from "../../config/settings.ts";
import type { LogEvent } from "../../log/events.ts";
import { isLoopback } from "../../transport/loopback.ts";
import type { TlsMaterial } from "../../transport/tls-contexts.ts";
import { ListenError } from "../../transport/transport.ts";
import { adminApp } from "./routes.ts";
import type { AdminContext } from "./context.ts";
import { type HttpSettings, type HttpSocket, serveHttp } from "./http.ts";
import { typed } from "../npm-script.ts";
import { readOrCreateToken } from "./token-file.ts";

export interface AdministrationSettings extends Omit<AdminSettings, "tls"> {
  /** Null: HTTP. */
  readonly tls: TlsMaterial | null;
  /** Of the key that names the token file: `mqttd.json:7:15 admin.tokenFile`. */
  readonly tokenPlace: string;
  /** The operator chose the port; false: it is the default. */
  readonly portIsNamed: boolean;
}

export interface Administration {
  /**
   * Of an orderly stop. Ends all streams. Resolves when their readers have taken the rest, or have
   * timed out.
   */
  close(): Promise<void>;
  /** The same after a fault: the run file stays, from which the next broker learns of it. */
  abandon(): Promise<void>;
}

/**
 * Opens the administration interface and registers it for `inspect`, or warns why it can't
 * register. Throws CliError (exit code 2) if the operator's port is unavailable or the token file
 * is unusable.
 */
export async function openAdministration(
  settings: AdministrationSettings,
  context: Omit<AdminContext, "guard">,
  note: (event: LogEvent) => void,
  env: Env,
  onFault: (fault: unknown) => void,
): Promise<Administration> {
  const { port, host, tls } = settings;
  if (port === null) return { close: async () => {}, abandon: async () => {} };
  const needsNone = isLoopback(host) && settings.tokenFile === null;
  const token = needsNone ? null : readOrCreateToken(settings.tokenFile, env, settings.tokenPlace);
  const tokenFile = token?.file ?? null;
  const app = adminApp({ ...context, guard: { token: token?.token ?? null } });
  const { socket, taken } = await listen(
    settings.portIsNamed,
    {
      ...{ host, port, tls, connections: settings.connections },
      requestTimeoutMs: settings.requestTimeoutMs,
      stallTimeoutMs: settings.stallTimeoutMs,
      fetch: (request) => app.fetch(request),
      onFault,
    },
    env,
  );
  const scheme = tls === null ? "http" : "https";
  const urls = socket.addresses.map((address) => `${scheme}://${address}`);
  note({ event: "administration", urls, taken, tokenFile });
  let withdraw = (): void => {};
  try {
    withdraw = announce(
      {
        pid: process.pid,
        processStart: processStart(process.pid),
        startedAt: context.broker.startedAt,
        version: context.broker.version,
        api: apiVersion,
        url: urlFromHere(urls[0] ?? ""),
        listeners: context.listeners,
        // Absolute, since `inspect` runs in another folder.
        tokenFile: tokenFile && path.resolve(tokenFile),
        certificate: tls?.certificates[0].cert ?? null,
        store: context.storeFile,
      },
      env,
    );
  } catch (error) {
    const why = systemErrorText(error);
    note({ event: "warning", text: `mqttd inspect needs --admin ${urls[0] ?? ""}: ${why}` });
  }
  const end = async (): Promise<void> => {
    context.hub.close();
    await socket.close();
  };
  let closed: Promise<void> | null = null;
  return {
    close: async () => {
      withdraw();
      closed ??= end();
      await closed;
    },
    abandon: async () => {
      closed ??= end();
      await closed;
    },
  };
}

/**
 * The URL for a program on this machine: replaces a wildcard address, which is none to connect to.
 */
function urlFromHere(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** Falls back to a free port if the default one is in use; never if the operator named it. */
async function listen(
  isNamed: boolean,
  http: HttpSettings,
  env: Env,
): Promise<{ socket: HttpSocket; taken: number | null }> {
  const { port } = http;
  try {
    return { socket: await serveHttp(http), taken: null };
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    if (error.code === "EADDRINUSE" && !isNamed) {
      return { socket: await serveHttp({ ...http, port: 0 }), taken: port };
    }
    throw new CliError(`administration: ${error.message}`, {
      exitCode: 2,
      hint: `${typed("--set admin.port=0", env)} uses a free one, ${typed("--set admin.port=off", env)} none`,
    });
  }
}
