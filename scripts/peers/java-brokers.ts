import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { both, ifThere, type PeerBroker, written } from "./broker.ts";

/** Maven's project file with a dependency that the command line names. */
const pom = "-f scripts/peers/pom.xml";

export function moquette(version: string): PeerBroker {
  const folder = `moquette-${version}`;
  return {
    name: "Moquette",
    get: `mvn ${pom} -Dpeer.group=io.moquette -Dpeer.name=moquette-broker -Dpeer.version=${version} dependency:copy-dependencies -DoutputDirectory=$PEERS/${folder}`,
    settings: "its defaults, anonymous clients allowed",
    protocols: ["3.1.1"],
    version: (home) => ifThere(home, `${folder}/moquette-broker-${version}.jar`, version),
    start: ({ port, folder: own, home }) => {
      mkdirSync(join(own, "config"));
      mkdirSync(join(own, "data"));
      written(
        own,
        "config/moquette.conf",
        `port ${port}
host 127.0.0.1
allow_anonymous true
data_path ${join(own, "data")}
telemetry_enabled false
`,
      );
      const paths = ["-cp", join(home, folder, "*")];
      return {
        program: "java",
        args: [`-Dmoquette.path=${own}`, ...paths, "io.moquette.broker.Server"],
      };
    },
  };
}

export function hivemq(version: string): PeerBroker {
  const folder = `hivemq-${version}`;
  const opened = ["lang", "nio"].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`);
  return {
    name: "HiveMQ CE",
    get: `mvn ${pom} -Dpeer.group=com.hivemq -Dpeer.name=hivemq-community-edition-embedded -Dpeer.version=${version} dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$PEERS/${folder}`,
    settings: "embedded, its defaults, usage statistics off",
    protocols: both,
    version: (home) =>
      ifThere(home, `${folder}/hivemq-community-edition-embedded-${version}.jar`, version),
    start: ({ port, folder: own, home }) => {
      for (const name of ["conf", "data", "log", "extensions"]) mkdirSync(join(own, name));
      written(
        own,
        "conf/config.xml",
        `<hivemq><listeners><tcp-listener><port>${port}</port><bind-address>127.0.0.1</bind-address></tcp-listener></listeners><anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics></hivemq>
`,
      );
      const paths = ["-cp", join(home, folder, "*")];
      return {
        program: "java",
        args: [
          `-Dhivemq.home=${own}`,
          ...opened,
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
          "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
          ...paths,
          join(import.meta.dirname, "HivemqPeer.java"),
          own,
        ],
      };
    },
  };
}

export function artemis(version: string): PeerBroker {
  const folder = `artemis-${version}`;
  const program = `${folder}/apache-artemis-${version}/bin/artemis`;
  return {
    name: "Artemis",
    get: `mvn dependency:copy -Dartifact=org.apache.activemq:apache-artemis:${version}:zip:bin -DoutputDirectory=$PEERS/${folder} && unzip -q $PEERS/${folder}/*.zip -d $PEERS/${folder}`,
    settings: "a new instance, anonymous clients allowed, MQTT alone, no persistence",
    protocols: both,
    version: (home) => ifThere(home, program, version),
    start: ({ port, otherPorts: [core], folder: own, home }) => {
      const instance = join(own, "instance");
      const create =
        "--silent --allow-anonymous --user peer --password peer --no-autotune --no-web --disable-persistence --no-amqp-acceptor --no-hornetq-acceptor --no-stomp-acceptor --nio";
      const moved = `s/0\\.0\\.0\\.0:1883/127.0.0.1:${port}/; s/0\\.0\\.0\\.0:61616/127.0.0.1:${core}/`;
      return {
        program: "sh",
        args: [
          "-c",
          `sh "$ARTEMIS" create ${create} "$INSTANCE" &&
sed -i '${moved}' "$INSTANCE/etc/broker.xml" && exec "$INSTANCE/bin/artemis" run`,
        ],
        env: { ARTEMIS: join(home, program), INSTANCE: instance },
      };
    },
  };
}
