declare const MQTTD_VERSION: string;
declare const MQTTD_COMMIT: string;

export interface Version {
  readonly version: string;
  /** Null: not built from a commit. */
  readonly commit: string | null;
}

/** The build defines both constants; without a build neither exists. */
export function builtVersion(): Version {
  return {
    version: typeof MQTTD_VERSION === "string" ? MQTTD_VERSION : "0.1.0-dev",
    commit: typeof MQTTD_COMMIT === "string" && MQTTD_COMMIT !== "" ? MQTTD_COMMIT : null,
  };
}

export function versionLine({ version, commit }: Version): string {
  return `mqttd ${version}${commit === null ? "" : ` (commit ${commit})`}\n`;
}
