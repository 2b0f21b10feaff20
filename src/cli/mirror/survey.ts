import { type Command, Option } from "commander";
import type { Call } from "../../io/call.ts";
import type { Site } from "../../mirror/site.ts";
import type { SiteScope } from "../../mirror/site-scope.ts";
import type { InventoryOptions } from "../../mirror/take-inventory.ts";
import type { MirrorPlace } from "../../model/mirror-place.ts";
import type { MirrorPlan } from "../../plan/mirror-plan.ts";
import { collectOption } from "../collect-option.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount } from "../quantities.ts";
import {
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";
import { readMirrorFile } from "./read-mirror-file.ts";

/** Flags of what looks at all that a place has. */
export interface SurveyFlags extends RegistryFlags, OutputFlags {
  readonly file?: string;
  readonly var?: readonly string[];
  readonly jobs: string;
}

/** Adds the flags that say which repositories are looked at. */
export function addScopeOptions(command: Command): Command {
  return command
    .optionsGroup("What to look at:")
    .option("-f, --file <file>", "the mirror.yaml that names the repositories (default: all that are listed)")
    .option(
      "--var <name[=value]>",
      "value for ${NAME} in the file; without =VALUE the environment's; repeatable",
      collectOption,
    );
}

/** Adds the flags that say how they are looked at. */
export function addSurveyOptions(command: Command): Command {
  command
    .optionsGroup("How to run:")
    .addOption(new Option("--jobs <n>", "requests under way at once").default("4"));
  return addRegistryOptions(command);
}

/** Opens a place to be read, and looks at it. */
export async function survey<T>(
  place: MirrorPlace,
  flags: SurveyFlags,
  terminal: Terminal,
  look: (site: Site, options: InventoryOptions, call: Call) => Promise<T>,
): Promise<T> {
  const { file } = flags;
  const jobs = parseCount(flags.jobs, "--jobs", 1);
  const plan = file === undefined ? undefined : await readMirrorFile({ ...flags, file }, terminal);
  const { Sites } = await import("../../mirror/open-sites.ts");
  const progress = startProgress(terminal, flags);
  try {
    const onTransfer = progress.listener;
    const hostLimits = plan?.hosts;
    await using sites = new Sites({ ...registryOptions(flags, terminal), onTransfer, hostLimits });
    const call = { signal: terminal.signal };
    const site = await sites.source(place, call);
    return await look(site, { jobs, onTransfer, ...scopeOf(plan) }, call);
  } finally {
    progress.stop();
  }
}

function scopeOf(plan: MirrorPlan | undefined): SiteScope {
  if (plan === undefined) return {};
  const { repositories } = plan;
  return {
    repositories: repositories.map(({ target }) => target),
    digests: new Map(repositories.map(({ target, digests }) => [target, digests])),
    platforms: new Map(
      repositories.flatMap(({ target, platforms }) => (platforms === undefined ? [] : [[target, platforms]])),
    ),
  };
}
