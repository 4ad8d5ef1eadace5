import { describe, test } from "bun:test";
import { readdirSync } from "node:fs";
import { eventually } from "../support/inbox.ts";
import { dial, listening, Recorder, transports } from "./transports.ts";

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

async function atMost(limit: number): Promise<void> {
  await eventually(
    () => descriptors() <= limit,
    () => `${descriptors()} descriptors instead of ${limit} at most`,
  );
}

const batch = 200;

describe.if(process.platform === "linux").each(transports)("%s", (name, make, at) => {
  // A handshake takes this process as long as a hundred connections.
  const rounds = name.includes("tls") ? 2 : 10;

  const ways = ["reset by the peer", "closed by the peer", "reset by us", "ended by us"] as const;
  test.each(ways)("hundreds of connections %s leave none behind", async (way) => {
    const before = descriptors();
    for (let round = 0; round < rounds; round += 1) {
      const recorder = new Recorder();
      await listening(make({ lingerMs: 20 }), recorder, async (port) => {
        const peers = await Promise.all(Array.from({ length: batch }, () => dial(at(port))));
        await recorder.ready(batch - 1);
        if (way === "reset by the peer") for (const peer of peers) peer.rst();
        if (way === "closed by the peer") for (const peer of peers) peer.fin();
        if (way === "reset by us") for (const link of recorder.links) link.reset();
        if (way === "ended by us") for (const link of recorder.links) link.end();
        await Promise.all(peers.map((peer) => peer.ended));
        const ends = () => recorder.log.filter((event) => event === "eof" || event === "reset");
        if (way.endsWith("peer")) await recorder.until(() => ends().length === batch);
        // Our side must be closed before the peer closes: nothing else frees it then.
        await atMost(before + batch + 8);
        for (const peer of peers) peer.rst();
      });
    }
    await atMost(before + 4);
  });
});
