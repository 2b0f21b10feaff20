import type { JsonObject } from "../../model/json.ts";
import type { Platform } from "../../model/platform.ts";
import type {
  BaseExpectation,
  BaseImage,
  ConfigChanges,
  CopySource,
  CopyStep,
} from "../../plan/compose-plan.ts";
import { expandText } from "../../plan/expand-text.ts";
import type { Text } from "../../plan/text.ts";
import { expand } from "./expand.ts";
import type { SourceText } from "./source-text.ts";

/** What Docker sets where nobody says it. */
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the instructions of a stage have said so far. */
export class StageState {
  readonly base: BaseImage;
  /** Of the base, where the file says so. */
  readonly platform: Platform | undefined;
  readonly copies: CopyStep[] = [];
  readonly env = new Map<string, Text>();
  readonly args = new Map<string, Text>();
  readonly labels = new Map<string, Text>();
  readonly exposedPorts = new Set<Text>();
  readonly volumes = new Set<Text>();
  /** Each meant from the one before, the first from the base's. */
  readonly workdirs: Text[] = [];
  user: Text | undefined;
  entrypoint: readonly string[] | undefined;
  cmd: readonly string[] | undefined;
  /** Whether the command is of this stage itself: then an entrypoint leaves it alone. */
  hasOwnCmd = false;
  stopSignal: Text | undefined;
  healthcheck: JsonObject | undefined;
  shell: readonly string[] | undefined;
  author: string | undefined;
  /** Where commands are written for a shell that nobody named. */
  readonly shellForms: { cmd?: string | undefined; entrypoint?: string | undefined } = {};
  readonly #escapeCharacter: string;
  readonly #where: string | undefined;

  /** @param where the place that names the base; absent for a stage that is given as an image, `ONBUILD` and all. */
  constructor(base: BaseImage, platform: Platform | undefined, escapeCharacter: string, where?: string) {
    this.base = base;
    this.platform = platform;
    this.#escapeCharacter = escapeCharacter;
    this.#where = where;
    if (base.kind === "scratch") this.env.set("PATH", standardPath);
  }

  /** What a stage built on this one begins with: all of it, its arguments too. */
  inherited(): StageState {
    const child = new StageState(this.base, this.platform, this.#escapeCharacter, this.#where);
    child.copies.push(...this.copies);
    child.workdirs.push(...this.workdirs);
    for (const key of ["env", "args", "labels"] as const) {
      for (const [name, value] of this[key]) child[key].set(name, value);
    }
    for (const key of ["exposedPorts", "volumes"] as const) {
      for (const value of this[key]) child[key].add(value);
    }
    Object.assign(child.shellForms, this.shellForms);
    const { user, entrypoint, cmd, stopSignal, healthcheck, shell, author } = this;
    return Object.assign(child, { user, entrypoint, cmd, stopSignal, healthcheck, shell, author });
  }

  /**
   * A word with its variables' values. Those of `ENV` come before those of `ARG`, and both before the base's.
   *
   * @throws ComposeImageError `USAGE` with line and column.
   */
  expand(source: SourceText): Text {
    const lookUp = (name: string): Text | undefined => this.env.get(name) ?? this.args.get(name);
    const text = expand(source, { lookUp }, this.#escapeCharacter);
    return this.base.kind === "scratch" ? expandText(text, () => undefined) : text;
  }

  /** What the base's configuration must not have: it would mean something that is not done here. */
  get expectations(): BaseExpectation[] {
    if (this.base.kind === "scratch") return [];
    return [
      ...(this.#where === undefined ? [] : [{ absent: "OnBuild", where: this.#where } as const]),
      ...[this.shellForms.entrypoint, this.shellForms.cmd].flatMap((where): BaseExpectation[] =>
        where === undefined ? [] : [{ absent: "Shell", where }],
      ),
    ];
  }

  /** The stage as something to copy from; an image, where it adds nothing to it. */
  source(name: string): CopySource {
    const { base, platform, copies, workdirs } = this;
    const isPlain = copies.length === 0 && workdirs.length === 0 && platform === undefined;
    const onBuild = this.expectations.filter(({ absent }) => absent === "OnBuild");
    const expectations = onBuild.length > 0 && { expectations: onBuild };
    if (base.kind === "image" && isPlain) return { kind: "image", location: base.location, ...expectations };
    const { workdir } = this.config();
    return {
      kind: "stage",
      stage: {
        name,
        base,
        ...(platform !== undefined && { platform }),
        ...expectations,
        copies,
        config: { ...(workdir !== undefined && { workdir }) },
      },
    };
  }

  /** What changes against the base's configuration. */
  config(): ConfigChanges {
    const { env, labels, exposedPorts, volumes, workdirs, user, entrypoint, cmd } = this;
    const { stopSignal, healthcheck, shell, author } = this;
    const [workdir, ...more] = workdirs;
    return {
      ...(env.size > 0 && { env: Object.fromEntries(env) }),
      ...(labels.size > 0 && { labels: Object.fromEntries(labels) }),
      ...(exposedPorts.size > 0 && { exposedPorts: [...exposedPorts] }),
      ...(volumes.size > 0 && { volumes: [...volumes] }),
      ...(workdir !== undefined && { workdir: more.length === 0 ? workdir : workdirs }),
      ...(user !== undefined && { user }),
      ...(entrypoint !== undefined && { entrypoint }),
      ...(cmd !== undefined && { cmd }),
      ...(stopSignal !== undefined && { stopSignal }),
      ...(healthcheck !== undefined && { healthcheck }),
      ...(shell !== undefined && { shell }),
      ...(author !== undefined && { author }),
    };
  }
}
