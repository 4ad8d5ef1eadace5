/** Reason codes of MQTT 5.0 (section 2.4), by the standard's names. */
export const Reason = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reauthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonCode = (typeof Reason)[keyof typeof Reason];

const names: ReadonlyMap<number, string> = namesByCode();

/** A reason code by its standard name and number: `not authorized (0x87)`. */
export function reasonText(code: number): string {
  const number = `0x${code.toString(16).padStart(2, "0")}`;
  const text = reasonName(code);
  return text === null ? `reason code ${number}` : `${text} (${number})`;
}

/** A reason code by its standard name: `not authorized`; null: the standard has no such code. */
export function reasonName(code: number): string | null {
  return names.get(code) ?? null;
}

/** `Reason`'s keys split at capitals. 0x00 has several names; the first counts. */
function namesByCode(): Map<number, string> {
  const found = new Map<number, string>();
  for (const [key, code] of Object.entries(Reason)) {
    if (found.has(code)) continue;
    found.set(
      code,
      key.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`),
    );
  }
  return found;
}

/** A violation by the peer. A value, never thrown: its connection answers and ends. */
export interface ProtocolError {
  readonly reason: ReasonCode;
  /** The statement that was broken, version first: `v5-3.3.2-2`, or a section: `v5-2.1.4`. */
  readonly statement: string;
  /** One clause for the log and the Reason String, without bytes of the client. */
  readonly detail: string;
  /** What in the access list decided, which the peer is not told; absent: nothing did. */
  readonly by?: string;
  /** The detail is for the log only: the client gets no Reason String. */
  readonly isUntold?: boolean;
}

/** CONNACK return codes of 3.1.1 (table 3.1) for the reason codes that can refuse a CONNECT. */
export function connackReturnCode(reason: number): number {
  switch (reason) {
    case Reason.success:
      return 0;
    case Reason.unsupportedProtocolVersion:
      return 1;
    case Reason.clientIdentifierNotValid:
      return 2;
    case Reason.serverUnavailable:
    case Reason.serverBusy:
    case Reason.serverShuttingDown:
    case Reason.quotaExceeded:
    case Reason.connectionRateExceeded:
      return 3;
    case Reason.badUserNameOrPassword:
      return 4;
    default:
      return 5;
  }
}
