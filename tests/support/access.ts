import type { Access, Principal } from "../../src/core/access.ts";

interface Asked {
  readonly mayPublish?: (who: Principal, topic: string) => boolean;
  readonly mayRead?: (who: Principal, topic: string) => boolean;
  readonly maySubscribe?: (who: Principal, filter: string) => boolean;
}

/** Access as a test decides it; what it does not name is allowed. */
export function accessBy(asked: Asked): Access {
  const allows = (): boolean => true;
  const { mayPublish = allows, mayRead = allows, maySubscribe = allows } = asked;
  const by = { write: mayPublish, read: mayRead, subscribe: maySubscribe };
  return {
    rightsOf: (who) => ({
      isOpen: false,
      mayWrite: (topic) => mayPublish(who, topic),
      mayRead: (topic) => mayRead(who, topic),
      maySubscribe: (filter) => ({ allowed: maySubscribe(who, filter), steps: 0 }),
      verdict: (action, topic) => ({
        allowed: by[action](who, topic),
        by: "test.acl:1 'topic deny it'",
        rule: { file: "test.acl", line: 1, text: "topic deny it" },
      }),
    }),
  };
}
