import { openAccess, type Access, type Rights } from "./access.ts";
import type { Broker } from "./broker.ts";
import type { Session } from "./session.ts";

/** The access lists in force: the broker's, and those of listeners by name. */
export class AccessLists {
  readonly #access: Access;
  readonly #byListener: ReadonlyMap<string, Access>;
  readonly #isOpen: boolean;

  constructor(access: Access, byListener: ReadonlyMap<string, Access> = new Map()) {
    this.#access = access;
    this.#byListener = byListener;
    this.#isOpen = [access, ...byListener.values()].every((one) => one === openAccess);
  }

  /** Everything is allowed to everybody. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The list of that name; null, or a name without one: the broker's. */
  of(name: string | null): Access {
    if (name === null || this.#byListener.size === 0) return this.#access;
    return this.#byListener.get(name) ?? this.#access;
  }
}

/** What the client of a session may do now, by the list of the listener that it used last. */
export function rightsOf({ access }: Broker, session: Session): Rights {
  const list = access.of(session.accessList);
  const { rights: known } = session;
  if (known !== null && known.of === list) return known.rights;
  const rights = list.rightsOf(session);
  session.rights = { of: list, rights };
  return rights;
}

/**
 * Whether a client may publish on a topic. The remembered route of the topic keeps who may, as most
 * topics have one publisher.
 */
export function mayWrite(broker: Broker, session: Session, topic: string): boolean {
  const rights = rightsOf(broker, session);
  if (rights.isOpen) return true;
  const known = broker.routes.get(topic);
  const route = known?.generation === broker.generation ? known : null;
  if (route?.writer === rights) return true;
  broker.budget.spent += unitsOfCheck;
  if (!rights.mayWrite(topic)) return false;
  if (route !== null) route.writer = rights;
  return true;
}

/** Work of asking a list about one topic. */
export const unitsOfCheck = 1;

/** Whether a session's client may read a topic. */
export function mayRead(broker: Broker, session: Session, topic: string): boolean {
  const rights = rightsOf(broker, session);
  if (rights.isOpen) return true;
  broker.budget.spent += unitsOfCheck;
  return rights.mayRead(topic);
}

/** Logs that a message is not for a client which subscribes to it: once after each CONNECT. */
export function noteDenied(broker: Broker, session: Session, topic: string): void {
  if (session.isDenialLogged) return;
  session.isDenialLogged = true;
  const { by } = rightsOf(broker, session).verdict("read", topic);
  broker.note({ event: "deliveryDenied", clientId: session.clientId, topic, by });
}
