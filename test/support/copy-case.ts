/** A tree that the image has to hold as the builder does. */
export interface CopiedTree {
  /** In the builder and in the image, relative to the root, symlinks resolved. */
  readonly from: string;
  readonly to: string;
}

/** One request, in terms that both the command line and a Dockerfile can say. */
export interface CopyCase {
  /** A sentence fragment; `fixtures/peers.yaml` refers to it. */
  readonly name: string;
  /** `SRC` or `SRC:DST`, absolute sources, no colons in names. */
  readonly directories: readonly string[];
  /** The builder to take it from, when it is not the usual one. */
  readonly builder?: string;
  /** What is copied without a change, to check against the builder itself beside the peer. */
  readonly copied?: readonly CopiedTree[];
  /** Paths that the image must not hold. */
  readonly absent?: readonly string[];
  /** The command line's exit status; default 0. */
  readonly status?: number;
  readonly chown?: string;
  readonly chmod?: string;
  readonly exclude?: readonly string[];
  readonly link?: boolean;
  /** `KEY=VALUE` */
  readonly env?: readonly string[];
  /** `KEY=VALUE` */
  readonly labels?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly expose?: readonly string[];
}

/** The options of `compose` that say what the case copies and configures. */
export function cliArguments(request: CopyCase): string[] {
  const single: [string, string | undefined][] = [
    ["--chown", request.chown],
    ["--chmod", request.chmod],
    ["--workdir", request.workdir],
    ["--user", request.user],
    ["--entrypoint", request.entrypoint && JSON.stringify(request.entrypoint)],
    ["--cmd", request.cmd && JSON.stringify(request.cmd)],
  ];
  const repeated: [string, readonly string[] | undefined][] = [
    ["--directory", request.directories],
    ["--exclude", request.exclude],
    ["--env", request.env],
    ["--label", request.labels],
    ["--expose", request.expose],
  ];
  return [
    ...repeated.flatMap(([option, values = []]) => values.flatMap((value) => [option, value])),
    ...single.flatMap(([option, value]) => (value === undefined ? [] : [option, value])),
    ...(request.link === true ? ["--link"] : []),
  ];
}

/**
 * The two-stage Dockerfile that asks for the same.
 *
 * @param builder and `base` as `FROM` names them.
 */
export function dockerfileOf(request: CopyCase, builder: string, base: string): string {
  const flags = [
    "--from=builder",
    ...(request.chown === undefined ? [] : [`--chown=${request.chown}`]),
    ...(request.chmod === undefined ? [] : [`--chmod=${request.chmod}`]),
    ...(request.exclude ?? []).map((pattern) => `--exclude=${pattern}`),
    ...(request.link === true ? ["--link"] : []),
  ].join(" ");
  const copies = request.directories.map((directory) => {
    const colon = directory.indexOf(":");
    const source = colon < 0 ? directory : directory.slice(0, colon);
    const destination = colon < 0 ? directory : directory.slice(colon + 1);
    return `COPY ${flags} ${JSON.stringify([source, destination])}`;
  });
  const pair = (instruction: string) => (text: string) => {
    const equals = text.indexOf("=");
    return `${instruction} ${text.slice(0, equals)}=${JSON.stringify(text.slice(equals + 1))}`;
  };
  const lines = [
    `FROM ${builder} AS builder`,
    `FROM ${base}`,
    ...copies,
    ...(request.env ?? []).map(pair("ENV")),
    ...(request.labels ?? []).map(pair("LABEL")),
    ...(request.expose ?? []).map((port) => `EXPOSE ${port}`),
    ...(request.workdir === undefined ? [] : [`WORKDIR ${request.workdir}`]),
    ...(request.user === undefined ? [] : [`USER ${request.user}`]),
    ...(request.entrypoint === undefined ? [] : [`ENTRYPOINT ${JSON.stringify(request.entrypoint)}`]),
    ...(request.cmd === undefined ? [] : [`CMD ${JSON.stringify(request.cmd)}`]),
  ];
  return `${lines.join("\n")}\n`;
}
