import type { Predecessor } from "../api/api.ts";
import { takePredecessor } from "../api/registry.ts";
import { placeOf } from "../config/problem.ts";
import type { ListenerSettings } from "../config/settings.ts";
import type { Like } from "../core/quirks/likes.ts";
import type { ListeningSocket } from "../transport/transport.ts";
import type { Administration } from "./admin/open.ts";
import type { Instance } from "./instance.ts";
import { listenAll } from "./listeners.ts";
import { urlOf } from "./listener-url.ts";
import { policyName, policyOf } from "./policies.ts";
import { ReadyFile } from "./ready-file.ts";
import type { ServeSettings } from "./serve.ts";

/** The open addresses of a running broker. */
export interface Endpoints {
  /** One for each listener, in order. */
  readonly sockets: readonly ListeningSocket[];
  /** `mqtt://127.0.0.1:1883`, one for each address. */
  readonly urls: readonly string[];
  readonly administration: Administration;
  readonly readyFile: ReadyFile | null;
}

/**
 * Opens in this order: ready file (unpublished), listeners, administration; then publishes the
 * ready file. Throws CliError for the first that can't be opened, and leaves nothing open.
 */
export async function openEndpoints(
  settings: ServeSettings,
  instance: Instance,
): Promise<Endpoints> {
  const { like } = settings;
  let readyFile: ReadyFile | null = null;
  let sockets: readonly ListeningSocket[] = [];
  try {
    if (settings.readyFile !== null) readyFile = new ReadyFile(settings.readyFile);
    sockets = await openListeners(settings, instance);
    const urls = urlsOf(settings.config.listeners, sockets);
    if (like !== null) {
      for (const text of misbehaviour(like)) instance.note({ event: "warning", text });
    }
    const predecessor = predecessorOf(settings, instance, urls);
    const administration = await openAdmin(settings, instance, urls, predecessor);
    try {
      readyFile?.publish(urls);
    } catch (cause) {
      await administration.close();
      throw cause;
    }
    return { sockets, urls, administration, readyFile };
  } catch (cause) {
    for (const socket of sockets) socket.close();
    readyFile?.abandon();
    throw cause;
  }
}

async function openListeners(
  { config, env, loaded }: ServeSettings,
  { broker, driver, certificates, policies, operator }: Instance,
): Promise<readonly ListeningSocket[]> {
  const tcp = broker.rules.tcpDetectors ? config.tcp : { keepAliveMs: 0, userTimeoutMs: 0 };
  const eventsFor = (listener: ListenerSettings) => {
    const place = config.listeners.indexOf(listener);
    return driver.eventsFor(policies[place] ?? policyOf(listener, place));
  };
  const certificatesOf = (listener: ListenerSettings) =>
    certificates.of(config.listeners.indexOf(listener));
  const limits = () => operator.transportLimits;
  const { listeners } = config;
  const sockets = await listenAll(listeners, tcp, eventsFor, limits, certificatesOf, {
    env,
    place: (key) => placeOf(key, loaded.origins),
  });
  for (const [index, { port }] of sockets.entries()) {
    const [policy, listener] = [policies[index], config.listeners[index]];
    // Before the first connection: the port that the system chose for port 0.
    if (policy !== undefined && listener !== undefined) policy.name = policyName(listener, port);
  }
  driver.addListeners(sockets.flatMap(({ descriptors }) => descriptors));
  return sockets;
}

async function openAdmin(
  { config, env, like, loaded, certificates }: ServeSettings,
  instance: Instance,
  listeners: readonly string[],
  predecessor: Predecessor | null,
): Promise<Administration> {
  const { broker, clock, hub, vitals, operator, persistence, note, onFault } = instance;
  const { accessFiles, policies } = instance;
  // Loaded late, to listen sooner.
  const { openAdministration } = await import("./admin/open.ts");
  const portIsNamed = loaded.origins.get("admin.port")?.source !== "default";
  return openAdministration(
    {
      ...config.admin,
      tls: certificates.admin,
      connections: instance.connections.administration,
      tokenPlace: placeOf("admin.tokenFile", loaded.origins),
      portIsNamed,
    },
    {
      ...{ broker, clock, hub, vitals, listeners, policies, predecessor },
      restarts: persistence?.restarts(broker.startedAt) ?? [],
      storeFile: persistence?.file ?? null,
      // Keep slots free for short requests.
      streams: Math.min(config.admin.streams, Math.ceil(instance.connections.administration / 2)),
      streamBytes: config.admin.streamBytes,
      like: like?.name ?? null,
      logLevel: () => operator.level,
      setLogLevel: (level) => operator.setLevel(level),
      reload: () => operator.reload("reload"),
      config: () => operator.config(),
      store: async () => persistence?.account() ?? null,
      accessWarnings: (...asked) => accessFiles.warningsFor(...asked),
      publish: (packet) => operator.publish(packet),
      kick: (clientId) => operator.kick(clientId),
      drop: (clientId, how) => operator.drop(clientId, how),
    },
    note,
    env,
    onFault,
  );
}

/** What the run folder tells of the broker that ran here before, with a line in the log. */
function predecessorOf(
  { env }: ServeSettings,
  { broker, persistence, note }: Instance,
  urls: readonly string[],
): Predecessor | null {
  const before = takePredecessor(urls, env);
  if (before === null) return null;
  const { pid, startedAt, store = null } = before;
  // What one with a store had is not lost, be it this store or another.
  if (store !== null || persistence?.isOf(pid) === true) return null;
  const predecessor = { pid, startedAt, followedAt: broker.startedAt };
  note({ event: "predecessor", ...predecessor });
  return predecessor;
}

/** Warnings at the start, so that nobody mistakes it for a correct broker. */
function misbehaviour({ name, summary }: Like): string[] {
  const banner = `this broker misbehaves on purpose (like ${name}); start it without --like for correct behaviour`;
  return summary === null ? [banner] : [banner, `${name}: ${summary}`];
}

/** One for each address, in the order of the listeners. */
function urlsOf(
  listeners: readonly ListenerSettings[],
  sockets: readonly ListeningSocket[],
): string[] {
  return listeners.flatMap((listener, index) =>
    (sockets[index]?.addresses ?? []).map((address) => urlOf(listener, address)),
  );
}
