import { both, client, clientOnly, server, type Ledger } from "./statement.ts";

/** MQTT 5.0, Appendix B: what sections 1 to 3.2 say of data, CONNECT and CONNACK. */
export const connectV5: Ledger = {
  "v5-1.5.4-1": both("strings are well-formed UTF-8, without code points from U+D800 to U+DFFF"),
  "v5-1.5.4-2": both("a string does not contain U+0000"),
  "v5-1.5.4-3": both(
    "the bytes EF BB BF in a string always mean U+FEFF: the receiver neither skips nor strips them",
  ),
  "v5-1.5.5-1": both("a Variable Byte Integer is encoded in as few bytes as its value needs"),
  "v5-1.5.7-1": both("both strings of a String Pair follow the rules of UTF-8 strings"),
  "v5-2.1.3-1": both("flag bits that are reserved have the values of the table of packet types"),
  "v5-2.2.1-2": both("PUBLISH with QoS 0 has no packet id"),
  "v5-2.2.1-3": client(
    "for each new SUBSCRIBE, UNSUBSCRIBE, and PUBLISH with QoS 1 or 2 the client takes a packet id that is not 0 and not in use",
  ),
  "v5-2.2.1-4": server(
    "for each new PUBLISH with QoS 1 or 2 the server takes a packet id that is not 0 and not in use",
  ),
  "v5-2.2.1-5": both(
    "PUBACK, PUBREC, PUBREL and PUBCOMP have the packet id of the PUBLISH that they belong to",
  ),
  "v5-2.2.1-6": server(
    "SUBACK and UNSUBACK have the packet id of the SUBSCRIBE or UNSUBSCRIBE that they answer",
  ),
  "v5-2.2.2-1": both("a packet without properties has a Property Length of 0"),
  "v5-3.1.0-1": client("the first packet that a client sends on a connection is CONNECT"),
  "v5-3.1.0-2": server(
    "a second CONNECT on a connection is a Protocol Error: the server closes the connection",
  ),
  "v5-3.1.2-1": server(
    "the protocol name is MQTT; a server that does not accept a CONNECT for it closes the connection, and may send CONNACK 0x84 before",
  ),
  "v5-3.1.2-2": server(
    "a server that does not accept the protocol version closes the connection; it may send CONNACK 0x84 before",
  ),
  "v5-3.1.2-3": server(
    "the server checks that the reserved Connect Flag is 0; if not, the packet is malformed",
  ),
  "v5-3.1.2-4": both("Clean Start 1: both sides discard an existing session and begin a new one"),
  "v5-3.1.2-5": server(
    "Clean Start 0, and the server has a session of that client id: it resumes the session",
  ),
  "v5-3.1.2-6": server(
    "Clean Start 0, and the server has no session of that client id: it begins a new one",
  ),
  "v5-3.1.2-7": server("Will Flag 1: the server stores the will with the session"),
  "v5-3.1.2-8": server(
    "the server publishes the will after the connection ends: once the Will Delay Interval has passed or the session ends, whichever is first; not if DISCONNECT 0x00 deleted it, or the client came back in time",
  ),
  "v5-3.1.2-9": client(
    "Will Flag 1: Will Properties, Will Topic and Will Payload are in the payload of CONNECT",
  ),
  "v5-3.1.2-10": server(
    "a will is removed from the stored session once it is published, or when the client sends DISCONNECT 0x00",
  ),
  "v5-3.1.2-11": client("Will Flag 0: Will QoS is 0"),
  "v5-3.1.2-12": client("Will Flag 1: Will QoS is 0, 1 or 2; 3 makes the packet malformed"),
  "v5-3.1.2-13": client("Will Flag 0: Will Retain is 0"),
  "v5-3.1.2-14": server(
    "Will Retain 0: the server publishes the will as a message that is not retained",
  ),
  "v5-3.1.2-15": server("Will Retain 1: the server publishes the will as a retained message"),
  "v5-3.1.2-16": client("User Name Flag 0: there is no user name in the payload"),
  "v5-3.1.2-17": client("User Name Flag 1: there is a user name in the payload"),
  "v5-3.1.2-18": client("Password Flag 0: there is no password in the payload"),
  "v5-3.1.2-19": client("Password Flag 1: there is a password in the payload"),
  "v5-3.1.2-20": clientOnly(
    "with a Keep Alive other than 0 and nothing else to send, the client sends PINGREQ before Keep Alive has passed since its last packet",
  ),
  "v5-3.1.2-21": clientOnly(
    "if CONNACK has a Server Keep Alive, the client uses that in place of its own Keep Alive",
  ),
  "v5-3.1.2-22": server(
    "if no packet comes from a client for 1.5 times its Keep Alive (unless that is 0), the server closes the connection as if the network had failed",
  ),
  "v5-3.1.2-23": both(
    "with a Session Expiry Interval above 0, both sides keep the session after the connection ends",
  ),
  "v5-3.1.2-24": server(
    "the server sends no packet that is larger than the client's Maximum Packet Size",
  ),
  "v5-3.1.2-25": server(
    "a packet that is too large for the client is discarded unsent, and the server goes on as if it had sent that message",
  ),
  "v5-3.1.2-26": server("the server sends no Topic Alias above the client's Topic Alias Maximum"),
  "v5-3.1.2-27": server(
    "if Topic Alias Maximum is 0 or absent, the server sends that client no Topic Alias",
  ),
  "v5-3.1.2-28": server("Request Response Information 0: CONNACK has no Response Information"),
  "v5-3.1.2-29": server(
    "Request Problem Information 0: no Reason String and no User Property, except in PUBLISH, CONNACK and DISCONNECT",
  ),
  "v5-3.1.2-30": clientOnly(
    "with an Authentication Method, the client sends nothing but AUTH and DISCONNECT before it gets CONNACK",
  ),
  "v5-3.1.3-1": client(
    "the payload of CONNECT is in this order: client id, Will Properties, Will Topic, Will Payload, user name, password; the flags say which are there",
  ),
  "v5-3.1.3-2": both("client and server use the client id to identify the state of the session"),
  "v5-3.1.3-3": client("the client id is always there, as the first field of the payload"),
  "v5-3.1.3-4": client("the client id is a UTF-8 string"),
  "v5-3.1.3-5": server(
    "the server accepts client ids of 1 to 23 bytes that consist of 0-9, a-z and A-Z",
  ),
  "v5-3.1.3-6": server(
    "a server that accepts an empty client id treats it as a special case, and gives the client a unique one",
  ),
  "v5-3.1.3-7": server(
    "after it gave the client an id, the server goes on as if the client had sent that one, and returns it in CONNACK",
  ),
  "v5-3.1.3-8": server(
    "a server that rejects a client id closes the connection; it may send CONNACK 0x85 before",
  ),
  "v5-3.1.3-9": server(
    "if a client opens a new connection to its session before the Will Delay Interval has passed, the server does not send the will",
  ),
  "v5-3.1.3-10": server("the server keeps the order of User Properties when it publishes the will"),
  "v5-3.1.3-11": client("the Will Topic is a UTF-8 string"),
  "v5-3.1.3-12": client("the user name is a UTF-8 string"),
  "v5-3.1.4-1": server(
    "the server checks that CONNECT follows section 3.1, and if not closes the connection",
  ),
  "v5-3.1.4-2": server(
    "the server may make further checks of CONNECT (access, limits); if one fails, it closes the connection",
  ),
  "v5-3.1.4-3": server(
    "if a client with the same client id is connected, the server sends that one DISCONNECT 0x8E and closes its connection",
  ),
  "v5-3.1.4-4": server("the server acts on Clean Start as section 3.1.2.4 says"),
  "v5-3.1.4-5": server(
    "the server acknowledges an accepted CONNECT by CONNACK with reason code 0x00",
  ),
  "v5-3.1.4-6": server(
    "a server that rejects a CONNECT processes nothing that the client sent after it, except AUTH",
  ),
  "v5-3.2.0-1": server("before CONNACK 0x00 the server sends no packet other than AUTH"),
  "v5-3.2.0-2": server("the server sends no more than one CONNACK on a connection"),
  "v5-3.2.2-1": server("bits 7 to 1 of the Connect Acknowledge Flags are 0"),
  "v5-3.2.2-2": server("accepted with Clean Start 1: Session Present is 0"),
  "v5-3.2.2-3": server(
    "accepted with Clean Start 0: Session Present is 1 if the server has a session of that client id, else 0",
  ),
  "v5-3.2.2-4": clientOnly(
    "Session Present 1, and the client has no session: it closes the connection",
  ),
  "v5-3.2.2-5": clientOnly(
    "Session Present 0, and the client has a session: it discards that if it goes on",
  ),
  "v5-3.2.2-6": server("a CONNACK with a reason code other than 0 has Session Present 0"),
  "v5-3.2.2-7": server(
    "after a CONNACK with a reason code from 0x80 the server closes the connection",
  ),
  "v5-3.2.2-8": server("the server uses a reason code of CONNACK's table"),
  "v5-3.2.2-9": server(
    "a server without QoS 1 or QoS 2 states its highest QoS as Maximum QoS in CONNACK",
  ),
  "v5-3.2.2-10": server(
    "a server without QoS 1 or QoS 2 still accepts SUBSCRIBE that requests any QoS",
  ),
  "v5-3.2.2-11": client("a client sends no PUBLISH with a QoS above the server's Maximum QoS"),
  "v5-3.2.2-12": server(
    "a CONNECT whose Will QoS the server does not support is rejected, and the connection closed",
  ),
  "v5-3.2.2-13": server(
    "a CONNECT with Will Retain 1 is rejected by a server without retained messages, and the connection closed",
  ),
  "v5-3.2.2-14": client("if Retain Available is 0, the client sends no PUBLISH with RETAIN 1"),
  "v5-3.2.2-15": client(
    "the client sends no packet that is larger than the server's Maximum Packet Size",
  ),
  "v5-3.2.2-16": server(
    "a client with an empty client id gets an Assigned Client Identifier, a new one that no session on the server has",
  ),
  "v5-3.2.2-17": client("the client sends no Topic Alias above the server's Topic Alias Maximum"),
  "v5-3.2.2-18": client(
    "if the server's Topic Alias Maximum is 0 or absent, the client sends no Topic Alias",
  ),
  "v5-3.2.2-19": server(
    "CONNACK has no Reason String that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.2.2-20": server(
    "CONNACK has no User Property that would make it larger than the client's Maximum Packet Size",
  ),
  "v5-3.2.2-21": clientOnly("if CONNACK has a Server Keep Alive, the client uses it"),
  "v5-3.2.2-22": server(
    "without a Server Keep Alive in CONNACK, the server uses the Keep Alive of CONNECT",
  ),
};
