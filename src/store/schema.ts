/**
 * The tables of a store's file. Each record stands beside its key with the CRC-32 of both, because
 * SQLite itself does not notice a changed byte in a record.
 */

/** In the head of the file, so that no other file is taken for a store: "mqtd". */
export const applicationId = 0x6d_71_74_64;

const record = "record BLOB NOT NULL, sum INTEGER NOT NULL";

/**
 * Each brings a file from the version of its index to the next; the file has the number of those that
 * it went through (`user_version`). None is ever changed or removed.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE session (session INTEGER PRIMARY KEY, ${record}) STRICT;
   CREATE TABLE subscription (session INTEGER NOT NULL, filter TEXT NOT NULL, ${record},
     PRIMARY KEY (session, filter)) STRICT, WITHOUT ROWID;
   CREATE TABLE message (message INTEGER PRIMARY KEY, ${record}) STRICT;
   CREATE TABLE piece (message INTEGER NOT NULL, number INTEGER NOT NULL, ${record},
     PRIMARY KEY (message, number)) STRICT;
   CREATE TABLE queued (session INTEGER NOT NULL, place INTEGER NOT NULL, ${record},
     PRIMARY KEY (session, place)) STRICT, WITHOUT ROWID;
   CREATE TABLE outgoing (session INTEGER NOT NULL, packet_id INTEGER NOT NULL, ${record},
     PRIMARY KEY (session, packet_id)) STRICT, WITHOUT ROWID;
   CREATE TABLE incoming (session INTEGER NOT NULL, packet_id INTEGER NOT NULL, ${record},
     PRIMARY KEY (session, packet_id)) STRICT, WITHOUT ROWID;
   CREATE TABLE retained (topic TEXT PRIMARY KEY, ${record}) STRICT, WITHOUT ROWID;
   CREATE TABLE will (session INTEGER PRIMARY KEY, ${record}) STRICT;
   -- One row a start. Times in milliseconds since the epoch; stopped: null after a kill.
   CREATE TABLE run (run INTEGER PRIMARY KEY, version TEXT NOT NULL, process INTEGER NOT NULL,
     started INTEGER NOT NULL, heartbeat INTEGER NOT NULL, stopped INTEGER) STRICT;`,
  `-- What is remembered for people: records of JSON.
   CREATE TABLE habits (number INTEGER PRIMARY KEY, ${record}) STRICT;
   CREATE TABLE connection (number INTEGER PRIMARY KEY, ${record}) STRICT;
   CREATE TABLE willRecord (number INTEGER PRIMARY KEY, ${record}) STRICT;`,
];
