/** The client whose access is checked. */
export interface Principal {
  readonly clientId: string;
  readonly username: string | null;
}

/** What a client does with a topic, or with a filter: `subscribe`. */
export type Action = "read" | "write" | "subscribe";

/** Whether a client may do something, and what decides. */
export interface Verdict {
  readonly allowed: boolean;
  /** `mqttd.acl:7 'topic deny secret/#'`, `no line of mqttd.acl`. For the operator only. */
  readonly by: string;
  /** The line that decides; null: none does. */
  readonly rule: AccessRule | null;
}

/** A line of an access list. */
export interface AccessRule {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `topic deny secret/#` */
  readonly text: string;
}

/** A search for a topic that a client may read. */
export interface Search {
  readonly allowed: boolean;
  /** Its work: about half a microsecond each. */
  readonly steps: number;
}

/** What one client may do. Pure and fast: asked for every new topic of a client. */
export interface Rights {
  /** Everything is allowed. */
  readonly isOpen: boolean;
  /** PUBLISH and wills. */
  mayWrite(topic: string): boolean;
  /** Delivery, from a queue and of retained messages too. */
  mayRead(topic: string): boolean;
  /**
   * Whether it may read any topic that a filter matches. `mountLength`: characters of the mount
   * point before it.
   */
  maySubscribe(filter: string, mountLength: number): Search;
  /** The same, with what decides. */
  verdict(action: Action, topic: string, mountLength?: number): Verdict;
}

/** What clients may do: an access list, or everything. */
export interface Access {
  rightsOf(who: Principal): Rights;
}

const openRights: Rights = {
  isOpen: true,
  mayWrite: () => true,
  mayRead: () => true,
  maySubscribe: () => ({ allowed: true, steps: 0 }),
  verdict: () => ({ allowed: true, by: "no access list", rule: null }),
};

/** The default, without an access list: everything is allowed. */
export const openAccess: Access = { rightsOf: () => openRights };
