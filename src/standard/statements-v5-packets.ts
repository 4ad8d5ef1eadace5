import { both, client, clientOnly, server, without, type Ledger } from "./statement.ts";

const noAuth = "mqttd offers no enhanced authentication, so it never sends AUTH";

/** MQTT 5.0, Appendix B: what sections 3.3 to 3.15 say of the other packets. */
export const packetsV5: Ledger = {
  "v5-3.3.1-1": both("a PUBLISH that is sent again has DUP 1"),
  "v5-3.3.1-2": both("a PUBLISH with QoS 0 has DUP 0"),
  "v5-3.3.1-3": server(
    "DUP of the server's PUBLISH only says whether the server sends it again, whatever DUP the publisher sent",
  ),
  "v5-3.3.1-4": both("a PUBLISH does not have both QoS bits set"),
  "v5-3.3.1-5": server(
    "RETAIN 1: the server stores the message in place of any that is retained for its topic",
  ),
  "v5-3.3.1-6": server(
    "RETAIN 1 with an empty payload: delivered as usual, and the retained message of the topic is removed",
  ),
  "v5-3.3.1-7": server("a message with an empty payload is not stored as the retained one"),
  "v5-3.3.1-8": server(
    "a message with RETAIN 0 is not stored, and neither replaces nor removes the retained one",
  ),
  "v5-3.3.1-9": server("Retain Handling 0: matching retained messages are sent for each SUBSCRIBE"),
  "v5-3.3.1-10": server(
    "Retain Handling 1: matching retained messages are sent only if the subscription did not exist before",
  ),
  "v5-3.3.1-11": server("Retain Handling 2: no retained messages are sent"),
  "v5-3.3.1-12": server("Retain As Published 0: the server forwards messages with RETAIN 0"),
  "v5-3.3.1-13": server(
    "Retain As Published 1: the server forwards messages with the RETAIN that it received",
  ),
  "v5-3.3.2-1": both(
    "the Topic Name is the first field of PUBLISH's variable header, and a UTF-8 string",
  ),
  "v5-3.3.2-2": both("the Topic Name of a PUBLISH contains no wildcards"),
  "v5-3.3.2-3": server("the Topic Name of a PUBLISH to a client matches one of its subscriptions"),
  "v5-3.3.2-4": server("the server sends the Payload Format Indicator unchanged to all recipients"),
  "v5-3.3.2-5": server(
    "if the Message Expiry Interval has passed and delivery to a subscriber has not begun, the server deletes that subscriber's copy",
  ),
  "v5-3.3.2-6": server(
    "the server forwards the Message Expiry Interval less the time for which the message waited",
  ),
  "v5-3.3.2-7": both("Topic Aliases do not outlive their connection"),
  "v5-3.3.2-8": both("a sender does not use Topic Alias 0"),
  "v5-3.3.2-9": client("the client sends no Topic Alias above the Topic Alias Maximum of CONNACK"),
  "v5-3.3.2-10": clientOnly(
    "the client accepts every Topic Alias from 1 to the Topic Alias Maximum that it sent",
  ),
  "v5-3.3.2-11": server("the server sends no Topic Alias above the Topic Alias Maximum of CONNECT"),
  "v5-3.3.2-12": server(
    "the server accepts every Topic Alias from 1 to the Topic Alias Maximum that it sent",
  ),
  "v5-3.3.2-13": both("the Response Topic is a UTF-8 string"),
  "v5-3.3.2-14": both("the Response Topic contains no wildcards"),
  "v5-3.3.2-15": server("the server sends the Response Topic unchanged to all recipients"),
  "v5-3.3.2-16": server("the server sends the Correlation Data unchanged to all recipients"),
  "v5-3.3.2-17": server("the server sends all User Properties of a message unchanged"),
  "v5-3.3.2-18": server("the server keeps the order of a message's User Properties"),
  "v5-3.3.2-19": both("the Content Type is a UTF-8 string"),
  "v5-3.3.2-20": server("the server sends the Content Type unchanged to all recipients"),
  "v5-3.3.4-1": both(
    "the receiver of a PUBLISH answers it as its QoS demands: nothing, PUBACK or PUBREC",
  ),
  "v5-3.3.4-2": server(
    "where subscriptions of a client overlap, the message is delivered with the highest QoS among them",
  ),
  "v5-3.3.4-3": server(
    "a message has the Subscription Identifiers of the subscriptions that caused it to be sent",
  ),
  "v5-3.3.4-4": server(
    "if overlapping subscriptions get one copy, it has the identifiers of all that have one",
  ),
  "v5-3.3.4-5": server(
    "if overlapping subscriptions get a copy each, each has the identifier of its own, if that has one",
  ),
  "v5-3.3.4-6": client("a PUBLISH from a client has no Subscription Identifier"),
  "v5-3.3.4-7": client(
    "the client has no more unacknowledged PUBLISHes of QoS 1 and 2 than the server's Receive Maximum",
  ),
  "v5-3.3.4-8": clientOnly(
    "the client delays no packet other than PUBLISH because of the server's Receive Maximum",
  ),
  "v5-3.3.4-9": server(
    "the server has no more unacknowledged PUBLISHes of QoS 1 and 2 to a client than that one's Receive Maximum",
  ),
  "v5-3.3.4-10": server(
    "the server delays no packet other than PUBLISH because of the client's Receive Maximum",
  ),
  "v5-3.4.2-1": both("PUBACK has a reason code of its table"),
  "v5-3.4.2-2": both(
    "PUBACK has no Reason String that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.4.2-3": both(
    "PUBACK has no User Property that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.5.2-1": both("PUBREC has a reason code of its table"),
  "v5-3.5.2-2": both(
    "PUBREC has no Reason String that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.5.2-3": both(
    "PUBREC has no User Property that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.6.1-1": both("PUBREL has the flags 0010; with any other the server closes the connection"),
  "v5-3.6.2-1": both("PUBREL has a reason code of its table"),
  "v5-3.6.2-2": both(
    "PUBREL has no Reason String that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.6.2-3": both(
    "PUBREL has no User Property that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.7.2-1": both("PUBCOMP has a reason code of its table"),
  "v5-3.7.2-2": both(
    "PUBCOMP has no Reason String that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.7.2-3": both(
    "PUBCOMP has no User Property that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.8.1-1": both(
    "SUBSCRIBE has the flags 0010; with any other the server closes the connection",
  ),
  "v5-3.8.3-1": client("the Topic Filters of SUBSCRIBE are UTF-8 strings"),
  "v5-3.8.3-2": client("SUBSCRIBE has at least one pair of Topic Filter and Subscription Options"),
  "v5-3.8.3-3": server(
    "No Local 1: messages are not forwarded to the client id that published them",
  ),
  "v5-3.8.3-4": client("No Local 1 on a shared subscription is a Protocol Error"),
  "v5-3.8.3-5": server(
    "if reserved bits of the Subscription Options are set, SUBSCRIBE is malformed",
  ),
  "v5-3.8.4-1": server("the server answers SUBSCRIBE with SUBACK"),
  "v5-3.8.4-2": server("SUBACK has the packet id of its SUBSCRIBE"),
  "v5-3.8.4-3": server(
    "a SUBSCRIBE with the filter of an existing subscription that is not shared replaces that one",
  ),
  "v5-3.8.4-4": server(
    "replaced with Retain Handling 0: retained messages are sent again, and no message is lost by the replacement",
  ),
  "v5-3.8.4-5": server(
    "a SUBSCRIBE with several filters is handled like several SUBSCRIBEs, but answered by one SUBACK",
  ),
  "v5-3.8.4-6": server("SUBACK has a reason code for each filter"),
  "v5-3.8.4-7": server("each reason code of SUBACK is the granted QoS, or a failure"),
  "v5-3.8.4-8": server(
    "messages are delivered with the lower of the QoS of the PUBLISH and the granted one",
  ),
  "v5-3.9.2-1": server(
    "SUBACK has no Reason String that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.9.2-2": server(
    "SUBACK has no User Property that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.9.3-1": server("the reason codes of SUBACK are in the order of the filters of SUBSCRIBE"),
  "v5-3.9.3-2": server("each reason code of SUBACK is of its table"),
  "v5-3.10.1-1": both(
    "UNSUBSCRIBE has the flags 0010; with any other the server closes the connection",
  ),
  "v5-3.10.3-1": client("the Topic Filters of UNSUBSCRIBE are UTF-8 strings"),
  "v5-3.10.3-2": client("UNSUBSCRIBE has at least one Topic Filter"),
  "v5-3.10.4-1": server(
    "the server compares each filter of UNSUBSCRIBE with the client's subscriptions character by character, and deletes the one that is equal",
  ),
  "v5-3.10.4-2": server("after it deleted a subscription, the server adds no new messages for it"),
  "v5-3.10.4-3": server(
    "QoS 1 and 2 messages that the server has begun to send to the client are completed after UNSUBSCRIBE",
  ),
  "v5-3.10.4-4": server("the server answers UNSUBSCRIBE with UNSUBACK"),
  "v5-3.10.4-5": server(
    "UNSUBACK has the packet id of its UNSUBSCRIBE, and is sent even if no subscription was deleted",
  ),
  "v5-3.10.4-6": server(
    "an UNSUBSCRIBE with several filters is handled like several UNSUBSCRIBEs, but answered by one UNSUBACK",
  ),
  "v5-3.11.2-1": server(
    "UNSUBACK has no Reason String that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.11.2-2": server(
    "UNSUBACK has no User Property that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.11.3-1": server(
    "the reason codes of UNSUBACK are in the order of the filters of UNSUBSCRIBE",
  ),
  "v5-3.11.3-2": server("each reason code of UNSUBACK is of its table"),
  "v5-3.12.4-1": server("the server answers PINGREQ with PINGRESP"),
  "v5-3.14.0-1": server(
    "the server sends no DISCONNECT before it has sent a CONNACK with a reason code below 0x80",
  ),
  "v5-3.14.1-1": both(
    "a receiver of a DISCONNECT whose reserved bits are set sends DISCONNECT 0x81",
  ),
  "v5-3.14.2-1": both("DISCONNECT has a reason code of its table"),
  "v5-3.14.2-2": server("a DISCONNECT from the server has no Session Expiry Interval"),
  "v5-3.14.2-3": both(
    "DISCONNECT has no Reason String that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.14.2-4": both(
    "DISCONNECT has no User Property that would make it larger than the receiver's Maximum Packet Size",
  ),
  "v5-3.14.4-1": both(
    "after it sent DISCONNECT, the sender sends no more packets on that connection",
  ),
  "v5-3.14.4-2": both("after it sent DISCONNECT, the sender closes the connection"),
  "v5-3.14.4-3": server(
    "on DISCONNECT 0x00 the server discards the connection's will without publishing it",
  ),
  "v5-3.15.1-1": both(
    "AUTH has the flags 0000; a receiver of any other treats it as malformed and closes the connection",
  ),
  "v5-3.15.2-1": without(both("AUTH has a reason code of its table"), noAuth),
  "v5-3.15.2-2": without(
    both(
      "AUTH has no Reason String that would make it larger than the receiver's Maximum Packet Size",
    ),
    noAuth,
  ),
  "v5-3.15.2-3": without(
    both(
      "AUTH has no User Property that would make it larger than the receiver's Maximum Packet Size",
    ),
    noAuth,
  ),
};
