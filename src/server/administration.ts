import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { apiVersion } from "../admin/api.ts";
import { announce, ownRunFolder } from "../admin/registry.ts";
import { CliError } from "../config/cli-error.ts";
import type { AdminSettings } from "../config/settings.ts";
import type { LogEvent } from "../log/events.ts";
import { ListenError, type ListeningSocket } from "../transport/transport.ts";
import { adminApp, type AdminContext } from "./admin.ts";
import { type HttpSettings, serveHttp } from "./admin-listener.ts";

export interface Administration {
  close(): void;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Opens the administration interface and leaves word of it, or says why not. Throws CliError (exit code
 * 2) where the operator named a port that can't be had, or a token file that others can read.
 */
export async function openAdministration(
  settings: AdminSettings,
  context: Omit<AdminContext, "guard">,
  note: (event: LogEvent) => void,
  env: Env,
  onFault: (fault: unknown) => void,
): Promise<Administration> {
  const { port, host } = settings;
  if (port === null) return { close: () => {} };
  const isLoopback = host === null || host === "::1" || host.startsWith("127.");
  const tokenFile =
    isLoopback && settings.tokenFile === null ? null : tokenFileOf(settings.tokenFile, env);
  const token = tokenFile === null ? null : readFileSync(tokenFile, "utf8").trim();
  const hosts = host === null ? [] : [host.includes(":") ? `[${host}]` : host];
  const app = adminApp({ ...context, guard: { hosts, token } });
  const { socket, taken } = await listen({
    ...{ host, port, connections: settings.connections },
    requestTimeoutMs: settings.requestTimeoutMs,
    fetch: (request) => app.fetch(request),
    onFault,
  });
  const urls = socket.addresses.map((address) => `http://${address}`);
  note({ event: "administration", urls, taken, tokenFile });
  let withdraw = (): void => {};
  try {
    withdraw = announce(
      {
        pid: process.pid,
        startedAt: context.broker.startedAt,
        version: context.broker.version,
        api: apiVersion,
        url: urls[0] ?? "",
        listeners: context.listeners,
        tokenFile,
      },
      env,
    );
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    note({ event: "warning", text: `mqttd inspect needs --admin ${urls[0] ?? ""}: ${why}` });
  }
  return {
    close: () => {
      withdraw();
      context.hub.close();
      socket.close();
    },
  };
}

/** The default port may be another broker's; one that was named may not. */
async function listen(
  http: HttpSettings,
): Promise<{ socket: ListeningSocket; taken: number | null }> {
  const { port } = http;
  try {
    return { socket: await serveHttp(http), taken: null };
  } catch (fault) {
    if (!(fault instanceof ListenError)) throw fault;
    if (fault.code === "EADDRINUSE" && port === defaultPort) {
      return { socket: await serveHttp({ ...http, port: 0 }), taken: port };
    }
    throw new CliError(`administration: ${fault.message}`, {
      exitCode: 2,
      hint: "--set admin.port=0 takes a free one, --set admin.port=off none",
    });
  }
}

const defaultPort = 1888;

/** The file that holds the token, made if it is not there. Throws CliError if others can read it. */
function tokenFileOf(named: string | null, env: Env): string {
  const file = named ?? path.join(ownRunFolder(env), "token");
  if (!existsSync(file)) {
    writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(file, 0o600);
  }
  const isOpen = process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
  if (!isOpen) return file;
  throw new CliError(`the token file ${file} can be read by others`, {
    exitCode: 2,
    hint: `chmod 600 ${file}`,
  });
}
