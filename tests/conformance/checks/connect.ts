import { connect, flag, frame, property, publish, text, will } from "../bytes.ts";
import { check, type Group, type Needs } from "../check.ts";
import { holds, same, Skip } from "../disagreement.ts";
import { codeOf } from "../frame.ts";
import type { Scene } from "../scene.ts";
import { accessBy } from "../../support/access.ts";

const { clean, username, password, reserved } = flag;

/** A well-formed CONNECT that a broker refuses. */
function refusable(s: Scene, clientId: string, flags: number = clean): Uint8Array {
  if (s.version === 4) return connect(4, clientId, { level: 2, flags });
  const properties = property.authenticationMethod("none-such");
  return connect(5, clientId, { properties, flags });
}

const picky: Needs = {
  what: "client ids that are not let in",
  options: {
    authenticate: ({ clientId }, answer) => {
      if (clientId.endsWith("badId")) {
        return answer({ reason: 0x85, statement: "v5-3.1.3-8", detail: "not this id" });
      }
      if (clientId.endsWith("denied")) {
        return answer({ reason: 0x87, statement: "v5-3.1.4-2", detail: "not this client" });
      }
      answer(null);
    },
  },
};

export const connecting: Group = {
  name: "CONNECT",
  checks: [
    check("v4-3.1.0-1 v5-3.1.0-1", "a first packet other than CONNECT is closed", async (s) => {
      for (const first of [frame(0xc0), publish(s.version, s.topic()), frame(0xe0)]) {
        same("the answer is", await s.refused(first), null);
      }
    }),
    check("v4-3.1.0-2 v5-3.1.0-2", "a second CONNECT is closed", async (s) => {
      await s.closedBy(connect(s.version, s.id("closed")));
      await s.closedBy(connect(s.version, s.id("other")));
    }),
    check("v4-3.1.2-1 v5-3.1.2-1", "another protocol name is refused", async (s) => {
      for (const name of ["MQTt", "MQTTX", "HTTP", ""]) {
        await s.refused(connect(s.version, s.id("n"), { name }));
      }
    }),
    check("v4-3.1.2-2", "an unsupported level: CONNACK 0x01, then closed", async (s) => {
      for (const level of [2, 0]) {
        const connack = await s.refused(connect(4, s.id("l"), { level }));
        same("code of CONNACK is", connack === null ? null : codeOf(connack.packet), 1);
      }
    }),
    check("v5-3.1.2-2", "an unsupported version is refused", async (s) => {
      for (const level of [6, 100]) await s.refused(connect(5, s.id("l"), { level }));
    }),
    check("v4-3.1.2-3 v5-3.1.2-3", "the reserved Connect Flag is refused", async (s) => {
      await s.refused(connect(s.version, s.id("r"), { flags: clean | reserved }));
    }),
    check("v4-3.1.2-18 v5-3.1.2-16", "a user name without its flag is refused", async (s) => {
      await s.refused(connect(s.version, s.id("u"), { fields: [text("name")] }));
    }),
    check("v4-3.1.2-19 v5-3.1.2-17", "a flag without user name is refused", async (s) => {
      await s.refused(connect(s.version, s.id("u"), { flags: clean | username }));
    }),
    check("v4-3.1.2-20 v5-3.1.2-18", "a password without its flag is refused", async (s) => {
      const fields = [text("name"), text("secret")];
      await s.refused(connect(s.version, s.id("p"), { flags: clean | username, fields }));
    }),
    check("v4-3.1.2-21 v5-3.1.2-19", "a flag without password is refused", async (s) => {
      const flags = clean | username | password;
      await s.refused(connect(s.version, s.id("p"), { flags, fields: [text("name")] }));
    }),
    check("v4-3.1.2-22", "a password without user name is refused", async (s) => {
      const parts = { flags: clean | password, fields: [text("secret")] };
      await s.refused(connect(4, s.id("p"), parts));
    }),
    check("v5-3.1.2-16", "a password without user name is accepted", async (s) => {
      const peer = await s.open();
      const parts = { flags: clean | password, fields: [text("secret")] };
      peer.bytes(connect(5, s.id("p"), parts));
      same("code of CONNACK is", codeOf(await peer.next("connack")), 0);
    }),
    check("v4-3.1.3-1 v5-3.1.3-1", "fields are taken in the order of the standard", async (s) => {
      const watcher = await s.connect("watcher");
      await watcher.subscribe(s.topic());
      const mortal = await s.open();
      const fields = [will(s.version, s.topic(), "gone"), text("name"), text("secret")];
      const flags = clean | flag.will | username | password;
      mortal.bytes(connect(s.version, s.id("m"), { flags, fields }));
      same("code of CONNACK is", codeOf(await mortal.next("connack")), 0);
      mortal.drop();
      await watcher.receives(`${s.topic()}=gone`);
    }),
    check("v4-3.1.3-2 v5-3.1.3-2", "a session is its client id's", async (s) => {
      const [first] = await s.persistent("first");
      await first.subscribe(s.topic(), { qos: 1 });
      first.drop();
      const [, other] = await s.persistent("other");
      same("another id's Session Present is", other.sessionPresent, false);
      const [, again] = await s.persistent("first");
      same("the same id's Session Present is", again.sessionPresent, true);
    }),
    check("v4-3.1.3-3 v5-3.1.3-3", "a CONNECT without client id is refused", async (s) => {
      await s.refused(connect(s.version, null));
    }),
    check("v4-3.1.3-4 v5-3.1.3-4", "a client id that is no UTF-8 is refused", async (s) => {
      for (const id of [[0xff], [0x61, 0x00], [0xed, 0xbf, 0xbf]]) {
        await s.refused(connect(s.version, id));
      }
    }),
    check("v4-3.1.3-5 v5-3.1.3-5", "ids of 1 to 23 digits and letters are accepted", async (s) => {
      const mine = s.id("").slice(0, 6);
      for (const id of [
        "Z",
        "0123456789abcdefghijklm",
        "nopqrstuvwxyzABCDEFGHIJ",
        "KLMNOPQRSTUVWXYZ".padEnd(23, mine),
      ]) {
        const peer = await s.open();
        s.sendConnect(peer, id);
        same(`CONNACK for ${id} with code`, codeOf(await peer.next("connack")), 0);
        peer.leave();
      }
    }),
    check("v4-3.1.3-6 v5-3.1.3-6", "each empty client id gets one of its own", async (s) => {
      const peers = [await s.open(), await s.open()] as const;
      for (const peer of peers) {
        s.sendConnect(peer, "");
        same("CONNACK with code", codeOf(await peer.next("connack")), 0);
        await peer.subscribe(s.topic());
      }
      await peers[0].publish(s.topic(), "m");
      for (const peer of peers) await peer.receives(`${s.topic()}=m`);
    }),
    check("v5-3.1.3-7 v5-3.2.2-16", "the id that is given works like one's own", async (s) => {
      const properties = { sessionExpiryInterval: 60 };
      const given: string[] = [];
      for (const name of ["one", "two"]) {
        const peer = await s.open();
        s.sendConnect(peer, "", { properties });
        const { assignedClientIdentifier: id = "" } = (await peer.next("connack")).properties ?? {};
        holds(id !== "", `an Assigned Client Identifier for ${name}`, "none");
        given.push(id);
        peer.drop();
      }
      same("number of different ids is", new Set(given).size, 2);
      const back = await s.open();
      s.sendConnect(back, given[0] ?? "", { clean: false });
      same("Session Present is", (await back.next("connack")).sessionPresent, true);
    }),
    check(
      "v4-3.1.3-8 v4-3.1.3-9",
      "an empty client id with Clean Session 0: CONNACK 0x02, then closed",
      async (s) => {
        const connack = await s.refused(connect(4, "", { flags: 0 }));
        same("code of CONNACK is", connack === null ? null : codeOf(connack.packet), 2);
      },
    ),
    check(
      "v4-3.1.3-9 v5-3.1.3-8",
      "a client id that is not wanted is closed",
      async (s) => {
        const connack = await s.refused(connect(s.version, s.id("badId")));
        const wanted = s.version === 4 ? 0x02 : 0x85;
        same("code of CONNACK is", connack === null ? null : codeOf(connack.packet), wanted);
      },
      picky,
    ),
    check("v4-3.1.4-1 v5-3.1.4-1", "a CONNECT that breaks the format is closed", async (s) => {
      const whole = connect(s.version, s.id("x"));
      const tooLong = frame(0x10, [...whole.slice(2)], [0x00, 0x01]);
      const tooShort = frame(0x10, [...whole.slice(2, -1)]);
      const noLevel = frame(0x10, text("MQTT"));
      for (const wrong of [tooLong, tooShort, noLevel, frame(0x10)]) {
        const connack = await s.refused(wrong);
        if (s.version === 4) same("the answer is", connack, null);
      }
    }),
    check(
      "v5-3.1.4-2",
      "a client that may not come in is closed",
      async (s) => {
        const connack = await s.refused(connect(5, s.id("denied")));
        same("code of CONNACK is", connack === null ? null : codeOf(connack.packet), 0x87);
      },
      picky,
    ),
    check(
      "v5-3.1.4-2",
      "a client whose will may not be published is closed",
      async (s) => {
        const parts = { flags: clean | flag.will, fields: [will(5, s.topic("denied"), "gone")] };
        const connack = await s.refused(connect(5, s.id("w"), parts));
        same("code of CONNACK is", connack === null ? null : codeOf(connack.packet), 0x87);
      },
      {
        what: "topics where nobody may publish",
        options: { access: accessBy({ mayPublish: () => false }) },
      },
    ),
    check("v4-3.1.4-2", "an existing connection with the id is closed", async (s) => {
      const old = await s.connect("same");
      const successor = await s.connect("same");
      await old.closes();
      await successor.lives();
    }),
    check("v5-3.1.4-3", "an existing connection with the id gets 0x8E and is closed", async (s) => {
      const old = await s.connect("same");
      const successor = await s.connect("same");
      const said = await old.closes(0x8e);
      holds(said !== null, "DISCONNECT 0x8E", "no DISCONNECT");
      await successor.lives();
    }),
    check("v4-3.1.4-4 v5-3.1.4-5", "a good CONNECT gets CONNACK 0x00", async (s) => {
      const [, connack] = await s.enter("a");
      same("code of CONNACK is", codeOf(connack), 0);
    }),
    check("v4-3.1.4-5 v5-3.1.4-6", "what follows a refused CONNECT is not processed", async (s) => {
      const watcher = await s.connect("watcher");
      await watcher.subscribe(s.topic());
      const refused = await s.open();
      refused.bytes(
        s.version === 4 ? connect(4, "", { flags: 0 }) : refusable(s, s.id("r")),
        publish(s.version, s.topic(), { payload: "x" }),
        connect(s.version, s.id("r")),
        publish(s.version, s.topic(), { payload: "y" }),
      );
      await refused.refused();
      await watcher.silent();
    }),
    check("v4-3.2.2-4 v5-3.2.2-6", "refused: Session Present 0, session or not", async (s) => {
      await s.persistent("kept");
      const connack = await s.refused(refusable(s, s.id("kept"), 0));
      if (connack === null) throw new Skip("the broker refuses without CONNACK");
      same("the Connect Acknowledge Flags are", connack.bytes[connack.body], 0);
      const [, again] = await s.persistent("kept");
      same("after that Session Present is", again.sessionPresent, true);
    }),
    check("v4-3.2.2-5 v5-3.2.2-7", "refused: the connection is closed", async (s) => {
      const connack = await s.refused(refusable(s, s.id("r")));
      if (connack === null) throw new Skip("the broker refuses without CONNACK");
    }),
    check("v4-3.2.2-6", "where no return code fits: closed without CONNACK", async (s) => {
      same("the answer is", await s.refused(connect(4, s.id("r"), { flags: reserved })), null);
      same("the answer is", await s.refused(connect(4, s.id("r"), { flags: flag.willQos3 })), null);
    }),
    check("v5-4.12.0-1", "an unknown Authentication Method is refused", async (s) => {
      const connack = await s.refused(refusable(s, s.id("r")));
      if (connack === null) return;
      const code = codeOf(connack.packet);
      holds(code === 0x8c || code === 0x87, "0x8C or 0x87", String(code));
    }),
  ],
};
