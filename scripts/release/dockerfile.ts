import type { Release } from "./installers.ts";

/** Docker's names for processors. */
const processors = [
  { name: "amd64", target: "linux-x64" },
  { name: "arm64", target: "linux-arm64" },
];
const base = "debian:stable-slim";

/**
 * An image with glibc, for each processor whose archive was made; null: for none. It needs no files
 * beside it. BuildKit, Docker's builder since 23, knows TARGETARCH and checksums.
 */
export function dockerfile({ version, archives }: Release): string | null {
  const stages = processors.flatMap(({ name, target }) => {
    const archive = archives.get(target);
    if (archive === undefined) return [];
    const { url, sha256 } = archive;
    return [`FROM ${base} AS ${name}\nADD --checksum=sha256:${sha256} ${url} /mqttd.tar.gz\n`];
  });
  if (stages.length === 0) return null;
  return `# mqttd ${version}: docker build --tag mqttd - < Dockerfile
ARG TARGETARCH

${stages.join("\n")}
FROM \${TARGETARCH} AS unpacked
RUN mkdir /mqttd && tar -xzf /mqttd.tar.gz --strip-components=1 -C /mqttd

FROM ${base}
COPY --from=unpacked /mqttd/mqttd /usr/local/bin/mqttd
COPY --from=unpacked /mqttd/LICENSE /mqttd/THIRD-PARTY-LICENSES.txt /usr/local/share/doc/mqttd/
RUN mkdir -p -m 700 /var/lib/mqttd && chown 65534:65534 /var/lib/mqttd
# Its store: docker run --volume mqttd:/var/lib/mqttd
VOLUME ["/var/lib/mqttd"]
# mqttd.json in this folder is its configuration.
WORKDIR /etc/mqttd
USER 65534:65534
EXPOSE 1883
# The administration listens inside the container only. bash, since the image has no HTTP client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1888 && printf 'GET /healthz HTTP/1.1\\\\r\\\\nHost: localhost\\\\r\\\\nConnection: close\\\\r\\\\n\\\\r\\\\n' >&3 && read -r _ status _ <&3 && [ \\"$status\\" = 200 ]"]
ENTRYPOINT ["mqttd"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/var/lib/mqttd"]
`;
}
