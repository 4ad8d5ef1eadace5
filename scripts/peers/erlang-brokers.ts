import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { both, debianVersion, type PeerBroker, written } from "./broker.ts";

const rabbitmqFolder = "/usr/lib/rabbitmq/bin";

export const rabbitmq: PeerBroker = {
  name: "RabbitMQ",
  get: "apt-get install rabbitmq-server",
  settings: "rabbitmq_mqtt enabled, else its defaults",
  protocols: ["3.1.1"],
  version: () => debianVersion("rabbitmq-server"),
  start: ({ port, otherPorts: [epmd, distribution], folder }) => {
    written(
      folder,
      "rabbitmq.conf",
      `listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:${port}\n`,
    );
    written(folder, "enabled_plugins", "[rabbitmq_mqtt].\n");
    return {
      program: "sh",
      // Its own epmd, so that it ends with the rest.
      args: [
        "-c",
        `epmd -address 127.0.0.1 -port ${epmd} & exec ${rabbitmqFolder}/rabbitmq-server`,
      ],
      env: {
        HOME: folder,
        ERL_EPMD_PORT: `${epmd}`,
        RABBITMQ_DIST_PORT: `${distribution}`,
        RABBITMQ_NODENAME: `peer${port}@localhost`,
        RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq"),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
        RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
        RABBITMQ_LOG_BASE: join(folder, "log"),
        RABBITMQ_LOGS: "-",
      },
    };
  },
};

export const ejabberd: PeerBroker = {
  name: "ejabberd",
  get: "apt-get install ejabberd",
  settings: "mod_mqtt alone, anonymous users with a name allowed",
  login: "peer:peer",
  protocols: both,
  version: () => debianVersion("ejabberd"),
  start: ({ port, folder }) => {
    const file = written(
      folder,
      "ejabberd.yml",
      `hosts: [localhost]
loglevel: warning
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: mod_mqtt
    backlog: 1000
modules:
  mod_mqtt: {}
`,
    );
    const mnesia = join(folder, "mnesia");
    mkdirSync(mnesia);
    return {
      program: "erl",
      args: ["-noinput", "-mnesia", "dir", `"${mnesia}"`, "-s", "ejabberd"],
      env: {
        HOME: folder,
        ERL_LIBS: "/usr/lib/x86_64-linux-gnu",
        EJABBERD_CONFIG_PATH: file,
        EJABBERD_LOG_PATH: join(folder, "ejabberd.log"),
      },
    };
  },
};
