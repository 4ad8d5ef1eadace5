import { expect, test } from "bun:test";
import { levels } from "../../src/log/events.ts";
import { renderJson } from "../../src/log/render.ts";
import { now, samples } from "./samples.ts";

test("every event is one object with the facts of the human line", () => {
  const lines = Object.values(samples).flatMap((events) =>
    events.map((event) => renderJson(event, now)),
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"5.0","cleanStart":true,"sessionPresent":false,"keepAliveSeconds":10,"keepAliveAskedSeconds":10,"sessionExpirySeconds":0,"username":null,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"3.1.1","cleanStart":true,"sessionPresent":false,"keepAliveSeconds":10,"keepAliveAskedSeconds":10,"sessionExpirySeconds":0,"username":"ann","will":{"topic":"home/dev-42/status","qos":1,"retain":true,"payloadBytes":7,"delaySeconds":0}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"3.1","cleanStart":true,"sessionPresent":false,"keepAliveSeconds":0,"keepAliveAskedSeconds":0,"sessionExpirySeconds":0,"username":null,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"5.0","cleanStart":false,"sessionPresent":true,"keepAliveSeconds":60,"keepAliveAskedSeconds":3600,"sessionExpirySeconds":3600,"username":null,"will":{"topic":"home/dev-42/status","qos":1,"retain":false,"payloadBytes":7,"delaySeconds":30}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"3.1.1","cleanStart":false,"sessionPresent":false,"keepAliveSeconds":10,"keepAliveAskedSeconds":10,"sessionExpirySeconds":null,"username":null,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"connected","client":"dev-42","remote":"127.0.0.1:51042","protocol":"3.1.1","bridge":true,"cleanStart":true,"sessionPresent":false,"keepAliveSeconds":10,"keepAliveAskedSeconds":10,"sessionExpirySeconds":0,"username":null,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"disconnected","causeText":"DISCONNECT","detail":null,"statement":null,"silentMs":0,"allowedMs":15000,"wasConnected":true,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"disconnected","causeText":"DISCONNECT","detail":null,"statement":null,"silentMs":0,"allowedMs":15000,"wasConnected":true,"will":{"fate":"discarded","topic":"home/dev-42/status","why":"disconnect"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"disconnectedWithWill","causeText":"DISCONNECT with will","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"delivered":2,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"disconnectedWithError","causeText":"DISCONNECT with an error","detail":"unspecified error (0x80)","statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"delivered":0,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"resetByPeer","causeText":"connection reset (RST)","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"keepAliveExpired","causeText":"keepalive expired","detail":null,"statement":null,"silentMs":15001,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.122Z","at":"2026-11-22T15:04:05.123Z","lateMs":1,"delivered":3,"queued":1,"dropped":0,"away":0,"retained":"stored"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"keepAliveExpired","causeText":"keepalive expired","detail":null,"statement":null,"silentMs":19000,"stoodStillMs":4000,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:01.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":4000,"stoodStillMs":4000,"delivered":1,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"closedByPeer","causeText":"closed without DISCONNECT (FIN)","detail":null,"statement":null,"silentMs":2104,"allowedMs":null,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"delivered":0,"queued":2,"dropped":1,"away":0,"retained":"cleared"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"resetByPeer","causeText":"connection reset (RST)","detail":null,"statement":null,"silentMs":2104,"allowedMs":null,"wasConnected":true,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"tcpTimeout","causeText":"peer unreachable (found by TCP)","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"delayed","topic":"home/dev-42/status","due":"2026-11-22T15:04:35.123Z","dueInMs":30000}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"takenOver","causeText":"taken over","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"cancelled","topic":"home/dev-42/status","why":"resumed"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"takenOver","causeText":"taken over","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"unwaitedSeconds":30,"delivered":1,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"protocolError","causeText":"protocol error","detail":"second CONNECT","statement":"v5-3.1.0-2","silentMs":0,"allowedMs":15000,"wasConnected":true,"will":{"fate":"discarded","topic":"home/dev-42/status","why":"denied"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"error","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"storeFailed","causeText":"store failed","detail":null,"statement":null,"silentMs":2104,"allowedMs":15000,"wasConnected":true,"will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"delivered":0,"queued":0,"dropped":4,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":null,"remote":"[::1]:51043","cause":"connectTimeout","causeText":"no CONNECT in time","detail":null,"statement":null,"silentMs":10000,"allowedMs":10000,"wasConnected":false,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"ended","client":null,"remote":"[::1]:51043","cause":"crowdedOut","causeText":"no CONNECT yet, reset to make room","detail":null,"statement":null,"silentMs":4000,"allowedMs":10000,"wasConnected":false,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"refused","causeText":"refused","detail":"not authorized","statement":null,"silentMs":2104,"allowedMs":null,"wasConnected":false,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":"dev-42","remote":"127.0.0.1:51042","cause":"refused","causeText":"refused","detail":"not authorized","statement":null,"silentMs":2104,"allowedMs":null,"wasConnected":false,"will":null,"refusedWill":{"topic":"home/dev-42/status","qos":1,"retain":true,"payloadBytes":7,"delaySeconds":30}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"ended","client":null,"remote":"[::1]:51043","cause":"resetByPeer","causeText":"connection reset (RST)","detail":null,"statement":null,"silentMs":2104,"allowedMs":null,"wasConnected":false,"will":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"will","client":"dev-42","cause":"resetByPeer","causeText":"connection reset (RST)","endedAt":"2026-11-22T15:03:35.123Z","waitedMs":30000,"by":"due","will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:05.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":0,"delivered":2,"queued":1,"dropped":0,"away":0,"retained":"stored"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"will","client":"dev-42","cause":"resetByPeer","causeText":"connection reset (RST)","endedAt":"2026-11-22T15:03:35.123Z","waitedMs":30000,"by":"session ended","will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:03:45.123Z","at":"2026-11-22T15:03:45.127Z","lateMs":4,"delivered":0,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"will","client":"dev-42","cause":"resetByPeer","causeText":"connection reset (RST)","endedAt":"2026-11-22T15:03:35.123Z","waitedMs":30000,"by":"broker stopped","will":{"fate":"published","topic":"home/dev-42/status","due":"2026-11-22T15:04:10.123Z","at":"2026-11-22T15:04:05.123Z","lateMs":-5000,"delivered":1,"queued":0,"dropped":0,"away":0,"retained":null}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"will","client":"dev-42","cause":"resetByPeer","causeText":"connection reset (RST)","endedAt":"2026-11-22T15:03:52.778Z","waitedMs":12345,"by":"resumed","will":{"fate":"cancelled","topic":"home/dev-42/status","why":"resumed"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"will","client":"dev-42","cause":"resetByPeer","causeText":"connection reset (RST)","endedAt":"2026-11-22T15:03:35.123Z","waitedMs":30000,"by":"due","will":{"fate":"discarded","topic":"home/dev-42/status","why":"denied"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"keepAliveAboveMaximum","client":"dev-42","remote":"127.0.0.1:51042","keepAliveSeconds":7200,"maximumSeconds":90}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"subscribed","client":"dev-42","remote":"127.0.0.1:51042","filter":"home/+/status","reason":1}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"subscribed","client":"dev-42","remote":"127.0.0.1:51042","filter":"secret/#","reason":135,"why":"not authorized"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"subscribed","client":"dev-42","remote":"127.0.0.1:51042","filter":"secret/#","reason":128,"why":"not authorized"}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"unsubscribed","client":"dev-42","remote":"127.0.0.1:51042","filter":"home/+/status"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"publishRefused","client":"dev-42","remote":"127.0.0.1:51042","topic":"a/b","reason":151,"why":"quota exceeded","detail":"retained messages"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"publishRefused","client":"dev-42","remote":"127.0.0.1:51042","topic":"a/b","reason":null,"why":"quota exceeded","detail":"retained messages"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"deliveryDenied","client":"dev-42","topic":"a/b","by":"mqttd.acl:7 'topic deny a/#'"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"rightsChanged","client":"dev-42","username":"ann","gained":["topic read a/#"],"lost":["topic b/#","topic deny c"],"more":2}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"rightsChanged","client":"dev-42","username":null,"list":"mqttd.acl","gained":[],"lost":[],"more":0,"deniedWill":{"topic":"home/dev-42/status","by":"no line of mqttd.acl"}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"rightsChanged","client":"dev-42","username":null,"list":null,"gained":[],"lost":[],"more":0}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"moreRightsChanged","clients":5}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"dropping","client":"dev-42","why":"queue full","topic":"a/b"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"dropping","client":"dev-42","why":"packet too large","topic":"a/b"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"dropping","client":null,"why":"retained messages full","topic":"a/b","limit":"limits.retainedBytes"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"notSent","client":"dev-42","remote":"127.0.0.1:51042","packet":"suback","bytes":35,"maximumBytes":24}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"crowded","reset":240,"withinMs":1000}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"crowded","reset":0,"failed":980,"withinMs":1000}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"sessionEnded","client":"dev-42","why":"expired"}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"sessionEnded","client":"dev-42","why":"replaced"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"randomClientId","topic":"home/dev-42/status","before":"dev-7f3a"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"retainedWillWithoutBirth","topic":"home/dev-42/status"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"birthElsewhere","topic":"home/dev-42/status","published":"home/dev-42/birth"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"noKeepAlive","topic":"home/dev-42/status"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"longKeepAlive","topic":"home/dev-42/status","keepAlive":7200,"allowedMs":10800000}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"delayBeyondSession","topic":"home/dev-42/status","delayInterval":300,"sessionExpiry":60}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"willUnheard","topic":"home/dev-42/status"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"cleanDisconnect","topic":"home/dev-42/status","listeners":2}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"clientFault","client":"dev-42","remote":"127.0.0.1:51042","fault":"sharedClientId","remotes":["10.0.0.5:51042","10.0.0.6:40110"]}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"restored","sessions":120,"subscriptions":340,"messages":17,"retained":1,"wills":9,"dueWills":3,"waitMs":5000,"diedMsAgo":7200}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"restored","sessions":1,"subscriptions":0,"messages":0,"retained":2,"wills":0,"dueWills":0,"waitMs":5000,"diedMsAgo":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"error","event":"storeFailed","detail":"the disk is full","clients":3}
    {"time":"2026-11-22T15:04:05.123Z","level":"error","event":"storeFailed","detail":"the disk is full","clients":1}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"storeRecovered","afterMs":61500}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"woke","asleepMs":7512000}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"listening","addresses":["127.0.0.1:1883","[::1]:1883"]}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"administration","urls":["http://127.0.0.1:1888","http://[::1]:1888"],"taken":null,"tokenFile":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"administration","urls":["http://0.0.0.0:40001"],"taken":1888,"tokenFile":"/run/user/1000/mqttd/token"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"storeOpened","file":"/var/lib/mqttd/mqttd.db","isNew":true}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"storeOpened","file":"/var/lib/mqttd/mqttd.db","isNew":false}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"configurationLoaded","file":"/etc/mqttd.json"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"configurationLoaded","file":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"configurationReloaded","file":"/etc/mqttd.json","changed":["limits.packetSize"]}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"configurationReloaded","file":null,"changed":[]}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"configurationReloaded","file":null,"changed":[],"filesChanged":true}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"accessReloaded","file":"/etc/mqttd.acl","lines":12}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"accountsReloaded","file":"/etc/mqttd.passwd","added":{"names":["dev-9"],"more":0},"changed":{"names":[],"more":0},"removed":{"names":["alice","bob smith"],"more":3},"connected":{"names":["dev-42"],"more":0}}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"accountsReloaded","file":"/etc/mqttd.passwd","added":{"names":[],"more":0},"changed":{"names":["alice"],"more":0},"removed":{"names":[],"more":0},"connected":{"names":[],"more":0}}
    {"time":"2026-11-22T15:04:05.123Z","level":"error","event":"configurationReloadFailed","file":"/etc/mqttd.json","problems":["line 3: limits.packetSize: found \\"huge\\"","line 9: unknown key limit"]}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"stopping","signal":"SIGTERM"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"stopping","signal":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"predecessor","pid":4711,"startedAt":"2026-11-22T15:02:35.123Z"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"stopped"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"warning","text":"Open to the network without passwords: use --host 127.0.0.1"}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"received","type":"PUBLISH","packetId":7,"topic":"a/b","qos":1,"retain":false,"dup":false,"payloadBytes":5}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"PUBACK","packetId":7,"reason":16}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"received","type":"PINGREQ"}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"received","type":"SUBSCRIBE","packetId":8,"subscriptions":[{"filter":"#","qos":2}]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"SUBACK","packetId":8,"reasons":[2,2,2,2,2,2,2,2,2,2,2,2]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"CONNACK","sessionPresent":true,"reason":0}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"CONNACK","sessionPresent":false,"reason":135}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"SUBACK","packetId":8,"reasons":[1,135]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"UNSUBACK","packetId":9,"reasons":[0,17]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"PUBREC","packetId":7,"reason":151}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"CONNACK","sessionPresent":false,"reason":5}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"SUBACK","packetId":8,"reasons":[1,128]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"UNSUBACK","packetId":9,"reasons":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"PUBREC","packetId":7,"reason":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"CONNACK","sessionPresent":false,"reason":5}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"SUBACK","packetId":8,"reasons":[1,128]}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"UNSUBACK","packetId":9,"reasons":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"debug","event":"packet","client":"dev-42","remote":"127.0.0.1:51042","direction":"sent","type":"PUBREC","packetId":7,"reason":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"loopBlocked","blockedMs":120.4}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"state","now":1795359845123,"connections":[{"connection":1,"clientId":"dev-42","remote":"127.0.0.1:51042","listener":"tcp localhost:1883","state":"connected","protocol":"5.0","openedAt":1795359785123,"keepAliveSeconds":10,"allowedMs":15000,"lastPacket":{"type":"PINGREQ","at":1795359843019},"deadlineAt":1795359858019,"deadlineCause":"keepAliveExpired","pausedAt":null,"heldFor":null,"waitingSince":null,"blocked":false,"dropped":null}],"sessions":[{"clientId":"dev-42","connected":true,"createdAt":1795359785123,"expirySeconds":0,"endsAt":null,"queue":{"messages":0,"bytes":0},"inflight":0,"receiveMaximum":65535,"incoming":0,"dropping":false,"holds":{"count":0,"clientIds":[]},"subscriptions":[{"clientId":"dev-42","filter":"a/#","qos":1,"noLocal":false,"retainAsPublished":false,"identifier":0,"group":null}],"will":{"topic":"home/dev-42/status","qos":1,"retain":true,"payloadBytes":7,"delaySeconds":0,"state":"armed","dueAt":null}},{"clientId":"dev-43","connected":false,"createdAt":1795356245123,"expirySeconds":3600,"endsAt":1795362845123,"queue":{"messages":3,"bytes":21},"inflight":0,"receiveMaximum":null,"incoming":0,"dropping":false,"holds":{"count":0,"clientIds":[]},"subscriptions":[],"will":{"topic":"home/dev-42/status","qos":1,"retain":true,"payloadBytes":7,"delaySeconds":0,"state":"delayed","dueAt":1795359865123}}],"retained":{"messages":1,"bytes":24},"subscriptions":1,"deadlines":3}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"operatorOrdered","client":"dev-42","order":"drop silent"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"operatorOrdered","client":null,"order":"reload"}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"operatorPublished","topic":"home/lamp","qos":1,"retain":true,"payloadBytes":2,"reach":{"delivered":2,"queued":1,"dropped":0,"away":0,"retained":"stored"},"refused":null}
    {"time":"2026-11-22T15:04:05.123Z","level":"info","event":"operatorPublished","topic":"$SYS/x","qos":0,"retain":false,"payloadBytes":0,"reach":null,"refused":"only the broker may publish below $SYS"}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"logLinesDropped","lines":1}
    {"time":"2026-11-22T15:04:05.123Z","level":"warn","event":"logLinesDropped","lines":2300}
    "
  `);
});

test("time, level and event come first in each", () => {
  for (const event of Object.values(samples).flat()) {
    const parsed: Record<string, unknown> = JSON.parse(renderJson(event, now));
    expect(Object.keys(parsed).slice(0, 3)).toEqual(["time", "level", "event"]);
    expect(parsed["time"]).toBe("2026-11-22T15:04:05.123Z");
    expect(parsed["event"]).toBe(event.event);
    expect(levels.map(String)).toContain(String(parsed["level"]));
  }
});

test("long strings stay whole", () => {
  const topic = "t".repeat(5000);
  const parsed: unknown = JSON.parse(
    renderJson({ event: "dropping", clientId: "a", why: "blocked", topic }, now),
  );
  expect(parsed).toMatchObject({ topic });
});
