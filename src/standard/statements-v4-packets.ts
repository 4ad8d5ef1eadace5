import { both, client, clientOnly, server, without, type Ledger } from "./statement.ts";

/** MQTT 3.1.1, Appendix B: what sections 1 to 3 say of data and packets. */
export const packetsV4: Ledger = {
  "v4-1.5.3-1": both(
    "strings are well-formed UTF-8, without code points from U+D800 to U+DFFF; a peer that sends others is disconnected",
  ),
  "v4-1.5.3-2": both("a string does not contain U+0000; a peer that sends one is disconnected"),
  "v4-1.5.3-3": both(
    "the bytes EF BB BF in a string always mean U+FEFF: the receiver neither skips nor strips them",
  ),
  "v4-2.2.2-1": both("flag bits that are reserved have the values of the table of packet types"),
  "v4-2.2.2-2": both("a receiver of invalid flag bits closes the connection"),
  "v4-2.3.1-1": both(
    "SUBSCRIBE, UNSUBSCRIBE, and PUBLISH with QoS 1 or 2 have a packet id that is not 0",
  ),
  "v4-2.3.1-2": clientOnly(
    "for each new packet of these types the client takes a packet id that is not in use",
  ),
  "v4-2.3.1-3": clientOnly(
    "a client that resends a packet uses the same packet id; it is free again once the packet is acknowledged",
  ),
  "v4-2.3.1-4": server(
    "for a server that sends PUBLISH with QoS 1 or 2 the same rules of packet ids apply",
  ),
  "v4-2.3.1-5": both("PUBLISH with QoS 0 has no packet id"),
  "v4-2.3.1-6": both(
    "PUBACK, PUBREC and PUBREL have the packet id of the PUBLISH that they belong to",
  ),
  "v4-2.3.1-7": server(
    "SUBACK and UNSUBACK have the packet id of the SUBSCRIBE or UNSUBSCRIBE that they answer",
  ),
  "v4-3.1.0-1": client("the first packet that a client sends on a connection is CONNECT"),
  "v4-3.1.0-2": server(
    "a second CONNECT on a connection is a protocol violation: the server disconnects the client",
  ),
  "v4-3.1.2-1": server(
    "if the protocol name is not MQTT, the server does not go on by the rules of 3.1.1",
  ),
  "v4-3.1.2-2": server(
    "a protocol level that the server does not support gets CONNACK 0x01, then the server closes the connection",
  ),
  "v4-3.1.2-3": server(
    "the server checks that the reserved Connect Flag is 0, and disconnects the client if it is not",
  ),
  "v4-3.1.2-4": both(
    "Clean Session 0: the server resumes the session of that client id, or begins one if there is none; both sides keep it after the connection ends",
  ),
  "v4-3.1.2-5": server(
    "after a connection with Clean Session 0 ends, the server keeps QoS 1 and 2 messages that match the client's subscriptions",
  ),
  "v4-3.1.2-6": both(
    "Clean Session 1: both sides discard the old session and begin a new one, which ends with the connection and is not reused",
  ),
  "v4-3.1.2-7": server("retained messages are not part of a session, and stay when it ends"),
  "v4-3.1.2-8": server(
    "Will Flag 1: the server keeps the will with the connection, and publishes it when the connection ends, unless a DISCONNECT deleted it",
  ),
  "v4-3.1.2-9": client(
    "Will Flag 1: Will Topic and Will Message are in the payload, and the server uses Will QoS and Will Retain",
  ),
  "v4-3.1.2-10": server(
    "a will is removed from the stored session once it is published, or when the client sends DISCONNECT",
  ),
  "v4-3.1.2-11": client(
    "Will Flag 0: Will QoS and Will Retain are 0, and there is no Will Topic and no Will Message",
  ),
  "v4-3.1.2-12": server("Will Flag 0: no will is published when the connection ends"),
  "v4-3.1.2-13": client("Will Flag 0: Will QoS is 0"),
  "v4-3.1.2-14": client("Will Flag 1: Will QoS is 0, 1 or 2, never 3"),
  "v4-3.1.2-15": client("Will Flag 0: Will Retain is 0"),
  "v4-3.1.2-16": server(
    "Will Retain 0: the server publishes the will as a message that is not retained",
  ),
  "v4-3.1.2-17": server("Will Retain 1: the server publishes the will as a retained message"),
  "v4-3.1.2-18": client("User Name Flag 0: there is no user name in the payload"),
  "v4-3.1.2-19": client("User Name Flag 1: there is a user name in the payload"),
  "v4-3.1.2-20": client("Password Flag 0: there is no password in the payload"),
  "v4-3.1.2-21": client("Password Flag 1: there is a password in the payload"),
  "v4-3.1.2-22": client("User Name Flag 0: Password Flag is 0 too"),
  "v4-3.1.2-23": clientOnly(
    "between two packets of a client no more time passes than its Keep Alive; with nothing else to send, it sends PINGREQ",
  ),
  "v4-3.1.2-24": server(
    "if no packet comes from a client for 1.5 times its Keep Alive (unless that is 0), the server disconnects it as if the network had failed",
  ),
  "v4-3.1.3-1": client(
    "the payload of CONNECT is in this order: client id, Will Topic, Will Message, user name, password; the flags say which are there",
  ),
  "v4-3.1.3-2": both("client and server use the client id to identify the state of the session"),
  "v4-3.1.3-3": client("the client id is always there, as the first field of the payload"),
  "v4-3.1.3-4": client("the client id is a UTF-8 string"),
  "v4-3.1.3-5": server(
    "the server accepts client ids of 1 to 23 bytes that consist of 0-9, a-z and A-Z",
  ),
  "v4-3.1.3-6": server(
    "a server that accepts an empty client id gives the client a unique one, and goes on as if the client had sent that one",
  ),
  "v4-3.1.3-7": clientOnly("a client with an empty client id sets Clean Session to 1"),
  "v4-3.1.3-8": server(
    "an empty client id with Clean Session 0 gets CONNACK 0x02, then the server closes the connection",
  ),
  "v4-3.1.3-9": server(
    "a client id that the server rejects gets CONNACK 0x02, then the server closes the connection",
  ),
  "v4-3.1.3-10": client("the Will Topic is a UTF-8 string"),
  "v4-3.1.3-11": client("the user name is a UTF-8 string"),
  "v4-3.1.4-1": server(
    "the server checks that CONNECT follows section 3.1, and if not closes the connection without CONNACK",
  ),
  "v4-3.1.4-2": server(
    "if a client with the same client id is connected, the server disconnects that one",
  ),
  "v4-3.1.4-3": server("the server acts on Clean Session as section 3.1.2.4 says"),
  "v4-3.1.4-4": server("the server acknowledges a valid CONNECT by CONNACK with return code 0x00"),
  "v4-3.1.4-5": server(
    "a server that rejects a CONNECT processes nothing that the client sent after it",
  ),
  "v4-3.2.0-1": server("the first packet that a server sends to a client is CONNACK"),
  "v4-3.2.2-1": server("accepted with Clean Session 1: Session Present is 0"),
  "v4-3.2.2-2": server(
    "accepted with Clean Session 0, and the server has a session of that client id: Session Present is 1",
  ),
  "v4-3.2.2-3": server(
    "accepted, and the server has no session of that client id: Session Present is 0",
  ),
  "v4-3.2.2-4": server("a CONNACK with a return code other than 0 has Session Present 0"),
  "v4-3.2.2-5": server(
    "after a CONNACK with a return code other than 0 the server closes the connection",
  ),
  "v4-3.2.2-6": server(
    "where no return code of the table fits, the server closes the connection without CONNACK",
  ),
  "v4-3.3.1-1": both("a PUBLISH that is sent again has DUP 1"),
  "v4-3.3.1-2": both("a PUBLISH with QoS 0 has DUP 0"),
  "v4-3.3.1-3": server(
    "DUP of the server's PUBLISH only says whether the server sends it again, whatever DUP the publisher sent",
  ),
  "v4-3.3.1-4": both(
    "a PUBLISH with both QoS bits set is invalid: its receiver closes the connection",
  ),
  "v4-3.3.1-5": server(
    "RETAIN 1: the server keeps the message and its QoS, for later subscribers of the topic",
  ),
  "v4-3.3.1-6": server(
    "a new subscription gets the retained message of each topic that matches, if there is one",
  ),
  "v4-3.3.1-7": server(
    "a QoS 0 message with RETAIN 1 discards what was retained for its topic; the server may drop the new one at any time",
  ),
  "v4-3.3.1-8": server("a message that is sent because of a new subscription has RETAIN 1"),
  "v4-3.3.1-9": server(
    "a message that is sent to an established subscription has RETAIN 0, whatever the publisher sent",
  ),
  "v4-3.3.1-10": server(
    "RETAIN 1 with an empty payload: delivered as usual, and the retained message of the topic is deleted",
  ),
  "v4-3.3.1-11": server("a message with an empty payload is not stored as the retained one"),
  "v4-3.3.1-12": server(
    "a message with RETAIN 0 is not stored, and neither replaces nor deletes the retained one",
  ),
  "v4-3.3.2-1": both(
    "the Topic Name is the first field of PUBLISH's variable header, and a UTF-8 string",
  ),
  "v4-3.3.2-2": both("the Topic Name of a PUBLISH contains no wildcards"),
  "v4-3.3.2-3": server("the Topic Name of a PUBLISH to a client matches one of its subscriptions"),
  "v4-3.3.4-1": both(
    "the receiver of a PUBLISH answers it as its QoS demands: nothing, PUBACK or PUBREC",
  ),
  "v4-3.3.5-1": server(
    "where subscriptions of a client overlap, the message is delivered with the highest QoS among them",
  ),
  "v4-3.3.5-2": server(
    "a PUBLISH that the server does not authorize is acknowledged as usual, or the server closes the connection",
  ),
  "v4-3.6.1-1": both("PUBREL has the flags 0010; with any other the server closes the connection"),
  "v4-3.8.1-1": both(
    "SUBSCRIBE has the flags 0010; with any other the server closes the connection",
  ),
  "v4-3.8.3-1": client("the Topic Filters of SUBSCRIBE are UTF-8 strings"),
  "v4-3.8.3-2": without(
    server(
      "a server that does not support wildcards rejects subscriptions whose filter contains them",
    ),
    "mqttd has wildcards",
  ),
  "v4-3.8.3-3": client(
    "SUBSCRIBE has at least one pair of Topic Filter and QoS; without one it is a protocol violation",
  ),
  "v4-3.8.3-4": server(
    "if reserved bits of a requested QoS are set, or it is not 0, 1 or 2, SUBSCRIBE is malformed: the server closes the connection",
  ),
  "v4-3.8.4-1": server("the server answers SUBSCRIBE with SUBACK"),
  "v4-3.8.4-2": server("SUBACK has the packet id of its SUBSCRIBE"),
  "v4-3.8.4-3": server(
    "a SUBSCRIBE with the filter of an existing subscription replaces it: retained messages are sent again, and the flow of messages is not interrupted",
  ),
  "v4-3.8.4-4": server(
    "a SUBSCRIBE with several filters is handled like several SUBSCRIBEs, but answered by one SUBACK",
  ),
  "v4-3.8.4-5": server("SUBACK has a return code for each filter: the granted QoS, or failure"),
  "v4-3.8.4-6": server(
    "messages are delivered with the lower of the QoS of the PUBLISH and the granted one",
  ),
  "v4-3.9.3-1": server("the return codes of SUBACK are in the order of the filters of SUBSCRIBE"),
  "v4-3.9.3-2": server("the return codes of SUBACK are 0x00, 0x01, 0x02 and 0x80, no others"),
  "v4-3.10.1-1": both(
    "UNSUBSCRIBE has the flags 0010; with any other the server closes the connection",
  ),
  "v4-3.10.3-1": client("the Topic Filters of UNSUBSCRIBE are UTF-8 strings"),
  "v4-3.10.3-2": client(
    "UNSUBSCRIBE has at least one Topic Filter; without one it is a protocol violation",
  ),
  "v4-3.10.4-1": server(
    "the server compares each filter of UNSUBSCRIBE with the client's subscriptions character by character, and deletes the one that is equal",
  ),
  "v4-3.10.4-2": server("after it deleted a subscription, the server adds no new messages for it"),
  "v4-3.10.4-3": server(
    "QoS 1 and 2 messages that the server has begun to send to the client are completed after UNSUBSCRIBE",
  ),
  "v4-3.10.4-4": server(
    "the server answers UNSUBSCRIBE with UNSUBACK, which has the same packet id",
  ),
  "v4-3.10.4-5": server("UNSUBACK is sent even if no subscription was deleted"),
  "v4-3.10.4-6": server(
    "an UNSUBSCRIBE with several filters is handled like several UNSUBSCRIBEs, but answered by one UNSUBACK",
  ),
  "v4-3.12.4-1": server("the server answers PINGREQ with PINGRESP"),
  "v4-3.14.1-1": server(
    "the server checks that DISCONNECT's reserved bits are 0, and disconnects the client if they are not",
  ),
  "v4-3.14.4-1": clientOnly("after it sent DISCONNECT, the client closes the connection"),
  "v4-3.14.4-2": clientOnly(
    "after it sent DISCONNECT, the client sends no more packets on that connection",
  ),
  "v4-3.14.4-3": server(
    "on DISCONNECT the server discards the connection's will without publishing it",
  ),
};
