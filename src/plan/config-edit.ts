/** Parts of a configuration that can be taken out as a whole. */
export const removableFields = [
  "entrypoint",
  "cmd",
  "user",
  "workdir",
  "stop-signal",
  "healthcheck",
  "shell",
] as const;

/** One of {@link removableFields}. */
export type RemovableField = (typeof removableFields)[number];

/** What is set in a configuration: as in a compose plan, but with nothing left to be resolved. */
export interface ConfigSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `PORT/PROTOCOL`; added. */
  readonly exposedPorts?: readonly string[];
  /** Paths; added. */
  readonly volumes?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly stopSignal?: string;
}

/** What to change of an existing image. Removals come first; what is not there need not be removed. */
export interface ConfigEdit {
  readonly changes: ConfigSettings;
  /** Set on the manifests. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Set on the index. */
  readonly indexAnnotations: Readonly<Record<string, string>>;
  readonly removed: {
    readonly env: readonly string[];
    readonly labels: readonly string[];
    /** `PORT/PROTOCOL`. */
    readonly exposedPorts: readonly string[];
    readonly volumes: readonly string[];
    readonly fields: readonly RemovableField[];
    readonly annotations: readonly string[];
    readonly indexAnnotations: readonly string[];
  };
}
