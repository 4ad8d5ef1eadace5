import { writeDuration, writeSize } from "../quantity.ts";
import { keepsOut, mistake, needless, type Outcome, refused, taken } from "./account.ts";
import {
  any,
  type Context,
  fileName,
  flag,
  given,
  isTrue,
  number,
  type Option,
  text,
  word,
} from "./option.ts";
import { addressOptions } from "./listeners.ts";
import { tlsOptions } from "./tls-options.ts";

const most32 = 4_294_967_295;
const packetMost = 256 * 1024 * 1024;
const queueMost = 10_000_000;
const bytesMost = 64 * 1024 ** 3;
const daySeconds = 86_400;

/** The options of mosquitto 1.x and 2.x but `listener`, `include_dir` and those of bridges. */
export const options: Readonly<Record<string, Option>> = {
  ...addressOptions,
  ...tlsOptions,

  // Who may connect.
  per_listener_settings: flag("global", (yes, { line, global, first }) => {
    const security = ["password_file", "acl_file", "allow_anonymous", "psk_file"];
    const above = [global, first]
      .flatMap(({ lines }) => security.flatMap((name) => lines.get(name) ?? []))
      .find(({ file, number }) => file === line.file && number < line.number);
    if (above !== undefined) {
      return mistake(
        `stands below ${above.option} (line ${above.number}); mosquitto wants it above`,
      );
    }
    return taken({}, yes ? "accounts and access lists belong to the listener above them" : "");
  }),
  allow_anonymous: flag("security", (yes, context) => {
    const listener = context.isPerListener ? context.listener : null;
    const own = given(listener, "listener_allow_anonymous");
    if (own !== null) return needless("listener_allow_anonymous of this listener counts");
    return taken({ allowAnonymous: yes });
  }),
  listener_allow_anonymous: flag("listener", (yes) => taken({ allowAnonymous: yes })),
  password_file: fileName("security", (file) => taken({ passwordFile: file })),
  acl_file: fileName("security", (file) =>
    taken(
      { aclFile: file },
      "",
      "a will on a topic that the list refuses makes mqttd refuse the CONNECT; mosquitto takes the " +
        "CONNECT, and drops the will without a word when it is due",
    ),
  ),
  clientid_prefixes: text("global", () => keepsOut("mqttd has no rule for client ids")),
  use_username_as_clientid: flag("listener", (yes) =>
    yes
      ? keepsOut("mqttd takes the client id that a client gives, so that one could claim another's")
      : needless("it is off"),
  ),
  allow_zero_length_clientid: flag("security", (yes) =>
    yes
      ? taken({}, "mqttd gives such a client an id of its own, as the standard has it")
      : refused("mqttd takes clients without a client id, and gives each an id of its own"),
  ),
  auto_id_prefix: text("security", () => refused("ids that mqttd gives have no prefix")),
  listener_auto_id_prefix: text("listener", () => refused("ids that mqttd gives have no prefix")),
  accept_protocol_versions: any("listener", (value) => {
    const versions = value.split(",").map((version) => version.trim());
    return ["3", "4", "5"].every((version) => versions.includes(version))
      ? needless("mqttd takes MQTT 3.1, 3.1.1 and 5")
      : keepsOut("mqttd takes MQTT 3.1, 3.1.1 and 5 on every listener");
  }),
  auth_plugin: any("security", plugin),
  plugin: any("security", plugin),
  global_plugin: any("global", plugin),
  plugin_load: any("global", plugin),
  plugin_use: any("security", plugin),
  auth_plugin_deny_special_chars: flag("security", () => needless("it is a rule for plugins")),
  check_retain_source: flag("global", () =>
    refused(
      "mqttd judges a retained message when it is published, and by the rights of who receives it",
    ),
  ),

  // Limits.
  max_connections: number("listener", [-1, most32], (count) =>
    count === -1
      ? taken({}, "-1 is no limit: only limits.connections applies")
      : count === 0
        ? mistake("0 lets nobody in; -1 is no limit")
        : taken({ connections: Math.min(count, 10_000_000) }),
  ),
  global_max_clients: number("global", [-1, most32], (count) =>
    count < 1 ? taken({}, "no limit") : taken({ "limits.sessions": Math.min(count, 10_000_000) }),
  ),
  global_max_connections: number("global", [-1, most32], (count) =>
    count < 1
      ? taken({}, "no limit")
      : taken({ "limits.connections": Math.min(count, 10_000_000) }),
  ),
  max_keepalive: number("global", [0, 65_535], (seconds) => {
    if (seconds > 0 && seconds < 10) return mistake(`found ${seconds}, allowed: 10 to 65535, or 0`);
    if (seconds === 0) {
      const why = "no limit, from 2.0.20 on; before, mosquitto does not start with 0";
      return taken({ "limits.keepAliveMax": "never" }, why);
    }
    return taken(
      { "limits.keepAliveMax": writeDuration(seconds * 1000) },
      "v5 clients are told; mosquitto refuses 3.1.1 clients that ask for more or for none, mqttd takes them",
    );
  }),
  max_packet_size: number("global", [20, most32], (bytes) =>
    taken(
      { "limits.packetSize": writeSize(Math.min(Math.max(bytes, 64), packetMost)) },
      bytes < 64
        ? "the least that mqttd has is 64 B"
        : bytes > packetMost
          ? "256 MiB is MQTT's most"
          : "",
    ),
  ),
  message_size_limit: number("global", [0, most32], (bytes) =>
    bytes === 0
      ? taken({}, "0 is no limit: mqttd's own stays, limits.payloadSize")
      : taken({ "limits.payloadSize": writeSize(Math.min(bytes, packetMost)) }),
  ),
  max_inflight_messages: number("global", [-1, 65_535], (count) =>
    taken(
      { "limits.inflight": count < 1 ? 65_535 : count },
      count < 1 ? "it is no limit: the highest" : "",
    ),
  ),
  max_inflight_bytes: number("global", [-1, most32], (bytes) =>
    bytes < 1
      ? needless("it is no limit, and mqttd has none in bytes")
      : refused("mqttd counts messages in flight (limits.inflight), not their bytes"),
  ),
  max_queued_messages: number("global", [-1, most32], (count) =>
    taken(
      { "limits.queuedMessages": count < 1 ? queueMost : Math.min(count, queueMost) },
      count < 1 ? "it is no limit: the highest" : "",
    ),
  ),
  max_queued_bytes: number("global", [-1, most32], (bytes) =>
    taken(
      { "limits.queuedBytes": writeSize(bytes < 1 ? bytesMost : bytes) },
      bytes < 1
        ? "it is no limit: the highest"
        : "what comes first counts: limits.queuedMessages or these bytes",
    ),
  ),
  queue_qos0_messages: flag("global", (yes) => taken({ "limits.queueQos0": yes })),
  upgrade_outgoing_qos: flag("global", (yes) =>
    yes
      ? refused("a copy has the lower QoS of message and subscription, as the standard has it")
      : needless("it is the standard's behaviour"),
  ),
  persistent_client_expiration: any("global", (value) => {
    const [first = ""] = value.split(" ");
    const [, count = "", unit = ""] = /^([1-9]\d{0,5})([hdwmy])$/.exec(first) ?? [];
    if (unit === "") {
      const lacks = /^\d+$/.test(first) ? ", the unit is missing" : "";
      return mistake(`found ${first}, allowed: a number with h, d, w, m (month) or y${lacks}`);
    }
    const hours = Number(count) * hoursOf[unit as keyof typeof hoursOf]; // A unit of the pattern.
    const why = unit === "m" ? "m is a month of 30 days in mosquitto, a minute in mqttd" : "";
    const mostHours = Math.floor(most32 / 3600);
    return taken(
      { "limits.sessionExpiryMax": writeDuration(Math.min(hours, mostHours) * 3_600_000) },
      why,
    );
  }),
  max_qos: number("listener", [0, 2], (qos, context) => forAll(context, { "limits.qos": qos })),
  retain_available: flag("global", (yes) => taken({ "limits.retain": yes })),
  max_topic_alias: number("listener", [0, 65_535], (count, context) =>
    forAll(context, { "limits.topicAliases": count }),
  ),
  max_topic_alias_broker: number("listener", [0, 65_535], () =>
    refused("limits.topicAliases is for both directions"),
  ),
  memory_limit: number("global", [0, Number.MAX_SAFE_INTEGER], (bytes) => {
    if (bytes === 0) return taken({}, "0 is no limit: mqttd's own stays, limits.memory");
    const least = 16 * 1024 * 1024;
    const raised = bytes < least ? "; the least is 16 MiB" : "";
    return taken(
      { "limits.memory": writeSize(Math.min(Math.max(bytes, least), 1024 * 1024 ** 3)) },
      `mqttd counts what clients make it hold, not its whole heap${raised}`,
    );
  }),
  retain_expiry_interval: number("global", [0, most32], () =>
    refused("retained messages end by their own Message Expiry Interval only"),
  ),
  mount_point: text("below", (prefix) => {
    if (!prefix.endsWith("/") || /[+#]/.test(prefix) || prefix.length > 256) {
      return keepsOut("a mount point of mqttd ends with /, and has no wildcard");
    }
    return taken({ mountPoint: prefix }, "it also stands before the topics of wills");
  }),

  // What a broker tells.
  sys_interval: number("global", [0, 65_535], (seconds) =>
    taken({
      "sys.interval": seconds === 0 ? "off" : writeDuration(Math.min(seconds, daySeconds) * 1000),
    }),
  ),
  log_type: word("global", Object.keys(levelOf()), (_, { line, global }) => {
    const levels = levelOf();
    const order = ["error", "warn", "info", "debug"];
    const named = (global.lines.get("log_type") ?? []).map(
      ({ value }) => levels[value.split(" ")[0] ?? ""],
    );
    const level = order.findLast((one) => named.includes(one)) ?? "error";
    const more = line.value.includes(" ");
    return taken(
      { "log.level": level },
      "all log_type lines together",
      more ? "mosquitto reads the first word of log_type only: one line for each" : undefined,
    );
  }),
  log_dest: any("global", (value) => {
    const [first = ""] = value.split(" ");
    switch (first) {
      case "topic":
        return refused("no log on $SYS/broker/log: mqttd inspect tail, or /v1/events over HTTP");
      case "none":
        return refused("mqttd logs errors at least, to stderr");
      case "file":
        return needless(`mqttd logs to stderr: mqttd serve 2>>${value.slice(5).trim() || "FILE"}`);
      case "stdout":
      case "stderr":
        return needless("mqttd logs to stderr");
      case "syslog":
        return needless("mqttd logs to stderr, which systemd puts in the journal");
      case "dlt":
      case "android":
        return needless("mqttd logs to stderr");
      default:
        return mistake(`found ${first}, allowed: none, syslog, stdout, stderr, topic, file FILE`);
    }
  }),
  log_facility: number("global", [0, 7], () => needless("mqttd logs to stderr, not to syslog")),
  log_timestamp: flag("global", () => needless("each line has its time")),
  log_timestamp_format: text("global", () =>
    needless("the time is 22:45:53.823; with log.format json it is ISO 8601"),
  ),
  connection_messages: flag("global", (yes) =>
    yes ? needless("connections are always logged") : refused("connections are always logged"),
  ),

  // What lasts.
  persistence: flag("global", persistence),
  retained_persistence: flag("global", persistence),
  persistence_location: text("global", (folder, { global }) =>
    isPersistent(global) ? taken({ "store.path": folder }) : needless(noPersistence),
  ),
  persistence_file: text("global", (_, { global }) =>
    needless(isPersistent(global) ? "the file's name is mqttd.db" : noPersistence),
  ),
  autosave_interval: number("global", [-1, most32], (_, { global }) => saving(global)),
  autosave_on_changes: flag("global", (_, { global }) => saving(global)),

  // The process, the network.
  pid_file: text("global", () =>
    needless("a service manager needs none; serve --ready-file FILE is for scripts"),
  ),
  user: text("global", () =>
    needless("mqttd does not change its user: start it as the one you want"),
  ),
  set_tcp_nodelay: flag("global", () => needless("mqttd always sets TCP_NODELAY")),
  packet_buffer_size: number("global", [0, most32], () =>
    needless("mqttd chooses its buffers itself"),
  ),
  enable_control_api: flag("global", () => needless("the administration is HTTP: mqttd inspect")),
  http_dir: text("listener", () => refused("mqttd serves no files")),
  websockets_log_level: number("global", [0, most32], () =>
    needless("there is no such library in mqttd"),
  ),
  websockets_headers_size: number("global", [0, most32], () =>
    needless("mqttd has a limit of its own"),
  ),
  enable_proxy_protocol: number("listener", [0, 2], (version) =>
    version === 0
      ? needless("it is off")
      : keepsOut(
          "set listeners[].proxyProtocol.from to the addresses of the proxies: mosquitto names none",
        ),
  ),
  proxy_protocol_v2_require_tls: flag("listener", (yes) =>
    yes ? keepsOut("mqttd has no such rule") : needless("it is off"),
  ),

  // Gone from mosquitto.
  retry_interval: number("global", [0, most32], () =>
    needless("gone since 1.5: messages are sent again on reconnect only"),
  ),
  store_clean_interval: number("global", [0, most32], () => needless("gone from mosquitto")),
  allow_duplicate_messages: flag("global", () =>
    needless("gone since 2.0; mqttd sends one copy for overlapping subscriptions of a client"),
  ),
};

const hoursOf = { h: 1, d: 24, w: 7 * 24, m: 30 * 24, y: 365 * 24 } as const;

function levelOf(): Readonly<Record<string, string>> {
  return {
    none: "none",
    error: "error",
    warning: "warn",
    notice: "info",
    information: "info",
    subscribe: "info",
    unsubscribe: "info",
    debug: "debug",
    websockets: "debug",
    internal: "debug",
    all: "debug",
  };
}

function plugin(value: string): Outcome {
  return keepsOut(
    `plugins are not in mqttd; users and rights that ${value} has do not come along: mqttd passwd, and an access list`,
  );
}

function forAll({ line }: Context, set: Readonly<Record<string, unknown>>): Outcome {
  return taken(set, `${line.option} is for all listeners in mqttd`);
}

const noPersistence = "without persistence it has no effect";

function isPersistent(global: Context["global"]): boolean {
  return isTrue(global, "persistence") || isTrue(global, "retained_persistence");
}

function persistence(yes: boolean, { global }: Context): Outcome {
  if (!yes) return taken({}, "everything is in memory");
  const warning =
    "retained messages and sessions in mosquitto's own file do not come along: mqttd begins a new one";
  if (given(global, "persistence_location") !== null) {
    return taken({}, "by the folder that persistence_location names", warning);
  }
  const why = "without persistence_location mosquitto writes into the folder where it is started";
  return taken({ "store.path": "mqttd-data" }, why, warning);
}

function saving(global: Context["global"]): Outcome {
  return needless(
    isPersistent(global)
      ? "mqttd keeps each change before it acknowledges it (store.durability)"
      : noPersistence,
  );
}
