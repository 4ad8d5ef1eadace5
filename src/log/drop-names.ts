/**
 * How simulate-drop names its clients and their topics, so that others know them. `token` makes them
 * nobody else's: 8 hexadecimal digits.
 */
export const dropNames = {
  clientId: (token: string, name: string, version: number): string =>
    `mqttd-drop-${token}-${name}-v${version}`,
  willTopic: (token: string, name: string, version: number): string =>
    `mqttd-drop/${token}/${name}/v${version}/will`,
};

/**
 * Whether a client of this id, with wills on these topics, is one of simulate-drop by its names: it
 * dies on purpose. Another program can take such a name too.
 */
export function isDropClient(clientId: string, willTopics: readonly string[]): boolean {
  if (/^mqttd-drop-[0-9a-f]{8}-/.test(clientId)) return true;
  // In MQTT 3.1, and with --id, the client id tells nothing.
  return willTopics.some((topic) => /^mqttd-drop\/[0-9a-f]{8}\//.test(topic));
}
