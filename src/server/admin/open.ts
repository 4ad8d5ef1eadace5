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
import { ListenError } from "../../transport/transport.ts";
import { adminApp } from "./routes.ts";
import type { AdminContext } from "./context.ts";
import { type HttpSettings, type HttpSocket, serveHttp } from "./http.ts";
import { typed } from "../npm-script.ts";
import { readOrCreateToken } from "./token-file.ts";

export interface AdministrationSettings extends AdminSettings {
  /** Somebody chose the port; else it is the default. */
  readonly portIsNamed: boolean;
}

export interface Administration {
  /** Ends all streams. Resolves when their readers have what there was to tell, or are too slow. */
  close(): Promise<void>;
}

/**
 * Opens the administration interface and leaves word of it, or says why not. Throws CliError (exit code
 * 2) where the operator named a port that can't be had, or a token file that others can read.
 */
export async function openAdministration(
  settings: AdministrationSettings,
  context: Omit<AdminContext, "guard">,
  note: (event: LogEvent) => void,
  env: Env,
  onFault: (fault: unknown) => void,
): Promise<Administration> {
  const { port, host } = settings;
  if (port === null) return { close: async () => {} };
  const needsNone = isLoopback(host) && settings.tokenFile === null;
  const token = needsNone ? null : readOrCreateToken(settings.tokenFile, env);
  const tokenFile = token?.file ?? null;
  const app = adminApp({ ...context, guard: { token: token?.token ?? null } });
  const { socket, taken } = await listen(
    settings.portIsNamed,
    {
      ...{ host, port, connections: settings.connections },
      requestTimeoutMs: settings.requestTimeoutMs,
      stallTimeoutMs: settings.stallTimeoutMs,
      fetch: (request) => app.fetch(request),
      onFault,
    },
    env,
  );
  const urls = socket.addresses.map((address) => `http://${address}`);
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
        // Whoever reads it is in another folder.
        tokenFile: tokenFile && path.resolve(tokenFile),
      },
      env,
    );
  } catch (error) {
    const why = systemErrorText(error);
    note({ event: "warning", text: `mqttd inspect needs --admin ${urls[0] ?? ""}: ${why}` });
  }
  const end = async (): Promise<void> => {
    withdraw();
    context.hub.close();
    await socket.close();
  };
  let closed: Promise<void> | null = null;
  return {
    close: async () => {
      closed ??= end();
      await closed;
    },
  };
}

/** Where a program of this machine reaches it: all addresses are none to connect to. */
function urlFromHere(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** The default port may be another broker's; one that was named may not. */
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
      hint: `${typed("--set admin.port=0", env)} takes a free one, ${typed("--set admin.port=off", env)} none`,
    });
  }
}
