import { DialError } from "../../client/dial-error.ts";
import { dial } from "../../client/dial.ts";
import { byAddress, type Target } from "../../client/target.ts";
import { isLoopback } from "../../transport/loopback.ts";
import { watchByHand } from "./by-hand.ts";
import { ChildClient } from "../lab/child.ts";
import { Forwarder } from "../lab/forwarder.ts";
import { freeSubnet, NamespaceLink } from "../lab/namespace.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { expectDeadline } from "./silence.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

/** How long it takes at most to find out that nothing listens on an address of this machine. */
const lookMs = 1000;

/** A network that is really cut, with no program that could send a FIN or a RST. */
export const linkScenarios: readonly Scenario[] = [
  {
    id: "link-down",
    title: "the network link goes down",
    grade: "must",
    quick: false,
    needs: ["network namespace"],
    serial: false,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: "Starts a process that connects with a will and a keepalive of K in a network namespace of its own (Linux, as root), then takes the namespace's link down, like a cable that is pulled. What either side sends is lost. A broker that listens on every address is reached over the link itself; one that listens on loopback only, through a forwarder at this machine's end of it.",
    passes: "the will comes at 1.5 K after its last packet, or earlier once the link is down",
    wrong:
      "Neither FIN nor RST arrives, so a broker that relies on TCP waits for hours. Its TCP may detect the end before 1.5 K, which is right too.",
    byHandNote: "As root. The broker has to listen on every address of the machine.",
    byHand: [
      watchByHand,
      "ip netns add dev; ip link add dev0 type veth peer name dev1 netns dev",
      "ip address add 10.99.0.1/30 dev dev0; ip link set dev0 up",
      "ip -n dev address add 10.99.0.2/30 dev dev1; ip -n dev link set dev1 up",
      "ip netns exec dev mqttd sub -h 10.99.0.1 -i dev -k 5 -t x --will-topic status --will-payload gone &",
      "sleep 1; ip -n dev link set dev1 down; sleep 15",
      "ip netns pids dev | xargs kill -KILL; ip link delete dev0; ip netns delete dev",
    ],
    means: {
      never:
        "The broker has no keepalive deadline: a device that loses its network stays online for hours (rumqttd issue 783). No setting of the client helps; use a broker that enforces the keepalive.",
      late: "A device that loses its network is reported late. Run `half-open` to see by how much with other keepalives.",
      early: "The will came while the link was still up.",
      twice: "One lost network raises two alarms.",
    },
    play: linkDown,
  },
];

async function linkDown(stage: Stage): Promise<readonly Observation[]> {
  const { target } = stage.options;
  if (target.transport === "unix") throw new NotOffered("a unix socket has no network link");
  if (!isLoopback(target.host)) {
    throw new NotOffered("the link is made on the broker's machine: name it by a loopback address");
  }
  const child = await ChildClient.start(stage, ["unshare", "--net"]);
  const forwarder = new Forwarder(target);
  const link = new NamespaceLink(child.pid ?? 0, await freeSubnet());
  stage.later(async () => {
    // The client says goodbye while there is a way for it.
    await child.end();
    forwarder.close();
    await link.remove();
  });
  await link.open();
  await connectThrough(link, forwarder, child, target);
  const cutAt = stage.now;
  forwarder.cut();
  await link.down();
  return [{ ...(await expectDeadline(stage, child)), notBefore: cutAt }];
}

async function connectThrough(
  link: NamespaceLink,
  forwarder: Forwarder,
  child: ChildClient,
  target: Target,
): Promise<void> {
  const direct = byAddress(target, link.host);
  const port = (await isListening(direct)) ? target.port : await forwarder.listen(link.host);
  try {
    await child.connect({ ...direct, port });
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    throw new NotOffered(
      `nothing gets through the link (${error.message}): does a firewall drop what comes to ${link.host}?`,
    );
  }
}

/** Whether the broker listens on every address of this machine, the link's among them. */
async function isListening(target: Target): Promise<boolean> {
  try {
    const events = { data: () => {}, closed: () => {} };
    const plain = { ...target, transport: "tcp", tls: null } as const;
    (await dial(plain, lookMs, () => events)).reset();
    return true;
  } catch (error) {
    if (error instanceof DialError) return false;
    throw error;
  }
}
