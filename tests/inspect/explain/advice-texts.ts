/**
 * The texts of advice, by topic. The pages in this folder name an advice by its topic, and by its
 * place here after the first: a text is approved in this file alone. White space counts as one space.
 */
export const adviceTexts: Readonly<Record<string, readonly string[]>> = {
  awaySubscribers: [
    `Give both the will and the subscription QoS 1 so that clients that were offline receive it
     when they return, or make the will retained.`,
  ],
  birthElsewhere: [
    `It has a retained will on wills/mortal, and published wills/birth retained, but nothing there:
     after the first death the topic keeps the will for ever. Publish the birth, retained, on the
     will's own topic.`,
    `It has a retained will on wills/mortal, and published wills/birth retained, but nothing there
     (seen 13.0 s ago): after the first death the topic keeps the will for ever. Publish the birth,
     retained, on the will's own topic.`,
  ],
  birthOverwritten: [
    `It has lost its retained message on home/status to the will of dev-1a2b: who subscribes there
     is told that it is gone, though it is connected. If both are one device that came back under
     another client id, give it one client id and keep it; if not, a will topic for each;
     publishing the birth again mends the topic.`,
  ],
  brokenRule: [
    `That is a fault of its program or of its MQTT library, and each such packet costs it its
     connection. \`mqttd serve --verbose\` logs every packet before it; \`mqttd inspect packet HEX\`
     says what is wrong with its bytes.`,
    `Let it keep to what this broker allows, or change the broker's limits.qos.`,
  ],
  brokerFull: [
    `Nothing at the client. Give this broker a higher limits.sessions, or end sessions that nobody
     needs: \`mqttd inspect sessions\` lists them.`,
  ],
  cleanDisconnect: [
    `To report planned ends too, publish the farewell before DISCONNECT, or send DISCONNECT with
     reason code 0x04. To test the will, kill the program with SIGKILL.`,
    `1 subscriber of wills/mortal received nothing. To report planned ends too, publish the
     farewell before DISCONNECT, or send DISCONNECT with reason code 0x04. To test the will, kill
     the program with SIGKILL.`,
    `1 subscriber of wills/mortal received nothing. To report planned ends too, publish the
     farewell before DISCONNECT (only MQTT 5.0 has a DISCONNECT that keeps the will). To test the
     will, kill the program with SIGKILL: on Ctrl-C many clients send DISCONNECT, as mosquitto_sub
     does.`,
  ],
  cleanStartEachTime: [
    `It asks for its session to be kept for 1 h, and throws it away with Clean Start 1 each time it
     comes back: subscriptions and queued messages are lost, and a delayed will fires at its
     return. Connect with Clean Start 0.`,
  ],
  cleanStartReturn: [
    `If its return is to cancel the will, let it connect with Clean Start 0: Clean Start 1 ends the
     old session, and a will never outlives its session.`,
  ],
  closeCall: [
    `It was silent for 14.6 s at the longest, though it had promised a packet in each 10 s: 400 ms
     more, and it would have been taken for dead. Let it ping in time, or ask for a longer
     keepalive.`,
  ],
  delayBeyondSession: [
    `Its will asks for a delay of 11 s, and its session ends 10 s after its connection: the will
     fires after 10 s, since it never outlives its session. Ask for a Session Expiry Interval above
     the delay.`,
    `Its will asks for a delay of 30 s, and its session ends 5 s after its connection: the will
     fires after 5 s, since it never outlives its session. Ask for a Session Expiry Interval above
     the delay.`,
    `Its will asks for a delay of 30 s, and its session ends with its connection: the will fires at
     once, since it never outlives its session. Ask for a Session Expiry Interval above the delay.`,
  ],
  denied: [
    `Give mortal back the right to publish on wills/mortal: a will is published by the rights that
     its client has when it fires.`,
  ],
  dropClient: [
    `Nothing, if it is a client of \`mqttd simulate-drop\`, as its name says: then it dies on
     purpose. If another program has this name:`,
  ],
  droppedCopies: [
    `narrow told the broker in CONNECT to send no packet above 40 bytes (Maximum Packet Size), and
     the will is larger: let it ask for more, or give the will a shorter payload.`,
  ],
  emptyRetainedWill: [
    `Give the will a payload if later subscribers should receive it: an empty retained message
     deletes what was retained on wills/mortal.`,
  ],
  incompletePacket: [
    `It began a PUBLISH and did not complete it: it sent 12 of 44 bytes. Until the other 32 bytes
     come, all that it sends counts as a part of that packet, a PINGREQ too. If its link did not
     break at that moment: check that its program writes the whole packet (repeat a send that took
     only a part), and that Remaining Length is the number of bytes that follow, not of characters.`,
  ],
  kicked: [
    `Nothing at the client. Only a DISCONNECT from the client itself discards the will: an operator
     can't send it in its place.`,
  ],
  longKeepAlive: [
    `It has a will on wills/mortal, and a keepalive of 2 h: a silent death is detected after 3 h.
     Set the keepalive to two thirds of the time within which a death must be known.`,
    `It has a will on wills/mortal, and a keepalive of 5 min: a silent death is detected after 7
     min 30 s. Set the keepalive to two thirds of the time within which a death must be known.`,
  ],
  neverPinged: [
    `It never sent anything after CONNECT. With a keepalive of 5 min it has to send a PINGREQ
     whenever it was silent for so long: does its network loop run (loop_start() or loop_forever()
     in Paho)?`,
    `It never sent anything after CONNECT. With a keepalive of 10 s it has to send a PINGREQ
     whenever it was silent for so long: does its network loop run (loop_start() or loop_forever()
     in Paho)?`,
    `It never sent anything after CONNECT. With a keepalive of 2 s it has to send a PINGREQ
     whenever it was silent for so long: does its network loop run (loop_start() or loop_forever()
     in Paho)?`,
  ],
  noKeepAlive: [
    `It has a will on wills/mortal, and a keepalive of 0: only TCP can detect a dead link, or
     nothing does. Set a keepalive; the will is published 1.5 times the keepalive after the last
     packet.`,
  ],
  noWill: [
    `Set a will in CONNECT: topic, payload, QoS, retain. It can't be set later, and most libraries
     want it before connect() is called.`,
  ],
  onlyReceives: [
    `It sent nothing after its SUBSCRIBE, no PINGREQ either, and was sent 6 messages in those 3.00
     s. If its program and its link still worked, it takes what it receives for a sign of its own
     life, but only what the client sends counts: with a keepalive of 2 s it has to send a PINGREQ
     whenever it sent nothing for so long.`,
  ],
  onPurpose: [
    `Start the broker without --like and planted faults to see what the standard asks for.`,
  ],
  packetTooLarge: [
    `Let it send smaller packets, or give this broker a higher limits.packetSize.`,
    `Let it send smaller packets, as CONNACK tells it (Maximum Packet Size), or give this broker a
     higher limits.packetSize.`,
    `Only PUBLISH may be so large. Let it keep to what this broker allows, or change the broker's
     limits.controlPacketSize.`,
  ],
  quickReturn: [
    `That is what a Will Delay Interval is for: a client that returns within 30 s raises no alarm.
     To report short absences too, make it shorter, or 0.`,
  ],
  quotaExceeded: [
    `Nothing at the client: too many large packets came at once. Give this broker a higher
     limits.unfinishedBytes.`,
    `Let it finish earlier QoS 2 messages first: CONNACK tells it how many may be unfinished
     (Receive Maximum). Or give this broker a higher limits.receiveMaximum.`,
    `Let it unsubscribe in several packets, or give this broker a higher limits.filters.`,
  ],
  randomClientId: [
    `It has a new client id (before: esp-9f31) for the same will topic wills/esp: the old id's will
     can be published after the new id's birth. Give the device one client id and keep it.`,
    `Its client id looks as if MQTT.js had drawn it: after a restart it is another client. Its
     return then neither takes over nor cancels anything, and the will of the old id can land after
     the birth of the new one. Give the device one client id and keep it.`,
    `It gave no client id, so the broker drew one: after a restart it is another client. Its return
     then neither takes over nor cancels anything, and the will of the old id can land after the
     birth of the new one. Give the device one client id and keep it.`,
  ],
  refused: [
    `Change the line test.acl:1 'topic deny it', which denies secret, and \`mqttd inspect reload\`. Or
     give its will a topic on which it may publish. It is refused at CONNECT because a broker that
     lets it in could never publish its will.`,
    `A bridge may have its state on $SYS/broker/connection/ID/state and nowhere else below $SYS,
     where ID is one level, through a listener without a mount point. In mosquitto.conf give this
     connection a remote_clientid without a slash, a notification_topic outside of $SYS, or
     notifications false.`,
    `Give the will a QoS of 0 at most, or give this broker a higher limits.qos.`,
    `Correct the will, and connect again: Will Topic holds a wildcard.`,
    `Correct the will, and connect again: Will Topic holds U+0000.`,
    `Correct the will, and connect again: the will topic is below $SYS, where only the broker may
     publish.`,
    `Give the will a payload of 1024 B at most, or give this broker a higher limits.payloadSize.`,
    `Give it a user name and a password of the broker's password file (\`mqttd passwd FILE USER\` and
     \`mqttd inspect reload\` add one), or let anonymous clients in: auth.allowAnonymous, or
     allowAnonymous of that listener.`,
    `Let it send a smaller CONNECT, or give this broker a higher limits.connectSize. A will's payload
     and User Properties are the usual cause of a large one.`,
  ],
  retainedWillWithoutBirth: [
    `It has a retained will on wills/mortal, but published nothing retained there while connected:
     after the first death the topic keeps the will for ever. Publish a retained birth on the same
     topic after each CONNACK.`,
    `It has a retained will on wills/mortal, but published nothing retained there while connected
     (seen 3.00 s ago): after the first death the topic keeps the will for ever. Publish a retained
     birth on the same topic after each CONNACK.`,
    `Let it publish its birth on home/status, retained, after each CONNACK, also after a reconnect:
     a birth that is published only when its program starts is lost to its own will.`,
  ],
  serverKeepAlive: [
    `Let it obey the Server Keep Alive of 1 min in CONNACK, whatever it had asked for (10 min).`,
  ],
  sessionCutByDisconnect: [
    `If the will is to wait for its delay of 30 s, leave the Session Expiry Interval out of
     DISCONNECT: it set it to 0, and a will never outlives its session.`,
    `If the will is to wait for its delay of 30 s, leave the Session Expiry Interval out of
     DISCONNECT: it set it to 5 s, and a will never outlives its session.`,
  ],
  sessionNotKept: [
    `mortal connects with Clean Start 0, yet its session ends with each connection: its Session
     Expiry Interval is 0 or absent. In MQTT 5.0 a session is kept only for as long as that says.`,
  ],
  sharedClientId: [
    `It has a client id that 10.0.0.2:50003 and 10.0.0.1:50004 take over from each other: each time
     one connects, the other is disconnected and its will is published. If these are two clients,
     give each an id of its own; if it is one that changes networks, let it end its old connection
     first.`,
  ],
  stalled: [
    `Look at its program: it does not read what comes to it, or its link is too slow for what it
     subscribes to. Let it subscribe to less, or give this broker a longer limits.stallTimeout.`,
  ],
  takeover: [
    `It connected again while the broker still held its old connection, so the old one died. If a
     reconnect is to raise no alarm, give the will a delay of a few seconds, and connect with Clean
     Start 0 and a Session Expiry Interval above that delay.`,
    `It connected again while the broker still held its old connection, so the old one died. Only
     MQTT 5.0 can delay a will; in MQTT 3.1.1 publish a birth on the same topic after each CONNACK,
     which corrects it.`,
    `It connected again while the broker still held its old connection, so the old one died. The
     old one had been silent for 45.0 s. If it sleeps between messages, let it send DISCONNECT
     before it sleeps: that discards the will (and if others are to know, publish its state on
     wills/mortal first). If a reconnect is to raise no alarm, give the will a delay of a few
     seconds, and connect with Clean Start 0 and a Session Expiry Interval above that delay.`,
    `It connected again while the broker still held its old connection, so the old one died. The
     old one had been silent for 45.0 s. If it sleeps between messages, let it send DISCONNECT
     before it sleeps: that discards the will (and if others are to know, publish its state on
     wills/mortal first). Its new connection has published on the will's topic since, which
     corrects it there; only MQTT 5.0 can delay a will.`,
  ],
  willExpired: [
    `A client that subscribes to wills/mortal now does not receive the will: its Message Expiry
     Interval of 10 s ends its time as the retained message too. If it is to stay, leave Message
     Expiry Interval out of the will's properties.`,
    `A subscriber that came back later than 10 s after the will's publication did not receive it:
     its Message Expiry Interval ends its time in a queue too. If it is to wait longer, leave Message
     Expiry Interval out of the will's properties.`,
  ],
  willDelay: [`If it is to fire at once, set its Will Delay Interval to 0; it is 30 s.`],
  takeoverLoop: [
    `It has had its client id taken over 3 times within 10 s, always from 127.0.0.1: each time the
     old connection ends and its will is published. Look whether its program starts again and
     again, its link flaps, or it connects anew without ending its old connection; if two programs
     use this client id, give each an id of its own.`,
  ],
  willOverwroteOther: [
    `If it and dev-9c8d are one device that came back under another client id, give it one client
     id and keep it: then its return ends the old connection, and the will comes before the birth.
     If they are two, give each a will topic of its own.`,
  ],
  willUnheard: [
    `It has a will on wills/mortal that reached no subscriber and is not retained: its message is
     lost. Check the topic's spelling, retain the will, or give the watcher a session that lasts.`,
  ],
};
