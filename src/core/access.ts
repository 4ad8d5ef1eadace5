/** Who asks. */
export interface Principal {
  readonly clientId: string;
  readonly username: string | null;
}

/** What a client may do. Pure and fast: it is asked for every PUBLISH, will and filter. */
export interface Access {
  mayPublish(who: Principal, topic: string): boolean;
  maySubscribe(who: Principal, filter: string): boolean;
}

/** No access list is configured. */
export const openAccess: Access = {
  mayPublish: () => true,
  maySubscribe: () => true,
};
