import { both, client, clientOnly, server, without, type Ledger } from "./statement.ts";

const noAuth = "mqttd offers no enhanced authentication, so it never sends AUTH";

/** MQTT 5.0, Appendix B: what sections 4 to 6 say of behaviour (4.2-1 by its name in the body of the standard). */
export const behaviourV5: Ledger = {
  "v5-4.1.0-1": both(
    "client and server do not discard the session's state while the connection is open",
  ),
  "v5-4.1.0-2": server(
    "the server discards the session's state once the connection is closed and the Session Expiry Interval has passed",
  ),
  "v5-4.2-1": both(
    "client and server support at least one transport that carries bytes in order and without loss, in both directions",
  ),
  "v5-4.3.1-1": both("QoS 0, sender: PUBLISH with QoS 0 and DUP 0"),
  "v5-4.3.2-1": both("QoS 1, sender: a packet id that is not in use for each new message"),
  "v5-4.3.2-2": both("QoS 1, sender: PUBLISH with that packet id, QoS 1 and DUP 0"),
  "v5-4.3.2-3": both("QoS 1, sender: the PUBLISH is unacknowledged until its PUBACK comes"),
  "v5-4.3.2-4": both(
    "QoS 1, receiver: PUBACK with the packet id of the PUBLISH, after taking on the message",
  ),
  "v5-4.3.2-5": both(
    "QoS 1, receiver: after PUBACK a PUBLISH with the same packet id is a new message, whatever its DUP",
  ),
  "v5-4.3.3-1": both("QoS 2, sender: a packet id that is not in use for each new message"),
  "v5-4.3.3-2": both("QoS 2, sender: PUBLISH with that packet id, QoS 2 and DUP 0"),
  "v5-4.3.3-3": both("QoS 2, sender: the PUBLISH is unacknowledged until its PUBREC comes"),
  "v5-4.3.3-4": both(
    "QoS 2, sender: PUBREL with the same packet id when PUBREC comes with a reason code below 0x80",
  ),
  "v5-4.3.3-5": both("QoS 2, sender: the PUBREL is unacknowledged until its PUBCOMP comes"),
  "v5-4.3.3-6": both("QoS 2, sender: after PUBREL the PUBLISH is not sent again"),
  "v5-4.3.3-7": both("QoS 2, sender: a message whose PUBLISH was sent does not expire"),
  "v5-4.3.3-8": both(
    "QoS 2, receiver: PUBREC with the packet id of the PUBLISH, after taking on the message",
  ),
  "v5-4.3.3-9": both(
    "QoS 2, receiver: after PUBREC with a reason code from 0x80, a PUBLISH with the same packet id is a new message",
  ),
  "v5-4.3.3-10": both(
    "QoS 2, receiver: until PUBREL comes, each PUBLISH with the same packet id gets PUBREC, and is not delivered again",
  ),
  "v5-4.3.3-11": both("QoS 2, receiver: PUBREL is answered by PUBCOMP with the same packet id"),
  "v5-4.3.3-12": both(
    "QoS 2, receiver: after PUBCOMP a PUBLISH with the same packet id is a new message",
  ),
  "v5-4.3.3-13": both(
    "QoS 2, receiver: the acknowledgements go on even if the message has expired",
  ),
  "v5-4.4.0-1": both(
    "when a client resumes its session (Clean Start 0), both sides resend unacknowledged PUBLISH (QoS 1 and 2) and PUBREL with their packet ids; they resend at no other time",
  ),
  "v5-4.4.0-2": both(
    "a PUBACK or PUBREC with a reason code from 0x80 acknowledges its PUBLISH, which is not sent again",
  ),
  "v5-4.5.0-1": server(
    "a server that takes on a message adds it to the session of each client with a matching subscription",
  ),
  "v5-4.5.0-2": clientOnly(
    "a client acknowledges each PUBLISH by its QoS, whether or not it processes the message",
  ),
  "v5-4.6.0-1": clientOnly(
    "a client resends PUBLISHes in the order in which it first sent them (QoS 1 and 2)",
  ),
  "v5-4.6.0-2": clientOnly("a client sends PUBACKs in the order in which the PUBLISHes came"),
  "v5-4.6.0-3": clientOnly("a client sends PUBRECs in the order in which the PUBLISHes came"),
  "v5-4.6.0-4": clientOnly("a client sends PUBRELs in the order in which the PUBRECs came"),
  "v5-4.6.0-5": server(
    "for an ordered topic the server sends PUBLISHes of one topic and QoS in the order in which they came from a client",
  ),
  "v5-4.6.0-6": server(
    "by default a server treats every topic as ordered when it forwards to subscriptions that are not shared",
  ),
  "v5-4.7.0-1": both("wildcards are for Topic Filters; a Topic Name contains none"),
  "v5-4.7.1-1": both("# is alone in a filter or behind a /, and its last character"),
  "v5-4.7.1-2": both(
    "+ may be at any level of a filter, more than once, and takes the whole level",
  ),
  "v5-4.7.2-1": server(
    "a filter that begins with # or + does not match Topic Names that begin with $",
  ),
  "v5-4.7.3-1": both("Topic Names and Filters have at least one character"),
  "v5-4.7.3-2": both("Topic Names and Filters do not contain U+0000"),
  "v5-4.7.3-3": both("Topic Names and Filters are UTF-8 strings of at most 65,535 bytes"),
  "v5-4.7.3-4": server(
    "to match a subscription, the server neither normalizes nor substitutes characters of Topic Names or Filters",
  ),
  "v5-4.8.2-1": client(
    "the filter of a shared subscription begins with $share/ and a ShareName of at least one character",
  ),
  "v5-4.8.2-2": client(
    "the ShareName contains no / + or #, and is followed by a / and a Topic Filter",
  ),
  "v5-4.8.2-3": server(
    "a shared delivery keeps to the QoS that was granted to the client that gets it",
  ),
  "v5-4.8.2-4": server(
    "if the connection breaks during a shared QoS 2 delivery, the server completes it to that client when it reconnects",
  ),
  "v5-4.8.2-5": server(
    "if the client's session ends before it reconnects, the server sends that QoS 2 message to no other client of the share",
  ),
  "v5-4.8.2-6": server(
    "if a client answers a shared delivery by a reason code from 0x80, the server discards the message, and sends it to no other client",
  ),
  "v5-4.9.0-1": both(
    "a sender's quota begins with a value above 0 that is no larger than the peer's Receive Maximum",
  ),
  "v5-4.9.0-2": both("while its quota is 0, a sender sends no PUBLISH with QoS 1 or 2"),
  "v5-4.9.0-3": both(
    "while its quota is 0, a sender still processes and answers all other packets",
  ),
  "v5-4.12.0-1": server(
    "a server that does not support the Authentication Method closes the connection; it may send CONNACK 0x8C or 0x87 before",
  ),
  "v5-4.12.0-2": without(
    server(
      "a server that needs more from the client to authenticate it sends AUTH with reason code 0x18",
    ),
    noAuth,
  ),
  "v5-4.12.0-3": clientOnly(
    "the client answers the server's AUTH with an AUTH that has reason code 0x18",
  ),
  "v5-4.12.0-4": without(
    server(
      "a server that ends an authentication as failed closes the connection; it may send CONNACK with a failure before",
    ),
    noAuth,
  ),
  "v5-4.12.0-5": without(
    both(
      "if CONNECT has an Authentication Method, all AUTHs and a successful CONNACK have the same one",
    ),
    noAuth,
  ),
  "v5-4.12.0-6": server(
    "if CONNECT has no Authentication Method, the server sends no AUTH, and CONNACK has no Authentication Method",
  ),
  "v5-4.12.0-7": client("if CONNECT has no Authentication Method, the client sends no AUTH"),
  "v5-4.12.1-1": clientOnly(
    "a client that authenticates again uses the Authentication Method of its CONNECT",
  ),
  "v5-4.12.1-2": without(
    both(
      "if authenticating again fails, the side that found it closes the connection; it should send DISCONNECT with a reason code before",
    ),
    noAuth,
  ),
  "v5-4.13.1-1": server(
    "a server that detects a malformed packet or a Protocol Error, for which the standard gives a reason code, closes the connection",
  ),
  "v5-4.13.2-1": both(
    "a reason code from 0x80 for CONNACK or DISCONNECT means that the connection is closed, whether or not the packet is sent",
  ),
  "v5-6.0.0-1": both(
    "packets are sent in binary WebSocket frames; a receiver of any other data frame closes the connection",
  ),
  "v5-6.0.0-2": both(
    "one WebSocket frame may hold several packets, or a part of one: the receiver does not assume that they align",
  ),
  "v5-6.0.0-3": clientOnly("the client offers mqtt among its WebSocket subprotocols"),
  "v5-6.0.0-4": server("the server selects mqtt as the WebSocket subprotocol"),
};
