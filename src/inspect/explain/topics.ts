/** What a topic of advice counts for among the habits of a client. */
export interface Rank {
  /** `repeated`: likely when seen once, since a link may fail once; proved on a second connection. */
  readonly mark: "proved" | "repeated" | "likely";
  /** Whether an earlier connection counts. Others are settings, which a newer CONNECT may have mended. */
  readonly lasts?: true;
}

/**
 * Every topic of advice, the worst habit first. Null: it is about one will, the network, the
 * operator or the broker, and so no habit of a client.
 */
export const ranks = {
  refused: { mark: "proved" },
  brokenRule: { mark: "proved", lasts: true },
  packetTooLarge: { mark: "proved", lasts: true },
  quotaExceeded: { mark: "proved", lasts: true },
  // A device that changes networks, or whose link flaps, looks the same.
  sharedClientId: { mark: "likely" },
  takeoverLoop: { mark: "likely" },
  reconnectLoop: { mark: "likely" },
  idleTimeout: { mark: "likely" },
  sleepsWithoutDisconnect: { mark: "likely" },
  neverPinged: { mark: "repeated", lasts: true },
  onlyReceives: { mark: "repeated", lasts: true },
  serverKeepAlive: { mark: "repeated", lasts: true },
  incompletePacket: { mark: "repeated", lasts: true },
  stalled: { mark: "repeated", lasts: true },
  retainedWillWithoutBirth: { mark: "proved" },
  birthElsewhere: { mark: "proved" },
  willOverwroteOther: { mark: "proved" },
  birthOverwritten: { mark: "proved" },
  sharedWillTopic: { mark: "proved" },
  noKeepAlive: { mark: "proved" },
  delayBeyondSession: { mark: "proved" },
  sessionCutByDisconnect: { mark: "proved", lasts: true },
  cleanStartEachTime: { mark: "proved" },
  sparkplugBdSeq: { mark: "proved", lasts: true },
  closeCall: { mark: "repeated", lasts: true },
  willNotRetained: { mark: "likely" },
  randomClientId: { mark: "likely" },
  refusedMessages: { mark: "likely" },
  dollarTopic: { mark: "likely" },
  willUnheard: { mark: "likely" },
  cleanDisconnect: { mark: "likely", lasts: true },
  longKeepAlive: { mark: "likely" },
  sessionNotKept: { mark: "likely" },
  emptyRetainedWill: { mark: "likely" },
  awaySubscribers: null,
  brokerFull: null,
  cleanStartReturn: null,
  denied: null,
  deniedReaders: null,
  dropClient: null,
  droppedCopies: null,
  kicked: null,
  levelOfTopic: null,
  memory: null,
  killedBroker: null,
  nearMiss: null,
  noLocal: null,
  noWill: null,
  notRetained: null,
  onPurpose: null,
  quickReturn: null,
  sharedSubscription: null,
  takeover: null,
  turnedAway: null,
  unknownClient: null,
  willDelay: null,
  willExpired: null,
} as const satisfies Record<string, Rank | null>;

/** One word for programs: a client's habit by the name that the log gives it, or a matter of ours. */
export type AdviceTopic = keyof typeof ranks;
