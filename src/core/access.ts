/** The client whose access is checked. */
export interface Principal {
  readonly clientId: string;
  readonly username: string | null;
}

/** What a client may do. Pure and fast: called for every PUBLISH, will and filter. */
export interface Access {
  mayPublish(who: Principal, topic: string): boolean;
  maySubscribe(who: Principal, filter: string): boolean;
}

/** The default, without an access list: everything is allowed. */
export const openAccess: Access = {
  mayPublish: () => true,
  maySubscribe: () => true,
};
