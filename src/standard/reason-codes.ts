import { Reason, type ReasonCode } from "../core/reason.ts";

/** A reason code of MQTT 5.0 (section 2.4), in our own words. */
export interface CodeMeaning {
  /** What the sender of it says; a clause. */
  readonly says: string;
  /** The packets that may carry it. */
  readonly packets: string;
}

const publishAnswers = "PUBACK, PUBREC";
const refusals = "CONNACK, DISCONNECT";
const subscribeAnswers = "SUBACK, UNSUBACK";
const subscribeRefusals = "SUBACK, DISCONNECT";

export const codeMeanings: Readonly<Record<ReasonCode, CodeMeaning>> = {
  [Reason.success]: {
    says: "done; in SUBACK: granted with QoS 0; in DISCONNECT: goodbye, the will is discarded",
    packets: "all with a code",
  },
  [Reason.grantedQos1]: { says: "granted with QoS 1", packets: "SUBACK" },
  [Reason.grantedQos2]: { says: "granted with QoS 2", packets: "SUBACK" },
  [Reason.disconnectWithWill]: {
    says: "goodbye, and publish my will",
    packets: "DISCONNECT of a client",
  },
  [Reason.noMatchingSubscribers]: {
    says: "taken, and nobody has subscribed to the topic",
    packets: publishAnswers,
  },
  [Reason.noSubscriptionExisted]: { says: "there was no such subscription", packets: "UNSUBACK" },
  [Reason.continueAuthentication]: { says: "the next step of the login", packets: "AUTH" },
  [Reason.reauthenticate]: { says: "the client logs in again", packets: "AUTH of a client" },
  [Reason.unspecifiedError]: {
    says: "an error that has no code, or that the sender keeps to itself",
    packets: `CONNACK, ${publishAnswers}, ${subscribeAnswers}, DISCONNECT`,
  },
  [Reason.malformedPacket]: { says: "the bytes are no valid packet", packets: refusals },
  [Reason.protocolError]: {
    says: "a valid packet that breaks a rule at this moment, such as a second CONNECT",
    packets: refusals,
  },
  [Reason.implementationSpecificError]: {
    says: "valid, but this receiver does not do it",
    packets: `CONNACK, ${publishAnswers}, ${subscribeAnswers}, DISCONNECT`,
  },
  [Reason.unsupportedProtocolVersion]: {
    says: "the server does not speak this version of MQTT",
    packets: "CONNACK",
  },
  [Reason.clientIdentifierNotValid]: {
    says: "the server does not take this client id",
    packets: "CONNACK",
  },
  [Reason.badUserNameOrPassword]: {
    says: "unknown user name, or the wrong password",
    packets: "CONNACK",
  },
  [Reason.notAuthorized]: {
    says: "not allowed: to connect, or to use this topic",
    packets: `CONNACK, ${publishAnswers}, ${subscribeAnswers}, DISCONNECT`,
  },
  [Reason.serverUnavailable]: { says: "the server takes no clients now", packets: "CONNACK" },
  [Reason.serverBusy]: { says: "too much to do: try again later", packets: refusals },
  [Reason.banned]: { says: "this client is shut out", packets: "CONNACK" },
  [Reason.serverShuttingDown]: { says: "the server stops", packets: "DISCONNECT of a server" },
  // Section 2.4 names DISCONNECT too, whose own table (section 3.14.2.1) does not.
  [Reason.badAuthenticationMethod]: {
    says: "a login method that the server lacks, or another one than in CONNECT",
    packets: "CONNACK",
  },
  [Reason.keepAliveTimeout]: {
    says: "no packet for one and a half times the keepalive",
    packets: "DISCONNECT of a server",
  },
  [Reason.sessionTakenOver]: {
    says: "another connection uses this client id now",
    packets: "DISCONNECT of a server",
  },
  [Reason.topicFilterInvalid]: {
    says: "a well-formed filter that is not allowed",
    packets: `${subscribeAnswers}, DISCONNECT`,
  },
  [Reason.topicNameInvalid]: {
    says: "a well-formed topic that is not allowed; in CONNACK: the will's",
    packets: `CONNACK, ${publishAnswers}, DISCONNECT`,
  },
  [Reason.packetIdentifierInUse]: {
    says: "the packet id is taken, so the two sides remember different sessions",
    packets: `${publishAnswers}, ${subscribeAnswers}`,
  },
  [Reason.packetIdentifierNotFound]: {
    says: "no such packet id, as after a lost session",
    packets: "PUBREL, PUBCOMP",
  },
  [Reason.receiveMaximumExceeded]: {
    says: "more unfinished QoS 1 and 2 messages than Receive Maximum",
    packets: "DISCONNECT",
  },
  [Reason.topicAliasInvalid]: {
    says: "alias 0, or above Topic Alias Maximum",
    packets: "DISCONNECT",
  },
  [Reason.packetTooLarge]: { says: "larger than Maximum Packet Size", packets: refusals },
  [Reason.messageRateTooHigh]: { says: "too many messages a second", packets: "DISCONNECT" },
  [Reason.quotaExceeded]: {
    says: "a limit of the server is reached",
    packets: `CONNACK, ${publishAnswers}, ${subscribeRefusals}`,
  },
  [Reason.administrativeAction]: { says: "an operator closed it", packets: "DISCONNECT" },
  [Reason.payloadFormatInvalid]: {
    says: "the payload is not what Payload Format Indicator says; in CONNACK: the will's",
    packets: `CONNACK, ${publishAnswers}, DISCONNECT`,
  },
  [Reason.retainNotSupported]: {
    says: "the server keeps no retained messages; in CONNACK: the will's",
    packets: refusals,
  },
  [Reason.qosNotSupported]: { says: "a QoS above Maximum QoS", packets: refusals },
  [Reason.useAnotherServer]: { says: "use another server for now", packets: refusals },
  [Reason.serverMoved]: { says: "use another server from now on", packets: refusals },
  [Reason.sharedSubscriptionsNotSupported]: {
    says: "the server has no shared subscriptions",
    packets: subscribeRefusals,
  },
  [Reason.connectionRateExceeded]: {
    says: "too many connections a second",
    packets: refusals,
  },
  [Reason.maximumConnectTime]: {
    says: "the connection is as old as this login allows",
    packets: "DISCONNECT of a server",
  },
  [Reason.subscriptionIdentifiersNotSupported]: {
    says: "the server has no Subscription Identifiers",
    packets: subscribeRefusals,
  },
  [Reason.wildcardSubscriptionsNotSupported]: {
    says: "the server takes no wildcards in filters",
    packets: subscribeRefusals,
  },
};
