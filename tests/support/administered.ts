import type { ReloadAnswer } from "../../src/api/api.ts";
import type { Hono } from "hono";
import { adminApp } from "../../src/server/admin/routes.ts";
import type { AdminContext } from "../../src/server/admin/context.ts";
import { EventHub } from "../../src/server/event-hub.ts";
import { Vitals } from "../../src/server/vitals.ts";
import { World, type WorldOptions } from "./world.ts";

/** The administration interface of a broker in virtual time, called without a socket. */
export class Administered {
  readonly world: World;
  readonly hub = new EventHub({ note: () => {}, logs: (level) => level !== "debug" });
  readonly context: AdminContext;
  readonly #app: Hono;

  constructor(options: WorldOptions & { readonly admin?: Partial<AdminContext> } = {}) {
    const watch: WorldOptions["watch"] = (event, at) => this.hub.note(event, at);
    this.world = new World({ ...options, watch });
    const { broker, driver } = this.world;
    const connectionOf = (clientId: string) =>
      broker.sessions.get(clientId)?.connection?.id ?? null;
    this.context = {
      broker,
      clock: this.world.clock,
      hub: this.hub,
      vitals: new Vitals(),
      guard: { token: null },
      streams: 4,
      streamBytes: 64 * 1024,
      listeners: ["mqtt://127.0.0.1:1883"],
      like: null,
      policies: [this.world.policy],
      accessWarnings: () => [],
      predecessor: null,
      restarts: [],
      storeFile: null,
      logLevel: () => "info",
      setLogLevel: () => {},
      reload: async (): Promise<ReloadAnswer> => ({
        ...{ ok: true, file: null, changed: [], later: [], problems: [] },
        ...{ warnings: [], accounts: [], access: [] },
      }),
      store: async () => null,
      config: () => ({ file: null, values: [] }),
      publish: (packet) => {
        let outcome: ReturnType<AdminContext["publish"]> = { refused: "nothing was said" };
        const stop = this.hub.listen(({ event }) => {
          if (event.event === "operatorPublished")
            outcome = event.reach ?? { refused: event.refused ?? "" };
        });
        driver.order({ type: "ordered", packet });
        stop();
        return outcome;
      },
      kick: (clientId) => {
        const wasConnected = connectionOf(clientId) !== null;
        driver.order({ type: "kicked", clientId });
        return wasConnected;
      },
      drop: (clientId, how) => {
        const connection = connectionOf(clientId);
        if (connection !== null) driver.drop(connection, how);
        return connection !== null;
      },
      ...options.admin,
    };
    this.#app = adminApp(this.context);
  }

  async fetch(request: Request): Promise<Response> {
    return this.#app.fetch(request);
  }

  async ask(target: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:1888");
    return this.fetch(new Request(`http://localhost:1888${target}`, { ...init, headers }));
  }
}
