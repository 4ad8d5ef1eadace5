import { both, clientOnly, server, without, type Ledger } from "./statement.ts";

/** MQTT 3.1.1, Appendix B: what sections 4 to 7 say of behaviour. */
export const behaviourV4: Ledger = {
  "v4-4.1.0-1": both(
    "client and server store the session's state for as long as the session lasts",
  ),
  "v4-4.1.0-2": both("a session lasts at least as long as its connection"),
  "v4-4.3.1-1": both("QoS 0, sender: PUBLISH with QoS 0 and DUP 0"),
  "v4-4.3.2-1": both(
    "QoS 1, sender: a packet id that is not in use, QoS 1 and DUP 0; the PUBLISH is unacknowledged until its PUBACK comes",
  ),
  "v4-4.3.2-2": both(
    "QoS 1, receiver: PUBACK with the packet id of the PUBLISH; afterwards a PUBLISH with that id is a new message, whatever its DUP",
  ),
  "v4-4.3.3-1": both(
    "QoS 2, sender: an unused packet id, QoS 2 and DUP 0; unacknowledged until PUBREC; then PUBREL, unacknowledged until PUBCOMP; no PUBLISH again after PUBREL",
  ),
  "v4-4.3.3-2": both(
    "QoS 2, receiver: PUBREC, again for each copy until PUBREL comes, without delivering it twice; then PUBCOMP; afterwards the packet id means a new message",
  ),
  "v4-4.4.0-1": both(
    "when a client reconnects with Clean Session 0, both sides resend unacknowledged PUBLISH (QoS 1 and 2) and PUBREL with their packet ids",
  ),
  "v4-4.5.0-1": server(
    "a server that takes on a message adds it to the session of each client with a matching subscription",
  ),
  "v4-4.5.0-2": clientOnly(
    "a client acknowledges each PUBLISH by its QoS, whether or not it processes the message",
  ),
  "v4-4.6.0-1": clientOnly(
    "a client resends PUBLISHes in the order in which it first sent them (QoS 1 and 2)",
  ),
  "v4-4.6.0-2": clientOnly("a client sends PUBACKs in the order in which the PUBLISHes came"),
  "v4-4.6.0-3": clientOnly("a client sends PUBRECs in the order in which the PUBLISHes came"),
  "v4-4.6.0-4": clientOnly("a client sends PUBRELs in the order in which the PUBRECs came"),
  "v4-4.6.0-5": server("by default a server treats every topic as ordered"),
  "v4-4.6.0-6": server(
    "for an ordered topic the server keeps the rules of order for each subscriber, and sends PUBLISHes of one topic and QoS in the order in which they came from a client",
  ),
  "v4-4.7.1-1": both("wildcards are for Topic Filters; a Topic Name contains none"),
  "v4-4.7.1-2": both("# is alone in a filter or behind a /, and its last character"),
  "v4-4.7.1-3": both(
    "+ may be at any level of a filter, more than once, and takes the whole level",
  ),
  "v4-4.7.2-1": server(
    "a filter that begins with # or + does not match Topic Names that begin with $",
  ),
  "v4-4.7.3-1": both("Topic Names and Filters have at least one character"),
  "v4-4.7.3-2": both("Topic Names and Filters do not contain U+0000"),
  "v4-4.7.3-3": both("Topic Names and Filters are UTF-8 strings of at most 65,535 bytes"),
  "v4-4.7.3-4": server(
    "to match a subscription, the server neither normalizes nor substitutes characters of Topic Names or Filters",
  ),
  "v4-4.8.0-1": both(
    "a protocol violation closes the connection on which it came, unless the standard names another reaction",
  ),
  "v4-4.8.0-2": both(
    "a transient error while a packet is processed closes the connection on which the packet came",
  ),
  "v4-6.0.0-1": both(
    "packets are sent in binary WebSocket frames; a receiver of any other data frame closes the connection",
  ),
  "v4-6.0.0-2": both(
    "one WebSocket frame may hold several packets, or a part of one: the receiver does not assume that they align",
  ),
  "v4-6.0.0-3": clientOnly("the client offers mqtt among its WebSocket subprotocols"),
  "v4-6.0.0-4": server("the server selects mqtt as the WebSocket subprotocol"),
  "v4-7.0.0-1": without(
    server("a server that also connects to other servers conforms as a client as well"),
    "mqttd dials nobody",
  ),
  "v4-7.0.0-2": both(
    "a conforming implementation needs no extension from outside the standard to work with others",
  ),
  "v4-7.1.1-1": server(
    "a server supports at least one transport that carries bytes in order and without loss, in both directions",
  ),
  "v4-7.1.1-2": without(
    server(
      "no particular transport is required of a server: TCP, TLS, WebSocket or any other like them",
    ),
    "a permission, nothing to break",
  ),
  "v4-7.1.2-1": clientOnly(
    "a client supports at least one transport that carries bytes in order and without loss, in both directions",
  ),
  "v4-7.1.2-2": clientOnly(
    "no particular transport is required of a client: TCP, TLS, WebSocket or any other like them",
  ),
};
