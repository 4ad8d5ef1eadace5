import type { Evidence } from "./statement.ts";

/** Made by scripts/evidence.ts from the sources; not to be edited by hand. */
export const evidence: Readonly<Record<string, Evidence>> = {
  "v4-1.5.3-1": {
    obeyed: ["src/wire/cursor.ts Cursor.text", "src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/data.ts ill-formed UTF-8 closes the connection"],
  },
  "v4-1.5.3-2": {
    obeyed: ["src/wire/cursor.ts Cursor.text", "src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/data.ts U+0000 closes the connection"],
  },
  "v4-1.5.3-3": {
    obeyed: ["src/wire/utf8.ts decodeText"],
    tests: ["tests/conformance/checks/data.ts U+FEFF is kept in names and filters"],
  },
  "v4-2.2.2-1": {
    obeyed: ["src/wire/ack.ts firstBytes"],
    tests: [
      "tests/conformance/checks/data.ts the broker's packets have the flags of the table",
      "tests/conformance/checks/data.ts reserved flags that are set close the connection",
    ],
  },
  "v4-2.2.2-2": {
    obeyed: ["src/wire/grammar.ts flagless"],
    tests: ["tests/conformance/checks/data.ts reserved flags that are set close the connection"],
  },
  "v4-2.3.1-1": {
    obeyed: [
      "src/client/machine.ts hasPacketId",
      "src/wire/publish.ts readPublish",
      "src/wire/subscribe.ts readSubscribe",
      "src/wire/subscribe.ts readUnsubscribe",
    ],
    tests: ["tests/conformance/checks/data.ts packet id 0 closes the connection"],
  },
  "v4-2.3.1-2": {
    obeyed: ["src/client/outgoing.ts Outgoing.add"],
    tests: [],
  },
  "v4-2.3.1-4": {
    obeyed: ["src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/data.ts open deliveries have packet ids of their own, and none is 0",
      "tests/conformance/checks/data.ts one message for many clients has another packet id for each",
      "tests/conformance/checks/data.ts one message for many clients arrives whole, at every step of its length",
    ],
  },
  "v4-2.3.1-5": {
    obeyed: ["src/core/forward.ts enterWindow", "src/wire/publish.ts writePublish"],
    tests: [
      "tests/conformance/checks/data.ts a delivery is the same whatever version the publisher speaks",
      "tests/conformance/checks/data.ts a delivery with QoS 0 has no packet id",
    ],
  },
  "v4-2.3.1-6": {
    obeyed: ["src/wire/grammar.ts walkAcknowledgement"],
    tests: ["tests/conformance/checks/data.ts acknowledgements carry the id of their PUBLISH"],
  },
  "v4-2.3.1-7": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: ["tests/conformance/checks/data.ts SUBACK and UNSUBACK carry the id of their question"],
  },
  "v4-3.1.0-1": {
    obeyed: ["src/core/received-packet.ts endUnconnected", "src/wire/fixed-header.ts notConnect"],
    tests: ["tests/conformance/checks/connect.ts a first packet other than CONNECT is closed"],
  },
  "v4-3.1.0-2": {
    obeyed: ["src/core/connect.ts connectReceived", "src/wire/fixed-header.ts secondConnect"],
    tests: ["tests/conformance/checks/connect.ts a second CONNECT is closed"],
  },
  "v4-3.1.2-1": {
    obeyed: ["src/wire/connect.ts walkProtocol"],
    tests: ["tests/conformance/checks/connect.ts another protocol name is refused"],
  },
  "v4-3.1.2-2": {
    obeyed: ["src/wire/connect.ts connectProtocol", "src/wire/connect.ts walkProtocol"],
    tests: ["tests/conformance/checks/connect.ts an unsupported level: CONNACK 0x01, then closed"],
  },
  "v4-3.1.2-3": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/connect.ts the reserved Connect Flag is refused"],
  },
  "v4-3.1.2-4": {
    obeyed: ["src/core/connack.ts sessionExpirySecondsInForce", "src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
    ],
  },
  "v4-3.1.2-5": {
    obeyed: ["src/core/forward.ts enqueue"],
    tests: ["tests/conformance/checks/session.ts QoS 1 and 2 are kept for a session that is away"],
  },
  "v4-3.1.2-6": {
    obeyed: ["src/core/connack.ts sessionExpirySecondsInForce", "src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a clean start discards subscriptions and queued messages",
      "tests/conformance/checks/session.ts a clean session ends with its connection",
    ],
  },
  "v4-3.1.2-7": {
    obeyed: ["src/core/retained.ts Retained"],
    tests: [
      "tests/conformance/checks/session.ts retained messages outlive their publisher's session",
    ],
  },
  "v4-3.1.2-8": {
    obeyed: ["src/core/connect.ts armWill", "src/core/will-fate.ts endWill"],
    tests: [
      "tests/conformance/checks/will.ts a will is published when the connection ends without DISCONNECT",
      "tests/conformance/checks/will.ts a will is published when the Keep Alive is over",
      "tests/conformance/checks/will.ts a will is published when the broker closes because of an error",
      "tests/conformance/checks/will.ts a will is published when its connection is taken over",
    ],
  },
  "v4-3.1.2-9": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: [
      "tests/conformance/checks/will.ts a Will Flag without the will's fields is refused",
      "tests/conformance/checks/will.ts a will is published with its QoS",
    ],
  },
  "v4-3.1.2-10": {
    obeyed: ["src/core/will-fate.ts endWill", "src/core/will-fate.ts setFate"],
    tests: [
      "tests/conformance/checks/will.ts a will that was published is gone, and so is one that was discarded",
    ],
  },
  "v4-3.1.2-11": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: [
      "tests/conformance/checks/will.ts fields of a will without the Will Flag are refused",
      "tests/conformance/checks/will.ts a Will QoS without the Will Flag is refused",
      "tests/conformance/checks/will.ts a Will Retain without the Will Flag is refused",
    ],
  },
  "v4-3.1.2-12": {
    obeyed: ["src/core/connect.ts armWill"],
    tests: ["tests/conformance/checks/will.ts without the Will Flag there is no will"],
  },
  "v4-3.1.2-13": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/will.ts a Will QoS without the Will Flag is refused"],
  },
  "v4-3.1.2-14": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: [
      "tests/conformance/checks/will.ts a will is published with its QoS",
      "tests/conformance/checks/will.ts Will QoS 3 is refused",
    ],
  },
  "v4-3.1.2-15": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/will.ts a Will Retain without the Will Flag is refused"],
  },
  "v4-3.1.2-16": {
    obeyed: ["src/core/will-fate.ts publishWill"],
    tests: ["tests/conformance/checks/will.ts Will Retain 0: nothing is retained"],
  },
  "v4-3.1.2-17": {
    obeyed: ["src/core/will-fate.ts publishWill"],
    tests: [
      "tests/conformance/checks/will.ts a retained will without payload deletes",
      "tests/conformance/checks/will.ts Will Retain 1: the will is retained",
    ],
  },
  "v4-3.1.2-18": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: [
      "tests/conformance/checks/connect.ts a user name without its flag is refused",
      "tests/conformance/checks/will.ts a will takes no user name for a field of its own",
    ],
  },
  "v4-3.1.2-19": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a flag without user name is refused"],
  },
  "v4-3.1.2-20": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a password without its flag is refused"],
  },
  "v4-3.1.2-21": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a flag without password is refused"],
  },
  "v4-3.1.2-22": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/connect.ts a password without user name is refused"],
  },
  "v4-3.1.2-24": {
    obeyed: ["src/core/patience.ts keepAliveDue", "src/transport/tcp-detectors.ts tcpDetectors"],
    tests: [
      "tests/conformance/checks/session.ts the connection is closed at 1.5 times the Keep Alive",
      "tests/conformance/checks/session.ts every packet restarts the silence",
      "tests/conformance/checks/session.ts what the broker sends does not keep a silent client alive",
      "tests/conformance/checks/session.ts Keep Alive 0 ends nothing",
      "tests/conformance/checks/will.ts a will is published when the Keep Alive is over",
    ],
  },
  "v4-3.1.3-1": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts fields are taken in the order of the standard"],
  },
  "v4-3.1.3-2": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: ["tests/conformance/checks/connect.ts a session is its client id's"],
  },
  "v4-3.1.3-3": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a CONNECT without client id is refused"],
  },
  "v4-3.1.3-4": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a client id that is no UTF-8 is refused"],
  },
  "v4-3.1.3-5": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts ids of 1 to 23 digits and letters are accepted"],
  },
  "v4-3.1.3-6": {
    obeyed: ["src/core/connect.ts connectReceived"],
    tests: ["tests/conformance/checks/connect.ts each empty client id gets one of its own"],
  },
  "v4-3.1.3-8": {
    obeyed: ["src/core/refusal.ts refusalByPacket"],
    tests: [
      "tests/conformance/checks/connect.ts an empty client id with Clean Session 0: CONNACK 0x02, then closed",
    ],
  },
  "v4-3.1.3-9": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: [
      "tests/conformance/checks/connect.ts an empty client id with Clean Session 0: CONNACK 0x02, then closed",
      "tests/conformance/checks/connect.ts a client id that is not wanted is closed",
    ],
  },
  "v4-3.1.3-10": {
    obeyed: ["src/wire/connect.ts walkWill"],
    tests: ["tests/conformance/checks/data.ts a Will Topic that is no UTF-8 is refused"],
  },
  "v4-3.1.3-11": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/data.ts a user name that is no UTF-8 is refused"],
  },
  "v4-3.1.4-1": {
    obeyed: ["src/core/malformed.ts endMalformed"],
    tests: ["tests/conformance/checks/connect.ts a CONNECT that breaks the format is closed"],
  },
  "v4-3.1.4-2": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: ["tests/conformance/checks/connect.ts an existing connection with the id is closed"],
  },
  "v4-3.1.4-3": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
      "tests/conformance/checks/session.ts a clean start discards subscriptions and queued messages",
    ],
  },
  "v4-3.1.4-4": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connect.ts a good CONNECT gets CONNACK 0x00"],
  },
  "v4-3.1.4-5": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts what follows a refused CONNECT is not processed"],
  },
  "v4-3.2.0-1": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts the first packet is CONNACK"],
  },
  "v4-3.2.2-1": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts a clean start: Session Present 0"],
  },
  "v4-3.2.2-2": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts Session Present says whether there is a session"],
  },
  "v4-3.2.2-3": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts Session Present says whether there is a session"],
  },
  "v4-3.2.2-4": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts refused: Session Present 0, session or not"],
  },
  "v4-3.2.2-5": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts refused: the connection is closed"],
  },
  "v4-3.2.2-6": {
    obeyed: ["src/wire/return-codes.ts returnCodes"],
    tests: [
      "tests/conformance/checks/connect.ts where no return code fits: closed without CONNACK",
    ],
  },
  "v4-3.3.1-1": {
    obeyed: ["src/core/forward.ts resendFirst"],
    tests: ["tests/conformance/checks/publish.ts DUP is set when a PUBLISH is sent again"],
  },
  "v4-3.3.1-2": {
    obeyed: ["src/wire/publish.ts readPublish"],
    tests: ["tests/conformance/checks/publish.ts QoS 0 comes once, with DUP 0"],
  },
  "v4-3.3.1-3": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/publish.ts the publisher's DUP reaches nobody"],
  },
  "v4-3.3.1-4": {
    obeyed: ["src/wire/publish.ts readPublish"],
    tests: ["tests/conformance/checks/publish.ts QoS 3 closes the connection"],
  },
  "v4-3.3.1-5": {
    obeyed: ["src/core/retain.ts retain"],
    tests: [
      "tests/conformance/checks/retained.ts a retained message is sent to each later subscriber, with its QoS and RETAIN 1",
      "tests/conformance/checks/retained.ts RETAIN 1 replaces the retained message",
    ],
  },
  "v4-3.3.1-6": {
    obeyed: ["src/core/subscribe.ts replay"],
    tests: [
      "tests/conformance/checks/retained.ts a retained message is sent to each later subscriber, with its QoS and RETAIN 1",
      "tests/conformance/checks/retained.ts the last retained message of each topic is sent",
    ],
  },
  "v4-3.3.1-7": {
    obeyed: ["src/core/retain.ts retain"],
    tests: ["tests/conformance/checks/retained.ts RETAIN 1 replaces the retained message"],
  },
  "v4-3.3.1-8": {
    obeyed: ["src/core/forward.ts retainedCopy"],
    tests: [
      "tests/conformance/checks/retained.ts a retained message is sent to each later subscriber, with its QoS and RETAIN 1",
    ],
  },
  "v4-3.3.1-9": {
    obeyed: ["src/core/copy.ts copyFor"],
    tests: ["tests/conformance/checks/retained.ts RETAIN is 0 for a subscription that stood"],
  },
  "v4-3.3.1-10": {
    obeyed: ["src/core/retain.ts retain"],
    tests: [
      "tests/conformance/checks/retained.ts RETAIN 1 without payload is passed on, and deletes what is kept",
    ],
  },
  "v4-3.3.1-11": {
    obeyed: ["src/core/retain.ts retain"],
    tests: ["tests/conformance/checks/retained.ts no message without payload is retained"],
  },
  "v4-3.3.1-12": {
    obeyed: ["src/core/retain.ts retain"],
    tests: ["tests/conformance/checks/retained.ts RETAIN 0 changes nothing that is kept"],
  },
  "v4-3.3.2-1": {
    obeyed: ["src/wire/topics.ts TopicNames.read"],
    tests: ["tests/conformance/checks/publish.ts a PUBLISH whose name does not fit is closed"],
  },
  "v4-3.3.2-2": {
    obeyed: ["src/wire/topics.ts TopicNames.read", "src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/publish.ts a wildcard in a Topic Name closes the connection"],
  },
  "v4-3.3.2-3": {
    obeyed: ["src/core/subscriptions.ts Subscriptions.match"],
    tests: ["tests/conformance/checks/publish.ts a delivered message has the publisher's topic"],
  },
  "v4-3.3.4-1": {
    obeyed: ["src/core/acknowledge.ts acknowledge"],
    tests: ["tests/conformance/checks/publish.ts PUBLISH is answered by its QoS"],
  },
  "v4-3.3.5-1": {
    obeyed: ["src/core/copy.ts Recipient", "src/core/match.ts merge"],
    tests: [
      "tests/conformance/checks/publish.ts overlapping subscriptions: the highest QoS among them arrives",
    ],
  },
  "v4-3.3.5-2": {
    obeyed: ["src/core/publish-packet.ts refuse"],
    tests: [
      "tests/conformance/checks/publish.ts a PUBLISH that is not allowed is acknowledged or closed, and reaches nobody",
    ],
  },
  "v4-3.6.1-1": {
    obeyed: ["src/wire/ack.ts firstBytes", "src/wire/grammar.ts packets"],
    tests: ["tests/conformance/checks/delivery.ts PUBREL with other flags closes the connection"],
  },
  "v4-3.8.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE with other flags closes the connection",
    ],
  },
  "v4-3.8.3-1": {
    obeyed: ["src/wire/filter.ts walkFilter"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE with a filter that is no UTF-8 closes the connection",
    ],
  },
  "v4-3.8.3-3": {
    obeyed: ["src/wire/subscribe.ts walkRequests"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE without a filter closes the connection",
    ],
  },
  "v4-3.8.3-4": {
    obeyed: ["src/wire/subscribe.ts walkRequests"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE with reserved bits or QoS 3 closes the connection",
    ],
  },
  "v4-3.8.4-1": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
    ],
  },
  "v4-3.8.4-2": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
    ],
  },
  "v4-3.8.4-3": {
    obeyed: ["src/core/subscribe.ts replay", "src/core/subscriptions.ts Subscriptions.add"],
    tests: [
      "tests/conformance/checks/subscribe.ts the same filter again replaces the subscription",
      "tests/conformance/checks/subscribe.ts replacing a subscription sends retained messages again and loses nothing",
    ],
  },
  "v4-3.8.4-4": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts many filters in one SUBSCRIBE are many subscriptions, with one SUBACK",
    ],
  },
  "v4-3.8.4-5": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
      "tests/conformance/checks/subscribe.ts a filter that is not granted has a code of failure",
    ],
  },
  "v4-3.8.4-6": {
    obeyed: ["src/core/copy.ts copyFor"],
    tests: [
      "tests/conformance/checks/subscribe.ts delivered with the lower of published and granted QoS",
    ],
  },
  "v4-3.9.3-1": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts codes of SUBACK are in the order of the filters",
    ],
  },
  "v4-3.9.3-2": {
    obeyed: ["src/wire/answer.ts writeSuback"],
    tests: [
      "tests/conformance/checks/subscribe.ts a filter that is not granted has a code of failure",
    ],
  },
  "v4-3.10.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE with other flags closes the connection",
    ],
  },
  "v4-3.10.3-1": {
    obeyed: ["src/wire/filter.ts walkFilter"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE with a filter that is no UTF-8 closes the connection",
    ],
  },
  "v4-3.10.3-2": {
    obeyed: ["src/wire/subscribe.ts readUnsubscribe"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE without a filter closes the connection",
    ],
  },
  "v4-3.10.4-1": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE deletes the very same filter only",
    ],
  },
  "v4-3.10.4-2": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: ["tests/conformance/checks/unsubscribe.ts after UNSUBSCRIBE no new message is sent"],
  },
  "v4-3.10.4-3": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE lets deliveries finish, on this connection or the next",
    ],
  },
  "v4-3.10.4-4": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK comes with the packet id, whether or not there was a subscription",
    ],
  },
  "v4-3.10.4-5": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK comes with the packet id, whether or not there was a subscription",
    ],
  },
  "v4-3.10.4-6": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts many filters in one UNSUBSCRIBE are all deleted, with one UNSUBACK",
    ],
  },
  "v4-3.12.4-1": {
    obeyed: ["src/core/received-packet.ts packetReceived"],
    tests: ["tests/conformance/checks/unsubscribe.ts each PINGREQ is answered by a PINGRESP"],
  },
  "v4-3.14.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/disconnect.ts DISCONNECT with reserved bits set closes the connection",
    ],
  },
  "v4-3.14.4-3": {
    obeyed: ["src/core/will-fate.ts endWill"],
    tests: ["tests/conformance/checks/will.ts DISCONNECT discards the will"],
  },
  "v4-4.1.0-1": {
    obeyed: ["src/core/session-end.ts startExpiry"],
    tests: ["tests/conformance/checks/session.ts QoS 1 and 2 are kept for a session that is away"],
  },
  "v4-4.1.0-2": {
    obeyed: ["src/core/session-end.ts endSession"],
    tests: [
      "tests/conformance/checks/session.ts state lives as long as the connection, whatever its expiry",
    ],
  },
  "v4-4.3.1-1": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/publish.ts QoS 0 comes once, with DUP 0"],
  },
  "v4-4.3.2-1": {
    obeyed: ["src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/delivery.ts QoS 1 is sent with DUP 0, and open until PUBACK",
      "tests/conformance/checks/delivery.ts a packet id is used again once it is free",
    ],
  },
  "v4-4.3.2-2": {
    obeyed: ["src/core/acknowledge.ts acknowledge", "src/core/publish-packet.ts publishReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBACK the packet id means a new message, DUP or not",
    ],
  },
  "v4-4.3.3-1": {
    obeyed: ["src/core/acknowledge.ts pubrecReceived", "src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/delivery.ts QoS 2 is sent with DUP 0, and open until PUBREC",
      "tests/conformance/checks/delivery.ts after PUBREC it is PUBREL that is open, and no PUBLISH any more",
    ],
  },
  "v4-4.3.3-2": {
    obeyed: [
      "src/core/acknowledge.ts pubrelReceived",
      "src/core/publish-packet.ts publishReceived",
    ],
    tests: [
      "tests/conformance/checks/delivery.ts until PUBREL a QoS 2 message is passed on once, and each copy gets a PUBREC",
      "tests/conformance/checks/delivery.ts a QoS 2 message is passed on once, also over two connections of a session",
      "tests/conformance/checks/delivery.ts a QoS 2 message is passed on once, also where a connection is taken over",
      "tests/conformance/checks/delivery.ts after PUBCOMP the packet id means a new message",
    ],
  },
  "v4-4.4.0-1": {
    obeyed: ["src/client/outgoing.ts Outgoing.resend", "src/core/forward.ts startResends"],
    tests: [
      "tests/conformance/checks/delivery.ts what is open is sent again, with its packet ids and in its order",
    ],
  },
  "v4-4.5.0-1": {
    obeyed: ["src/core/publish.ts publish"],
    tests: ["tests/conformance/checks/session.ts QoS 1 and 2 are kept for a session that is away"],
  },
  "v4-4.6.0-1": {
    obeyed: ["src/client/outgoing.ts Outgoing.resend"],
    tests: [],
  },
  "v4-4.6.0-5": {
    obeyed: ["src/core/forward.ts pump"],
    tests: ["tests/conformance/checks/delivery.ts messages arrive in the order of their publisher"],
  },
  "v4-4.6.0-6": {
    obeyed: ["src/core/forward.ts pump"],
    tests: [
      "tests/conformance/checks/delivery.ts what is open is sent again, with its packet ids and in its order",
      "tests/conformance/checks/delivery.ts messages arrive in the order of their publisher",
      "tests/conformance/checks/delivery.ts messages queued for a session keep their order",
    ],
  },
  "v4-4.7.1-1": {
    obeyed: ["src/wire/connect.ts checkWillTopic"],
    tests: [
      "tests/conformance/checks/publish.ts a wildcard in a Topic Name closes the connection",
      "tests/conformance/checks/topics.ts a wildcard in a Will Topic is refused",
    ],
  },
  "v4-4.7.1-2": {
    obeyed: ["src/wire/filter.ts walkLevels"],
    tests: ["tests/conformance/checks/topics.ts # is a whole level, and the last"],
  },
  "v4-4.7.1-3": {
    obeyed: ["src/wire/filter.ts walkLevels"],
    tests: ["tests/conformance/checks/topics.ts + is a whole level, anywhere"],
  },
  "v4-4.7.2-1": {
    obeyed: [
      "src/core/rule-tree.ts RuleTree.#find",
      "src/core/subscriptions.ts Subscriptions.#patternsFor",
      "src/core/topic.ts isReserved",
      "src/core/topic.ts isHidden",
    ],
    tests: [
      "tests/conformance/checks/topics.ts filters that begin with a wildcard do not match topics that begin with $",
    ],
  },
  "v4-4.7.3-1": {
    obeyed: [
      "src/core/topic.ts isVisibleThroughMount",
      "src/wire/connect.ts checkWillTopic",
      "src/wire/filter.ts walkFilter",
      "src/wire/publish.ts readPublish",
    ],
    tests: ["tests/conformance/checks/topics.ts an empty name or filter is refused"],
  },
  "v4-4.7.3-2": {
    obeyed: ["src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/topics.ts U+0000 in a name or filter closes the connection"],
  },
  "v4-4.7.3-3": {
    obeyed: ["src/core/topic.ts tooLong"],
    tests: ["tests/conformance/checks/topics.ts names and filters of 65,535 bytes work"],
  },
  "v4-4.7.3-4": {
    obeyed: ["src/core/subscriptions.ts Subscriptions.match"],
    tests: ["tests/conformance/checks/topics.ts names are compared as they are"],
  },
  "v4-4.8.0-1": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: [
      "tests/conformance/checks/disconnect.ts what no client may send closes the connection, and no other",
    ],
  },
  "v4-4.8.0-2": {
    obeyed: [],
    tests: ["tests/conformance/checks/session.ts a client beyond the server's capacity is closed"],
  },
  "v4-6.0.0-1": {
    obeyed: [
      "src/core/end-causes.ts lossStatement",
      "src/websocket/frame-reader.ts FrameReader.take",
      "src/websocket/frames.ts serverHeader",
    ],
    tests: [
      "tests/conformance/checks/websocket.ts the broker sends binary frames, and closes the connection at a text frame",
    ],
  },
  "v4-6.0.0-2": {
    obeyed: ["src/transport/websocket.ts WebSocketLink.#read"],
    tests: [
      "tests/conformance/checks/websocket.ts a packet in several frames is one packet",
      "tests/conformance/checks/websocket.ts several packets in one frame are as many",
    ],
  },
  "v4-6.0.0-3": {
    obeyed: ["src/websocket/handshake.ts upgradeRequest"],
    tests: [],
  },
  "v4-6.0.0-4": {
    obeyed: ["src/websocket/handshake.ts answerUpgrade"],
    tests: [
      "tests/conformance/checks/websocket.ts the answer to an upgrade selects the subprotocol mqtt",
    ],
  },
  "v4-7.0.0-2": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/data.ts bytes are a stream: packets come in pieces, or many at once",
    ],
  },
  "v4-7.1.1-1": {
    obeyed: ["src/transport/transport.ts Link"],
    tests: [
      "tests/conformance/checks/data.ts bytes are a stream: packets come in pieces, or many at once",
    ],
  },
  "v5-1.5.4-1": {
    obeyed: ["src/wire/cursor.ts Cursor.text", "src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/data.ts ill-formed UTF-8 closes the connection"],
  },
  "v5-1.5.4-2": {
    obeyed: [
      "src/config/listener-schema.ts mountPoint",
      "src/wire/cursor.ts Cursor.text",
      "src/wire/topics.ts decodeTopic",
    ],
    tests: ["tests/conformance/checks/data.ts U+0000 closes the connection"],
  },
  "v5-1.5.4-3": {
    obeyed: ["src/wire/utf8.ts decodeText"],
    tests: ["tests/conformance/checks/data.ts U+FEFF is kept in names and filters"],
  },
  "v5-1.5.5-1": {
    obeyed: [
      "src/wire/cursor.ts Cursor.variable",
      "src/wire/fixed-header.ts wastefulLength",
      "src/wire/variable.ts writeVariable",
    ],
    tests: [
      "tests/conformance/checks/data.ts the broker's lengths take as few bytes as they can",
      "tests/conformance/checks/data.ts a length in more bytes than it needs is malformed",
      "tests/conformance/checks/data.ts one message for many clients arrives whole, at every step of its length",
    ],
  },
  "v5-1.5.7-1": {
    obeyed: ["src/wire/property.ts walkValue"],
    tests: ["tests/conformance/checks/data.ts ill-formed strings of a pair close the connection"],
  },
  "v5-2.1.3-1": {
    obeyed: ["src/wire/ack.ts firstBytes", "src/wire/grammar.ts flagless"],
    tests: [
      "tests/conformance/checks/data.ts the broker's packets have the flags of the table",
      "tests/conformance/checks/data.ts reserved flags that are set close the connection",
    ],
  },
  "v5-2.2.1-2": {
    obeyed: ["src/core/forward.ts enterWindow", "src/wire/publish.ts writePublish"],
    tests: ["tests/conformance/checks/data.ts a delivery with QoS 0 has no packet id"],
  },
  "v5-2.2.1-3": {
    obeyed: [
      "src/client/machine.ts hasPacketId",
      "src/client/outgoing.ts Outgoing.add",
      "src/wire/publish.ts readPublish",
      "src/wire/subscribe.ts readSubscribe",
      "src/wire/subscribe.ts readUnsubscribe",
    ],
    tests: ["tests/conformance/checks/data.ts packet id 0 closes the connection"],
  },
  "v5-2.2.1-4": {
    obeyed: ["src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/data.ts open deliveries have packet ids of their own, and none is 0",
      "tests/conformance/checks/data.ts one message for many clients has another packet id for each",
      "tests/conformance/checks/data.ts one message for many clients arrives whole, at every step of its length",
    ],
  },
  "v5-2.2.1-5": {
    obeyed: ["src/wire/grammar.ts walkAcknowledgement"],
    tests: ["tests/conformance/checks/data.ts acknowledgements carry the id of their PUBLISH"],
  },
  "v5-2.2.1-6": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: ["tests/conformance/checks/data.ts SUBACK and UNSUBACK carry the id of their question"],
  },
  "v5-2.2.2-1": {
    obeyed: ["src/wire/property.ts walkProperties"],
    tests: [
      "tests/conformance/checks/data.ts a delivery is the same whatever version the publisher speaks",
      "tests/conformance/checks/data.ts where there are no properties there is a Property Length of 0",
    ],
  },
  "v5-3.1.0-1": {
    obeyed: ["src/core/received-packet.ts endUnconnected", "src/wire/fixed-header.ts notConnect"],
    tests: ["tests/conformance/checks/connect.ts a first packet other than CONNECT is closed"],
  },
  "v5-3.1.0-2": {
    obeyed: ["src/core/connect.ts connectReceived", "src/wire/fixed-header.ts secondConnect"],
    tests: ["tests/conformance/checks/connect.ts a second CONNECT is closed"],
  },
  "v5-3.1.2-1": {
    obeyed: ["src/wire/connect.ts walkProtocol"],
    tests: ["tests/conformance/checks/connect.ts another protocol name is refused"],
  },
  "v5-3.1.2-2": {
    obeyed: ["src/wire/connect.ts connectProtocol", "src/wire/connect.ts walkProtocol"],
    tests: ["tests/conformance/checks/connect.ts an unsupported version is refused"],
  },
  "v5-3.1.2-3": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/connect.ts the reserved Connect Flag is refused"],
  },
  "v5-3.1.2-4": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a clean start discards subscriptions and queued messages",
    ],
  },
  "v5-3.1.2-5": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
    ],
  },
  "v5-3.1.2-6": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
      "tests/conformance/checks/session.ts without an expiry a session ends with its connection",
    ],
  },
  "v5-3.1.2-7": {
    obeyed: ["src/core/connect.ts armWill"],
    tests: [
      "tests/conformance/checks/will.ts a will is published when the connection ends without DISCONNECT",
      "tests/conformance/checks/will.ts a will waits for its Will Delay Interval",
    ],
  },
  "v5-3.1.2-8": {
    obeyed: [
      "src/core/session-end.ts endSession",
      "src/core/will-fate.ts endWill",
      "src/core/will-fate.ts delaySecondsOf",
      "src/core/will-fate.ts endDelay",
      "src/core/will.ts willDelay",
    ],
    tests: [
      "tests/conformance/checks/will.ts a will is published when the connection ends without DISCONNECT",
      "tests/conformance/checks/will.ts a will is published when the Keep Alive is over",
      "tests/conformance/checks/will.ts a will is published when the broker closes because of an error",
      "tests/conformance/checks/will.ts a will is published when its connection is taken over",
      "tests/conformance/checks/will.ts DISCONNECT 0x04 and error codes publish the will",
      "tests/conformance/checks/will.ts a will waits for its Will Delay Interval",
      "tests/conformance/checks/will.ts the session's end cuts the delay short",
      "tests/conformance/checks/will.ts a will has what it was given, less its delay",
    ],
  },
  "v5-3.1.2-9": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/will.ts a Will Flag without the will's fields is refused"],
  },
  "v5-3.1.2-10": {
    obeyed: ["src/core/will-fate.ts setFate"],
    tests: [
      "tests/conformance/checks/will.ts a will that was published is gone, and so is one that was discarded",
      "tests/conformance/checks/will.ts DISCONNECT discards the will",
    ],
  },
  "v5-3.1.2-11": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/will.ts a Will QoS without the Will Flag is refused"],
  },
  "v5-3.1.2-12": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: [
      "tests/conformance/checks/will.ts a will is published with its QoS",
      "tests/conformance/checks/will.ts Will QoS 3 is refused",
    ],
  },
  "v5-3.1.2-13": {
    obeyed: ["src/wire/connect.ts checkConnectFlags"],
    tests: ["tests/conformance/checks/will.ts a Will Retain without the Will Flag is refused"],
  },
  "v5-3.1.2-14": {
    obeyed: ["src/core/will-fate.ts publishWill"],
    tests: ["tests/conformance/checks/will.ts Will Retain 0: nothing is retained"],
  },
  "v5-3.1.2-15": {
    obeyed: ["src/core/will-fate.ts publishWill"],
    tests: [
      "tests/conformance/checks/will.ts a retained will without payload deletes",
      "tests/conformance/checks/will.ts Will Retain 1: the will is retained",
    ],
  },
  "v5-3.1.2-16": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: [
      "tests/conformance/checks/connect.ts a user name without its flag is refused",
      "tests/conformance/checks/connect.ts a password without user name is accepted",
      "tests/conformance/checks/will.ts a will takes no user name for a field of its own",
    ],
  },
  "v5-3.1.2-17": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a flag without user name is refused"],
  },
  "v5-3.1.2-18": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a password without its flag is refused"],
  },
  "v5-3.1.2-19": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a flag without password is refused"],
  },
  "v5-3.1.2-21": {
    obeyed: [
      "src/client/client.ts Client.keepAliveSeconds",
      "src/core/connack.ts keepAliveSecondsInForce",
    ],
    tests: [],
  },
  "v5-3.1.2-22": {
    obeyed: ["src/core/patience.ts keepAliveDue", "src/transport/tcp-detectors.ts tcpDetectors"],
    tests: [
      "tests/conformance/checks/session.ts the connection is closed at 1.5 times the Keep Alive",
      "tests/conformance/checks/session.ts every packet restarts the silence",
      "tests/conformance/checks/session.ts what the broker sends does not keep a silent client alive",
      "tests/conformance/checks/session.ts Keep Alive 0 ends nothing",
      "tests/conformance/checks/will.ts a will is published when the Keep Alive is over",
    ],
  },
  "v5-3.1.2-23": {
    obeyed: [
      "src/core/connack.ts sessionExpirySecondsInForce",
      "src/core/session-end.ts startExpiry",
    ],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
      "tests/conformance/checks/session.ts QoS 1 and 2 are kept for a session that is away",
      "tests/conformance/checks/session.ts DISCONNECT can set another expiry",
    ],
  },
  "v5-3.1.2-24": {
    obeyed: [
      "src/core/decision.ts decide",
      "src/core/packet-size.ts fitToSize",
      "src/core/refusal.ts refusalBySize",
    ],
    tests: [
      "tests/conformance/checks/delivery.ts what is larger than the client takes is left out, as if it had been sent",
      "tests/conformance/checks/delivery.ts a SUBACK or UNSUBACK that is too large is not sent",
      "tests/conformance/checks/delivery.ts a CONNACK that is too large is not sent",
    ],
  },
  "v5-3.1.2-25": {
    obeyed: [
      "src/core/decision.ts decide",
      "src/core/forward.ts resendFirst",
      "src/core/packet-size.ts fitToSize",
    ],
    tests: [
      "tests/conformance/checks/delivery.ts what is larger than the client takes is left out, as if it had been sent",
    ],
  },
  "v5-3.1.2-26": {
    obeyed: ["src/core/forward.ts aliasFor"],
    tests: [
      "tests/conformance/checks/publish.ts the broker's aliases keep within the client's maximum",
    ],
  },
  "v5-3.1.2-27": {
    obeyed: ["src/core/forward.ts aliasFor"],
    tests: [
      "tests/conformance/checks/publish.ts the publisher's alias is its own, and what surrounds it is passed on",
      "tests/conformance/checks/publish.ts without a Topic Alias Maximum there are no aliases",
    ],
  },
  "v5-3.1.2-28": {
    obeyed: ["src/core/connack.ts connackProperties"],
    tests: ["tests/conformance/checks/connack.ts no Response Information unless it was asked for"],
  },
  "v5-3.1.2-29": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts Request Problem Information 0: neither Reason String nor User Properties",
    ],
  },
  "v5-3.1.3-1": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts fields are taken in the order of the standard"],
  },
  "v5-3.1.3-2": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: ["tests/conformance/checks/connect.ts a session is its client id's"],
  },
  "v5-3.1.3-3": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a CONNECT without client id is refused"],
  },
  "v5-3.1.3-4": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts a client id that is no UTF-8 is refused"],
  },
  "v5-3.1.3-5": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/connect.ts ids of 1 to 23 digits and letters are accepted"],
  },
  "v5-3.1.3-6": {
    obeyed: ["src/core/connect.ts connectReceived"],
    tests: ["tests/conformance/checks/connect.ts each empty client id gets one of its own"],
  },
  "v5-3.1.3-7": {
    obeyed: ["src/core/connack.ts connackProperties", "src/core/connect.ts connectReceived"],
    tests: ["tests/conformance/checks/connect.ts the id that is given works like one's own"],
  },
  "v5-3.1.3-8": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts a client id that is not wanted is closed"],
  },
  "v5-3.1.3-9": {
    obeyed: [
      "src/core/will-fate.ts delaySecondsOf",
      "src/core/will-fate.ts cancelDelayedWill",
      "src/core/will.ts willDelay",
    ],
    tests: ["tests/conformance/checks/will.ts back before the delay is over: no will"],
  },
  "v5-3.1.3-10": {
    obeyed: ["src/core/will-fate.ts publishWill"],
    tests: ["tests/conformance/checks/will.ts User Properties of a will keep their order"],
  },
  "v5-3.1.3-11": {
    obeyed: ["src/wire/connect.ts walkWill"],
    tests: ["tests/conformance/checks/data.ts a Will Topic that is no UTF-8 is refused"],
  },
  "v5-3.1.3-12": {
    obeyed: ["src/wire/connect.ts readConnect"],
    tests: ["tests/conformance/checks/data.ts a user name that is no UTF-8 is refused"],
  },
  "v5-3.1.4-1": {
    obeyed: ["src/core/malformed.ts endMalformed"],
    tests: ["tests/conformance/checks/connect.ts a CONNECT that breaks the format is closed"],
  },
  "v5-3.1.4-2": {
    obeyed: [
      "src/core/refusal.ts refusalByWill",
      "src/core/refusal.ts refusalByStop",
      "src/core/refusal.ts refusalByStore",
      "src/core/refusal.ts refusalByRoom",
      "src/server/accounts/accounts.ts Accounts.#enqueue",
      "src/server/accounts/accounts.ts Accounts.#check",
      "src/server/auth.ts anonymousRefused",
      "src/server/auth.ts wrongCredentials",
      "src/server/auth.ts byCertificate",
    ],
    tests: [
      "tests/conformance/checks/connect.ts a client that may not come in is closed",
      "tests/conformance/checks/connect.ts a client whose will may not be published is closed",
    ],
  },
  "v5-3.1.4-3": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/connect.ts an existing connection with the id gets 0x8E and is closed",
    ],
  },
  "v5-3.1.4-4": {
    obeyed: ["src/core/connect.ts openSession"],
    tests: [
      "tests/conformance/checks/session.ts a resumed session: its subscriptions work without a new SUBSCRIBE",
      "tests/conformance/checks/session.ts a clean start discards subscriptions and queued messages",
    ],
  },
  "v5-3.1.4-5": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connect.ts a good CONNECT gets CONNACK 0x00"],
  },
  "v5-3.1.4-6": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts what follows a refused CONNECT is not processed"],
  },
  "v5-3.2.0-1": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts the first packet is CONNACK"],
  },
  "v5-3.2.0-2": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts there is one CONNACK"],
  },
  "v5-3.2.2-1": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/connack.ts reserved bits of the Connect Acknowledge Flags are 0",
    ],
  },
  "v5-3.2.2-2": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts a clean start: Session Present 0"],
  },
  "v5-3.2.2-3": {
    obeyed: ["src/core/connect.ts accept"],
    tests: ["tests/conformance/checks/connack.ts Session Present says whether there is a session"],
  },
  "v5-3.2.2-6": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts refused: Session Present 0, session or not"],
  },
  "v5-3.2.2-7": {
    obeyed: ["src/core/refusal.ts refuse"],
    tests: ["tests/conformance/checks/connect.ts refused: the connection is closed"],
  },
  "v5-3.2.2-8": {
    obeyed: [],
    tests: ["tests/conformance/checks/connack.ts refusals have codes of the table"],
  },
  "v5-3.2.2-9": {
    obeyed: ["src/core/connack.ts connackProperties"],
    tests: [
      "tests/conformance/checks/connack.ts what is not supported is announced, and closed: QoS 0",
      "tests/conformance/checks/connack.ts what is not supported is announced, and closed: QoS 1",
    ],
  },
  "v5-3.2.2-10": {
    obeyed: ["src/core/subscribe.ts subscribe"],
    tests: [
      "tests/conformance/checks/connack.ts SUBSCRIBE with any QoS is taken where Maximum QoS is 0",
    ],
  },
  "v5-3.2.2-11": {
    obeyed: ["src/core/publish-packet.ts violationOf"],
    tests: [
      "tests/conformance/checks/connack.ts what is not supported is announced, and closed: QoS 0",
      "tests/conformance/checks/connack.ts what is not supported is announced, and closed: QoS 1",
    ],
  },
  "v5-3.2.2-12": {
    obeyed: ["src/core/refusal.ts refusalByWill"],
    tests: ["tests/conformance/checks/connack.ts a Will QoS that is not supported is refused"],
  },
  "v5-3.2.2-13": {
    obeyed: ["src/core/refusal.ts refusalByWill"],
    tests: ["tests/conformance/checks/connack.ts a Will Retain that is not supported is refused"],
  },
  "v5-3.2.2-14": {
    obeyed: ["src/core/publish-packet.ts violationOf"],
    tests: [
      "tests/conformance/checks/connack.ts RETAIN that is not supported closes the connection",
    ],
  },
  "v5-3.2.2-15": {
    obeyed: ["src/wire/too-large.ts tooLarge"],
    tests: ["tests/conformance/checks/connack.ts a packet above the Maximum Packet Size is closed"],
  },
  "v5-3.2.2-16": {
    obeyed: ["src/core/connack.ts connackProperties"],
    tests: ["tests/conformance/checks/connect.ts the id that is given works like one's own"],
  },
  "v5-3.2.2-17": {
    obeyed: ["src/core/publish-packet.ts topicOf"],
    tests: ["tests/conformance/checks/publish.ts an alias above the maximum closes the connection"],
  },
  "v5-3.2.2-18": {
    obeyed: ["src/core/publish-packet.ts topicOf"],
    tests: [
      "tests/conformance/checks/connack.ts an alias where none are taken closes the connection",
    ],
  },
  "v5-3.2.2-19": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: ["tests/conformance/checks/connack.ts a refusal fits the client's Maximum Packet Size"],
  },
  "v5-3.2.2-20": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: ["tests/conformance/checks/connack.ts a refusal fits the client's Maximum Packet Size"],
  },
  "v5-3.2.2-22": {
    obeyed: ["src/core/connack.ts keepAliveSecondsInForce"],
    tests: [
      "tests/conformance/checks/session.ts the connection is closed at 1.5 times the Keep Alive",
      "tests/conformance/checks/session.ts a Server Keep Alive takes the place of the client's",
      "tests/conformance/checks/session.ts a Server Keep Alive is sent to the clients it concerns",
    ],
  },
  "v5-3.3.1-1": {
    obeyed: ["src/core/forward.ts resendFirst"],
    tests: ["tests/conformance/checks/publish.ts DUP is set when a PUBLISH is sent again"],
  },
  "v5-3.3.1-2": {
    obeyed: ["src/wire/publish.ts readPublish"],
    tests: ["tests/conformance/checks/publish.ts QoS 0 comes once, with DUP 0"],
  },
  "v5-3.3.1-3": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/publish.ts the publisher's DUP reaches nobody"],
  },
  "v5-3.3.1-4": {
    obeyed: ["src/wire/publish.ts readPublish"],
    tests: ["tests/conformance/checks/publish.ts QoS 3 closes the connection"],
  },
  "v5-3.3.1-5": {
    obeyed: ["src/core/retained.ts Retained.store"],
    tests: ["tests/conformance/checks/retained.ts RETAIN 1 replaces the retained message"],
  },
  "v5-3.3.1-6": {
    obeyed: ["src/core/retained.ts Retained.clear"],
    tests: [
      "tests/conformance/checks/retained.ts RETAIN 1 without payload is passed on, and deletes what is kept",
    ],
  },
  "v5-3.3.1-7": {
    obeyed: ["src/core/retain.ts retain"],
    tests: ["tests/conformance/checks/retained.ts no message without payload is retained"],
  },
  "v5-3.3.1-8": {
    obeyed: ["src/core/retain.ts retain"],
    tests: ["tests/conformance/checks/retained.ts RETAIN 0 changes nothing that is kept"],
  },
  "v5-3.3.1-9": {
    obeyed: ["src/core/subscribe.ts replay"],
    tests: [
      "tests/conformance/checks/retained.ts Retain Handling 0: retained messages at every SUBSCRIBE",
    ],
  },
  "v5-3.3.1-10": {
    obeyed: ["src/core/subscribe.ts replay"],
    tests: [
      "tests/conformance/checks/retained.ts Retain Handling 1: retained messages at a new subscription only",
      "tests/conformance/checks/retained.ts Retain Handling 1: a subscription of a session that goes on is not new",
    ],
  },
  "v5-3.3.1-11": {
    obeyed: ["src/core/subscribe.ts replay"],
    tests: ["tests/conformance/checks/retained.ts Retain Handling 2: no retained messages"],
  },
  "v5-3.3.1-12": {
    obeyed: ["src/core/copy.ts copyFor"],
    tests: [
      "tests/conformance/checks/retained.ts RETAIN is 0 for a subscription that stood",
      "tests/conformance/checks/retained.ts RETAIN of shared deliveries is by Retain As Published, too",
    ],
  },
  "v5-3.3.1-13": {
    obeyed: ["src/core/copy.ts copyFor"],
    tests: [
      "tests/conformance/checks/retained.ts Retain As Published: RETAIN is the publisher's",
      "tests/conformance/checks/retained.ts RETAIN of shared deliveries is by Retain As Published, too",
    ],
  },
  "v5-3.3.2-1": {
    obeyed: ["src/wire/topics.ts TopicNames.read"],
    tests: ["tests/conformance/checks/publish.ts a PUBLISH whose name does not fit is closed"],
  },
  "v5-3.3.2-2": {
    obeyed: ["src/wire/topics.ts TopicNames.read", "src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/publish.ts a wildcard in a Topic Name closes the connection"],
  },
  "v5-3.3.2-3": {
    obeyed: ["src/core/subscriptions.ts Subscriptions.match"],
    tests: ["tests/conformance/checks/publish.ts a delivered message has the publisher's topic"],
  },
  "v5-3.3.2-4": {
    obeyed: ["src/wire/property.ts forwardedProperties"],
    tests: ["tests/conformance/checks/publish.ts properties are passed on as they came"],
  },
  "v5-3.3.2-5": {
    obeyed: ["src/core/forward.ts pumpTo", "src/core/handover.ts handOverOne"],
    tests: [
      "tests/conformance/checks/publish.ts what expires before it is sent is deleted",
      "tests/conformance/checks/retained.ts a retained message expires like any other",
    ],
  },
  "v5-3.3.2-6": {
    obeyed: ["src/core/forward.ts deliver", "src/wire/publish.ts writePublish"],
    tests: [
      "tests/conformance/checks/publish.ts Message Expiry Interval is less by the time waited",
      "tests/conformance/checks/publish.ts the publisher's alias is its own, and what surrounds it is passed on",
      "tests/conformance/checks/retained.ts a retained message expires like any other",
    ],
  },
  "v5-3.3.2-7": {
    obeyed: ["src/core/connection.ts Connection.aliasesIn"],
    tests: ["tests/conformance/checks/publish.ts an alias is unknown on the next connection"],
  },
  "v5-3.3.2-8": {
    obeyed: ["src/wire/property.ts outOfRange"],
    tests: ["tests/conformance/checks/publish.ts alias 0 closes the connection"],
  },
  "v5-3.3.2-9": {
    obeyed: ["src/core/publish-packet.ts topicOf"],
    tests: ["tests/conformance/checks/publish.ts an alias above the maximum closes the connection"],
  },
  "v5-3.3.2-11": {
    obeyed: ["src/core/forward.ts aliasFor"],
    tests: [
      "tests/conformance/checks/publish.ts the broker's aliases keep within the client's maximum",
      "tests/conformance/checks/publish.ts the broker's aliases start afresh on each connection",
    ],
  },
  "v5-3.3.2-12": {
    obeyed: ["src/core/publish-packet.ts topicOf"],
    tests: ["tests/conformance/checks/publish.ts all aliases up to the maximum are taken"],
  },
  "v5-3.3.2-13": {
    obeyed: ["src/wire/property.ts walkValue"],
    tests: [
      "tests/conformance/checks/publish.ts a Response Topic that is no UTF-8 closes the connection",
    ],
  },
  "v5-3.3.2-14": {
    obeyed: ["src/wire/property.ts checkResponseTopic"],
    tests: [
      "tests/conformance/checks/publish.ts a wildcard in a Response Topic closes the connection",
    ],
  },
  "v5-3.3.2-15": {
    obeyed: ["src/core/packet.ts Message.properties", "src/wire/property.ts forwardedProperties"],
    tests: ["tests/conformance/checks/publish.ts properties are passed on as they came"],
  },
  "v5-3.3.2-16": {
    obeyed: ["src/core/packet.ts Message.properties", "src/wire/property.ts forwardedProperties"],
    tests: ["tests/conformance/checks/publish.ts properties are passed on as they came"],
  },
  "v5-3.3.2-17": {
    obeyed: ["src/wire/property.ts forwardedProperties"],
    tests: [
      "tests/conformance/checks/publish.ts properties are passed on as they came",
      "tests/conformance/checks/publish.ts the publisher's alias is its own, and what surrounds it is passed on",
    ],
  },
  "v5-3.3.2-18": {
    obeyed: [
      "src/core/packet.ts Message.properties",
      "src/wire/property.ts forwardedProperties",
      "src/wire/publish.ts writePublish",
    ],
    tests: [
      "tests/conformance/checks/publish.ts properties are passed on as they came",
      "tests/conformance/checks/publish.ts User Properties keep their order, names mixed",
    ],
  },
  "v5-3.3.2-19": {
    obeyed: ["src/wire/property.ts walkValue"],
    tests: [
      "tests/conformance/checks/publish.ts a Content Type that is no UTF-8 closes the connection",
    ],
  },
  "v5-3.3.2-20": {
    obeyed: ["src/core/packet.ts Message.properties", "src/wire/property.ts forwardedProperties"],
    tests: ["tests/conformance/checks/publish.ts properties are passed on as they came"],
  },
  "v5-3.3.4-1": {
    obeyed: ["src/core/acknowledge.ts acknowledge"],
    tests: ["tests/conformance/checks/publish.ts PUBLISH is answered by its QoS"],
  },
  "v5-3.3.4-2": {
    obeyed: ["src/core/copy.ts Recipient", "src/core/match.ts merge"],
    tests: [
      "tests/conformance/checks/publish.ts overlapping subscriptions: the highest QoS among them arrives",
    ],
  },
  "v5-3.3.4-3": {
    obeyed: ["src/core/match.ts merge"],
    tests: [
      "tests/conformance/checks/subscribe.ts Subscription Identifiers come with what they brought",
      "tests/conformance/checks/subscribe.ts Subscription Identifiers come with QoS 1 and 2, too, and when sent again",
      "tests/conformance/checks/subscribe.ts each of many clients gets its own Subscription Identifier, or none",
      "tests/conformance/checks/subscribe.ts a shared subscription has a Subscription Identifier of its own",
      "tests/conformance/checks/subscribe.ts Subscription Identifier 0 closes the connection",
    ],
  },
  "v5-3.3.4-4": {
    obeyed: ["src/core/match.ts merge"],
    tests: [
      "tests/conformance/checks/subscribe.ts Subscription Identifiers come with what they brought",
    ],
  },
  "v5-3.3.4-5": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/subscribe.ts Subscription Identifiers come with what they brought",
    ],
  },
  "v5-3.3.4-6": {
    obeyed: ["src/wire/property.ts misplaced"],
    tests: [
      "tests/conformance/checks/publish.ts a client's Subscription Identifier closes the connection",
    ],
  },
  "v5-3.3.4-7": {
    obeyed: ["src/core/publish-packet.ts violationOf"],
    tests: [
      "tests/conformance/checks/publish.ts more open messages than Receive Maximum close the connection",
    ],
  },
  "v5-3.3.4-9": {
    obeyed: ["src/core/decision.ts canSendNow", "src/core/forward.ts pumpTo"],
    tests: [
      "tests/conformance/checks/flow.ts no more QoS 1 messages are open than Receive Maximum, and the rest follows",
      "tests/conformance/checks/flow.ts a QoS 2 message is open until PUBCOMP, or a failing PUBREC",
    ],
  },
  "v5-3.3.4-10": {
    obeyed: ["src/core/forward.ts pump"],
    tests: [
      "tests/conformance/checks/flow.ts all but QoS 1 and 2 continues where nothing more may be open",
    ],
  },
  "v5-3.4.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes"],
    tests: ["tests/conformance/checks/delivery.ts PUBACK and PUBREC have codes of their tables"],
  },
  "v5-3.4.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.4.2-3": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.5.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes"],
    tests: ["tests/conformance/checks/delivery.ts PUBACK and PUBREC have codes of their tables"],
  },
  "v5-3.5.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.5.2-3": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.6.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: ["tests/conformance/checks/delivery.ts PUBREL with other flags closes the connection"],
  },
  "v5-3.6.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes"],
    tests: ["tests/conformance/checks/delivery.ts PUBREL and PUBCOMP have codes of their tables"],
  },
  "v5-3.6.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.6.2-3": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.7.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes"],
    tests: ["tests/conformance/checks/delivery.ts PUBREL and PUBCOMP have codes of their tables"],
  },
  "v5-3.7.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.7.2-3": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/delivery.ts acknowledgements fit the client's Maximum Packet Size",
    ],
  },
  "v5-3.8.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE with other flags closes the connection",
    ],
  },
  "v5-3.8.3-1": {
    obeyed: ["src/wire/filter.ts walkFilter"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE with a filter that is no UTF-8 closes the connection",
    ],
  },
  "v5-3.8.3-2": {
    obeyed: ["src/wire/subscribe.ts walkRequests"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBSCRIBE without a filter closes the connection",
    ],
  },
  "v5-3.8.3-3": {
    obeyed: ["src/core/match.ts matchOf"],
    tests: ["tests/conformance/checks/subscribe.ts No Local: one's own messages do not come back"],
  },
  "v5-3.8.3-4": {
    obeyed: ["src/core/subscribe.ts subscribe", "src/wire/subscribe.ts checkOptions"],
    tests: [
      "tests/conformance/checks/subscribe.ts No Local on a shared subscription closes the connection",
    ],
  },
  "v5-3.8.3-5": {
    obeyed: ["src/wire/subscribe.ts checkOptions"],
    tests: [
      "tests/conformance/checks/subscribe.ts reserved bits of Subscription Options close the connection",
    ],
  },
  "v5-3.8.4-1": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
    ],
  },
  "v5-3.8.4-2": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
    ],
  },
  "v5-3.8.4-3": {
    obeyed: ["src/core/subscriptions.ts Subscriptions.add"],
    tests: [
      "tests/conformance/checks/subscribe.ts the same filter again brings other options",
      "tests/conformance/checks/subscribe.ts the same filter again replaces the subscription",
    ],
  },
  "v5-3.8.4-4": {
    obeyed: ["src/core/subscribe.ts replay"],
    tests: [
      "tests/conformance/checks/subscribe.ts replacing a subscription sends retained messages again and loses nothing",
    ],
  },
  "v5-3.8.4-5": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts many filters in one SUBSCRIBE are many subscriptions, with one SUBACK",
    ],
  },
  "v5-3.8.4-6": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
    ],
  },
  "v5-3.8.4-7": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts SUBACK has the packet id, and a code for each filter",
      "tests/conformance/checks/subscribe.ts a filter that is not granted has a code of failure",
    ],
  },
  "v5-3.8.4-8": {
    obeyed: ["src/core/session.ts lesserQos"],
    tests: [
      "tests/conformance/checks/subscribe.ts delivered with the lower of published and granted QoS",
    ],
  },
  "v5-3.9.2-1": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: ["tests/conformance/checks/subscribe.ts SUBACK fits the client's Maximum Packet Size"],
  },
  "v5-3.9.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: ["tests/conformance/checks/subscribe.ts SUBACK fits the client's Maximum Packet Size"],
  },
  "v5-3.9.3-1": {
    obeyed: ["src/core/subscribe.ts subscribeReceived"],
    tests: [
      "tests/conformance/checks/subscribe.ts codes of SUBACK are in the order of the filters",
    ],
  },
  "v5-3.9.3-2": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/subscribe.ts a filter that is not granted has a code of failure",
    ],
  },
  "v5-3.10.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE with other flags closes the connection",
    ],
  },
  "v5-3.10.3-1": {
    obeyed: ["src/wire/filter.ts walkFilter"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE with a filter that is no UTF-8 closes the connection",
    ],
  },
  "v5-3.10.3-2": {
    obeyed: ["src/wire/subscribe.ts readUnsubscribe"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE without a filter closes the connection",
    ],
  },
  "v5-3.10.4-1": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE deletes the very same filter only",
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE takes a shared filter for another than the plain one",
    ],
  },
  "v5-3.10.4-2": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: ["tests/conformance/checks/unsubscribe.ts after UNSUBSCRIBE no new message is sent"],
  },
  "v5-3.10.4-3": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBSCRIBE lets deliveries finish, on this connection or the next",
    ],
  },
  "v5-3.10.4-4": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK comes with the packet id, whether or not there was a subscription",
    ],
  },
  "v5-3.10.4-5": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK comes with the packet id, whether or not there was a subscription",
    ],
  },
  "v5-3.10.4-6": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts many filters in one UNSUBSCRIBE are all deleted, with one UNSUBACK",
    ],
  },
  "v5-3.11.2-1": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK fits the client's Maximum Packet Size",
    ],
  },
  "v5-3.11.2-2": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK fits the client's Maximum Packet Size",
    ],
  },
  "v5-3.11.3-1": {
    obeyed: ["src/core/subscribe.ts unsubscribeReceived"],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK has a code for each filter, in their order",
    ],
  },
  "v5-3.11.3-2": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/unsubscribe.ts UNSUBACK has a code for each filter, in their order",
    ],
  },
  "v5-3.12.4-1": {
    obeyed: ["src/core/received-packet.ts packetReceived"],
    tests: ["tests/conformance/checks/unsubscribe.ts each PINGREQ is answered by a PINGRESP"],
  },
  "v5-3.14.0-1": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: ["tests/conformance/checks/disconnect.ts there is no DISCONNECT before a good CONNACK"],
  },
  "v5-3.14.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: [
      "tests/conformance/checks/disconnect.ts DISCONNECT with reserved bits set is answered by 0x81",
    ],
  },
  "v5-3.14.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT has a code of its table, is its last packet, and closes",
    ],
  },
  "v5-3.14.2-2": {
    obeyed: ["src/wire/answer.ts writeDisconnect"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT has a code of its table, is its last packet, and closes",
    ],
  },
  "v5-3.14.2-3": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT fits the client's Maximum Packet Size",
    ],
  },
  "v5-3.14.2-4": {
    obeyed: ["src/core/packet-size.ts fitToSize"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT fits the client's Maximum Packet Size",
    ],
  },
  "v5-3.14.4-1": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT has a code of its table, is its last packet, and closes",
    ],
  },
  "v5-3.14.4-2": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: [
      "tests/conformance/checks/disconnect.ts the broker's DISCONNECT has a code of its table, is its last packet, and closes",
    ],
  },
  "v5-3.14.4-3": {
    obeyed: ["src/core/will-fate.ts endWill"],
    tests: ["tests/conformance/checks/will.ts DISCONNECT discards the will"],
  },
  "v5-3.15.1-1": {
    obeyed: ["src/wire/grammar.ts packets"],
    tests: ["tests/conformance/checks/disconnect.ts AUTH with flags closes the connection"],
  },
  "v5-3.15.2-1": {
    obeyed: ["src/wire/grammar.ts reasonCodes", "src/wire/grammar.ts readAuth"],
    tests: [],
  },
  "v5-4.1.0-1": {
    obeyed: ["src/core/session-end.ts endSession"],
    tests: [
      "tests/conformance/checks/session.ts state lives as long as the connection, whatever its expiry",
    ],
  },
  "v5-4.1.0-2": {
    obeyed: ["src/core/session-end.ts startExpiry"],
    tests: [
      "tests/conformance/checks/session.ts without an expiry a session ends with its connection",
      "tests/conformance/checks/session.ts a session ends with its Session Expiry Interval",
      "tests/conformance/checks/session.ts DISCONNECT can set another expiry",
    ],
  },
  "v5-4.2-1": {
    obeyed: ["src/transport/transport.ts Link"],
    tests: [
      "tests/conformance/checks/data.ts bytes are a stream: packets come in pieces, or many at once",
    ],
  },
  "v5-4.3.1-1": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/publish.ts QoS 0 comes once, with DUP 0"],
  },
  "v5-4.3.2-1": {
    obeyed: ["src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/data.ts open deliveries have packet ids of their own, and none is 0",
      "tests/conformance/checks/data.ts one message for many clients has another packet id for each",
      "tests/conformance/checks/delivery.ts a packet id is used again once it is free",
    ],
  },
  "v5-4.3.2-2": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/delivery.ts QoS 1 is sent with DUP 0, and open until PUBACK"],
  },
  "v5-4.3.2-3": {
    obeyed: ["src/core/acknowledge.ts finishReceived"],
    tests: ["tests/conformance/checks/delivery.ts QoS 1 is sent with DUP 0, and open until PUBACK"],
  },
  "v5-4.3.2-4": {
    obeyed: ["src/core/acknowledge.ts acknowledge"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBACK the packet id means a new message, DUP or not",
    ],
  },
  "v5-4.3.2-5": {
    obeyed: ["src/core/publish-packet.ts publishReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBACK the packet id means a new message, DUP or not",
    ],
  },
  "v5-4.3.3-1": {
    obeyed: ["src/core/inflight.ts InflightWindow"],
    tests: [
      "tests/conformance/checks/data.ts open deliveries have packet ids of their own, and none is 0",
      "tests/conformance/checks/data.ts one message for many clients has another packet id for each",
    ],
  },
  "v5-4.3.3-2": {
    obeyed: ["src/core/forward.ts newDelivery"],
    tests: ["tests/conformance/checks/delivery.ts QoS 2 is sent with DUP 0, and open until PUBREC"],
  },
  "v5-4.3.3-3": {
    obeyed: ["src/core/acknowledge.ts pubrecReceived"],
    tests: ["tests/conformance/checks/delivery.ts QoS 2 is sent with DUP 0, and open until PUBREC"],
  },
  "v5-4.3.3-4": {
    obeyed: ["src/core/acknowledge.ts pubrecReceived", "src/core/inflight.ts Outgoing"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBREC it is PUBREL that is open, and no PUBLISH any more",
    ],
  },
  "v5-4.3.3-5": {
    obeyed: ["src/core/acknowledge.ts pubrecReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBREC it is PUBREL that is open, and no PUBLISH any more",
    ],
  },
  "v5-4.3.3-6": {
    obeyed: ["src/core/acknowledge.ts finishReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts after PUBREC it is PUBREL that is open, and no PUBLISH any more",
    ],
  },
  "v5-4.3.3-7": {
    obeyed: ["src/core/forward.ts resendFirst"],
    tests: ["tests/conformance/checks/delivery.ts a QoS 2 message that was sent does not expire"],
  },
  "v5-4.3.3-8": {
    obeyed: ["src/core/acknowledge.ts acknowledge"],
    tests: [
      "tests/conformance/checks/delivery.ts until PUBREL a QoS 2 message is passed on once, and each copy gets a PUBREC",
    ],
  },
  "v5-4.3.3-9": {
    obeyed: ["src/core/publish-packet.ts refuse"],
    tests: [
      "tests/conformance/checks/delivery.ts after a failing PUBREC the packet id means a new message",
    ],
  },
  "v5-4.3.3-10": {
    obeyed: ["src/core/publish-packet.ts publishReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts until PUBREL a QoS 2 message is passed on once, and each copy gets a PUBREC",
      "tests/conformance/checks/delivery.ts a QoS 2 message is passed on once, also over two connections of a session",
      "tests/conformance/checks/delivery.ts a QoS 2 message is passed on once, also where a connection is taken over",
    ],
  },
  "v5-4.3.3-11": {
    obeyed: ["src/core/acknowledge.ts pubrelReceived"],
    tests: [
      "tests/conformance/checks/delivery.ts until PUBREL a QoS 2 message is passed on once, and each copy gets a PUBREC",
    ],
  },
  "v5-4.3.3-12": {
    obeyed: ["src/core/acknowledge.ts pubrelReceived"],
    tests: ["tests/conformance/checks/delivery.ts after PUBCOMP the packet id means a new message"],
  },
  "v5-4.3.3-13": {
    obeyed: [],
    tests: [
      "tests/conformance/checks/delivery.ts a QoS 2 exchange continues though its message has expired",
    ],
  },
  "v5-4.4.0-1": {
    obeyed: ["src/client/outgoing.ts Outgoing.resend", "src/core/forward.ts startResends"],
    tests: [
      "tests/conformance/checks/delivery.ts what is open is sent again, with its packet ids and in its order",
      "tests/conformance/checks/delivery.ts nothing is sent again while the connection lasts",
    ],
  },
  "v5-4.4.0-2": {
    obeyed: ["src/core/acknowledge.ts finishReceived", "src/core/acknowledge.ts pubrecReceived"],
    tests: ["tests/conformance/checks/delivery.ts a failing PUBACK or PUBREC ends its delivery"],
  },
  "v5-4.5.0-1": {
    obeyed: ["src/core/publish.ts publish"],
    tests: ["tests/conformance/checks/session.ts QoS 1 and 2 are kept for a session that is away"],
  },
  "v5-4.6.0-1": {
    obeyed: ["src/client/outgoing.ts Outgoing.resend", "src/core/inflight.ts Place.message"],
    tests: [],
  },
  "v5-4.6.0-5": {
    obeyed: ["src/core/forward.ts pump"],
    tests: [
      "tests/conformance/checks/delivery.ts messages arrive in the order of their publisher",
      "tests/conformance/checks/delivery.ts messages queued for a session keep their order",
    ],
  },
  "v5-4.6.0-6": {
    obeyed: ["src/core/decision.ts mayBeOwedOlder", "src/core/queue.ts Queue.qos0"],
    tests: ["tests/conformance/checks/delivery.ts messages arrive in the order of their publisher"],
  },
  "v5-4.7.0-1": {
    obeyed: ["src/wire/connect.ts checkWillTopic"],
    tests: [
      "tests/conformance/checks/publish.ts a wildcard in a Topic Name closes the connection",
      "tests/conformance/checks/topics.ts a wildcard in a Will Topic is refused",
    ],
  },
  "v5-4.7.1-1": {
    obeyed: ["src/wire/filter.ts walkLevels"],
    tests: ["tests/conformance/checks/topics.ts # is a whole level, and the last"],
  },
  "v5-4.7.1-2": {
    obeyed: ["src/wire/filter.ts walkLevels"],
    tests: ["tests/conformance/checks/topics.ts + is a whole level, anywhere"],
  },
  "v5-4.7.2-1": {
    obeyed: [
      "src/core/rule-tree.ts RuleTree.#find",
      "src/core/subscriptions.ts Subscriptions.#patternsFor",
      "src/core/topic.ts isReserved",
      "src/core/topic.ts isHidden",
    ],
    tests: [
      "tests/conformance/checks/topics.ts filters that begin with a wildcard do not match topics that begin with $",
    ],
  },
  "v5-4.7.3-1": {
    obeyed: [
      "src/core/topic.ts isVisibleThroughMount",
      "src/wire/connect.ts checkWillTopic",
      "src/wire/filter.ts walkFilter",
      "src/wire/property.ts checkResponseTopic",
    ],
    tests: ["tests/conformance/checks/topics.ts an empty name or filter is refused"],
  },
  "v5-4.7.3-2": {
    obeyed: ["src/wire/topics.ts decodeTopic"],
    tests: ["tests/conformance/checks/topics.ts U+0000 in a name or filter closes the connection"],
  },
  "v5-4.7.3-3": {
    obeyed: ["src/core/topic.ts tooLong"],
    tests: ["tests/conformance/checks/topics.ts names and filters of 65,535 bytes work"],
  },
  "v5-4.7.3-4": {
    obeyed: ["src/core/subscriptions.ts Subscriptions.match"],
    tests: ["tests/conformance/checks/topics.ts names are compared as they are"],
  },
  "v5-4.8.2-1": {
    obeyed: ["src/core/topic.ts sharedFilter", "src/wire/filter.ts walkShareName"],
    tests: [
      "tests/conformance/checks/shared.ts each message is sent to one member of each shared subscription",
      "tests/conformance/checks/shared.ts an empty share name is refused",
    ],
  },
  "v5-4.8.2-2": {
    obeyed: ["src/wire/filter.ts walkShareName"],
    tests: [
      "tests/conformance/checks/shared.ts a share name with + or #, or without a filter, is refused",
      "tests/conformance/checks/shared.ts a share name of other characters works",
    ],
  },
  "v5-4.8.2-3": {
    obeyed: ["src/core/copy.ts copyFor"],
    tests: [
      "tests/conformance/checks/shared.ts each member of a shared subscription gets its own QoS at the most",
    ],
  },
  "v5-4.8.2-4": {
    obeyed: ["src/core/handover.ts startHandover"],
    tests: [
      "tests/conformance/checks/shared.ts a QoS 2 delivery that has begun waits for its member",
    ],
  },
  "v5-4.8.2-5": {
    obeyed: ["src/core/handover.ts startHandover"],
    tests: [
      "tests/conformance/checks/shared.ts a QoS 2 delivery that has begun goes to nobody else when its session ends",
    ],
  },
  "v5-4.8.2-6": {
    obeyed: ["src/core/acknowledge.ts pubrecReceived"],
    tests: [
      "tests/conformance/checks/shared.ts a shared delivery that its member refuses goes to nobody else",
    ],
  },
  "v5-4.9.0-1": {
    obeyed: ["src/core/connect.ts accept"],
    tests: [
      "tests/conformance/checks/flow.ts no more QoS 1 messages are open than Receive Maximum, and the rest follows",
      "tests/conformance/checks/flow.ts the send quota is reset on each connection",
    ],
  },
  "v5-4.9.0-2": {
    obeyed: ["src/core/decision.ts canSendNow", "src/core/forward.ts pumpTo"],
    tests: [
      "tests/conformance/checks/flow.ts no more QoS 1 messages are open than Receive Maximum, and the rest follows",
      "tests/conformance/checks/flow.ts a QoS 2 message is open until PUBCOMP, or a failing PUBREC",
    ],
  },
  "v5-4.9.0-3": {
    obeyed: ["src/core/forward.ts pump"],
    tests: [
      "tests/conformance/checks/flow.ts all but QoS 1 and 2 continues where nothing more may be open",
    ],
  },
  "v5-4.12.0-1": {
    obeyed: ["src/core/refusal.ts refusalByPacket"],
    tests: ["tests/conformance/checks/connect.ts an unknown Authentication Method is refused"],
  },
  "v5-4.12.0-6": {
    obeyed: ["src/core/connack.ts connackProperties"],
    tests: ["tests/conformance/checks/connack.ts without an Authentication Method there is none"],
  },
  "v5-4.12.0-7": {
    obeyed: ["src/core/received-packet.ts packetReceived"],
    tests: [
      "tests/conformance/checks/disconnect.ts AUTH without an Authentication Method is closed",
    ],
  },
  "v5-4.13.1-1": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: [
      "tests/conformance/checks/disconnect.ts what no client may send closes the connection, and no other",
      "tests/conformance/checks/disconnect.ts what breaks the rules of properties closes the connection",
    ],
  },
  "v5-4.13.2-1": {
    obeyed: ["src/core/connection-end.ts close"],
    tests: [
      "tests/conformance/checks/disconnect.ts a code from 0x80 closes, whichever side sends it",
    ],
  },
  "v5-6.0.0-1": {
    obeyed: [
      "src/core/end-causes.ts lossStatement",
      "src/websocket/frame-reader.ts FrameReader.take",
      "src/websocket/frames.ts serverHeader",
    ],
    tests: [
      "tests/conformance/checks/websocket.ts the broker sends binary frames, and closes the connection at a text frame",
    ],
  },
  "v5-6.0.0-2": {
    obeyed: ["src/transport/websocket.ts WebSocketLink.#read"],
    tests: [
      "tests/conformance/checks/websocket.ts a packet in several frames is one packet",
      "tests/conformance/checks/websocket.ts several packets in one frame are as many",
    ],
  },
  "v5-6.0.0-3": {
    obeyed: ["src/websocket/handshake.ts upgradeRequest"],
    tests: [],
  },
  "v5-6.0.0-4": {
    obeyed: ["src/websocket/handshake.ts answerUpgrade"],
    tests: [
      "tests/conformance/checks/websocket.ts the answer to an upgrade selects the subprotocol mqtt",
    ],
  },
};
