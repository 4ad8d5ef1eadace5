import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../command.ts";
import { both, firstLine, ifThere, type PeerBroker, written } from "./broker.ts";
import { ejabberd, rabbitmq } from "./erlang-brokers.ts";
import { artemis, hivemq, moquette } from "./java-brokers.ts";

export function peerBrokers(mqttd: string): readonly PeerBroker[] {
  return [
    ourselves(mqttd),
    mosquitto,
    aedes,
    rumqttd("0.19.0"),
    rumqttd("0.20.0"),
    rmqtt("0.24.0"),
    mochi("2.7.9"),
    nats("2.15.3"),
    amqtt("0.12.1"),
    rabbitmq,
    ejabberd,
    moquette("0.17"),
    artemis("2.40.0"),
    hivemq("2025.5"),
  ];
}

function ourselves(mqttd: string): PeerBroker {
  return {
    name: "mqttd",
    get: "npm run build",
    settings: "its defaults",
    protocols: both,
    version: () => firstLine(mqttd, ["--version"])?.split(" ")[1] ?? null,
    start: ({ port }) => ({ program: mqttd, args: ["serve", "--port", `${port}`, "--quiet"] }),
  };
}

const mosquittoPath = ["/usr/sbin/mosquitto"].find((path) => existsSync(path)) ?? "mosquitto";

const mosquitto: PeerBroker = {
  name: "mosquitto",
  get: "apt-get install mosquitto",
  settings: "its defaults, anonymous clients allowed",
  protocols: both,
  version: () => /version (\S+)/.exec(firstLine(mosquittoPath, ["-h"]) ?? "")?.[1] ?? null,
  start: ({ port, folder }) => {
    const file = written(
      folder,
      "mosquitto.conf",
      `listener ${port} 127.0.0.1\nallow_anonymous true\n`,
    );
    return { program: mosquittoPath, args: ["-c", file] };
  },
};

const aedes: PeerBroker = {
  name: "aedes",
  get: "npm install aedes@1.2.0",
  settings: "its defaults",
  protocols: ["3.1.1"],
  version: () => {
    const file = join(root, "node_modules/aedes/package.json");
    return existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
      : null;
  },
  start: ({ port }) => ({
    program: process.execPath,
    args: [join(import.meta.dirname, "aedes.ts"), `${port}`],
  }),
};

function rumqttd(version: string): PeerBroker {
  const path = `rumqttd-${version}/bin/rumqttd`;
  return {
    name: "rumqttd",
    get: `cargo install rumqttd --version ${version} --root $PEERS/rumqttd-${version}`,
    settings: "its example configuration, a listener for each protocol",
    protocols: both,
    version: (home) => ifThere(home, path, version),
    start: ({ protocol, port, otherPorts: [other], folder, home }) => {
      const [v4, v5] = protocol === "5" ? [other, port] : [port, other];
      const file = written(folder, "rumqttd.toml", rumqttdSettings(v4, v5));
      return { program: join(home, path), args: ["-c", file, "-q"] };
    },
  };
}

function rumqttdSettings(v4: number, v5: number): string {
  const listener = (table: string, name: string, at: number): string => `
[${table}]
name = "${name}"
listen = "127.0.0.1:${at}"
next_connection_delay_ms = 1
  [${table}.connections]
  connection_timeout_ms = 60000
  max_payload_size = 20480
  max_inflight_count = 100
  dynamic_filters = true
`;
  return `id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
${listener("v4.1", "v4-1", v4)}${listener("v5.1", "v5-1", v5)}`;
}

function rmqtt(version: string): PeerBroker {
  const path = `rmqttd-${version}/bin/rmqttd`;
  return {
    name: "rmqtt",
    get: `cargo install rmqttd --version ${version} --root $PEERS/rmqttd-${version}`,
    settings:
      "its plugin for retained messages, keepalives below 10 s allowed, its refusal of clients on a busy machine off (to build it: protobuf-compiler)",
    protocols: both,
    version: (home) => ifThere(home, path, version),
    start: ({ port, otherPorts: [rpc, http], folder, home }) => {
      written(folder, "rmqtt-http-api.toml", `http_laddr = "127.0.0.1:${http}"\n`);
      const file = written(
        folder,
        "rmqtt.toml",
        `[node]
busy.check_enable = false
[plugins]
dir = "${folder}"
default_startups = ["rmqtt-retainer"]
[rpc]
server_addr = "127.0.0.1:${rpc}"
[log]
to = "console"
[listener.tcp.external]
addr = "127.0.0.1:${port}"
allow_anonymous = true
min_keepalive = 0
allow_zero_keepalive = true
`,
      );
      return { program: join(home, path), args: ["-f", file] };
    },
  };
}

function mochi(version: string): PeerBroker {
  const path = `mochi-${version}/cmd`;
  return {
    name: "mochi",
    get: `GOBIN=$PEERS/mochi-${version} go install github.com/mochi-mqtt/server/v2/cmd@v${version}`,
    settings: "its defaults",
    protocols: both,
    version: (home) => ifThere(home, path, version),
    start: ({ port, otherPorts: [ws, info], home }) => ({
      program: join(home, path),
      args: ["-tcp", `127.0.0.1:${port}`, "-ws", `127.0.0.1:${ws}`, "-info", `127.0.0.1:${info}`],
    }),
  };
}

function nats(version: string): PeerBroker {
  const path = `nats-server-${version}/nats-server`;
  return {
    name: "NATS",
    get: `GOBIN=$PEERS/nats-server-${version} go install github.com/nats-io/nats-server/v2@v${version}`,
    settings: "JetStream in a new folder",
    protocols: ["3.1.1"],
    version: (home) => ifThere(home, path, version),
    start: ({ port, otherPorts: [own], folder, home }) => {
      const file = written(
        folder,
        "nats.conf",
        `server_name: peer
listen: "127.0.0.1:${own}"
jetstream { store_dir: "${join(folder, "jetstream")}" }
mqtt { listen: "127.0.0.1:${port}" }
`,
      );
      return { program: join(home, path), args: ["-c", file] };
    },
  };
}

function amqtt(version: string): PeerBroker {
  const path = `amqtt-${version}/bin/amqtt`;
  return {
    name: "amqtt",
    get: `python3 -m venv $PEERS/amqtt-${version} && $PEERS/amqtt-${version}/bin/pip install amqtt==${version}`,
    settings: "anonymous clients allowed",
    protocols: ["3.1.1"],
    version: (home) => ifThere(home, path, version),
    start: ({ port, folder, home }) => {
      const file = written(
        folder,
        "amqtt.yaml",
        `listeners:
  default:
    type: tcp
    bind: 127.0.0.1:${port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
`,
      );
      return { program: join(home, path), args: ["-c", file] };
    },
  };
}
