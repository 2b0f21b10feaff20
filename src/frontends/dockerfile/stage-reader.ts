import { ComposeImageError } from "../../model/errors.ts";
import { formatPlatform, type Platform, parsePlatform } from "../../model/platform.ts";
import type { BaseImage, CopySource } from "../../plan/compose-plan.ts";
import { parseBase, parseImage } from "../../plan/images.ts";
import { within } from "../../plan/within.ts";
import { nearestWord } from "../yaml/nearest.ts";
import { applyInstruction } from "./apply-instruction.ts";
import type { BuildArguments } from "./build-arguments.ts";
import type { BuildContexts } from "./build-contexts.ts";
import { copyStep } from "./copy-step.ts";
import type { CopyInstruction } from "./instructions/copy.ts";
import type { Dockerfile, DockerfileStage } from "./parse-dockerfile.ts";
import { needsExecution } from "./refusals.ts";
import type { SourceText } from "./source-text.ts";
import { StageState } from "./stage-state.ts";

/** Reads the stages that the target needs, and no others: what they say need not be possible here. */
export class StageReader {
  readonly #file: Dockerfile;
  readonly #args: BuildArguments;
  readonly #contexts: BuildContexts;
  readonly #context: CopySource | undefined;
  readonly #states = new Map<DockerfileStage, StageState>();
  readonly #sources = new Map<DockerfileStage, CopySource>();
  #target: DockerfileStage | undefined;

  /** @param context what `COPY` without `--from` copies from. */
  constructor(
    file: Dockerfile,
    args: BuildArguments,
    contexts: BuildContexts,
    context: CopySource | undefined,
  ) {
    this.#file = file;
    this.#args = args;
    this.#contexts = contexts;
    this.#context = context;
  }

  /**
   * What the target stage says, and the platform it says it for.
   *
   * @param name the stage's name or position; by default the last.
   * @param asked the platform that was asked for.
   * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line and column.
   */
  target(name: string | undefined, asked: Platform | undefined): StageState {
    const stage = name === undefined ? this.#file.stages.at(-1) : this.#stageNamed(name);
    if (stage === undefined) throw this.#noTarget(name ?? "");
    this.#target = stage;
    const state = this.#stateOf(stage);
    const { platform } = state;
    if (asked !== undefined && platform !== undefined && formatPlatform(asked) !== formatPlatform(platform)) {
      throw (stage.platform ?? stage.base).fault(
        `the stage is for ${formatPlatform(platform)}, and ${formatPlatform(asked)} is asked for`,
        "Leave out one of the two, or write FROM --platform=$TARGETPLATFORM.",
      );
    }
    return state;
  }

  #stageNamed(name: string): DockerfileStage | undefined {
    const { stages } = this.#file;
    return (
      stages.find((stage) => stage.name === name.toLowerCase()) ??
      (/^[0-9]+$/.test(name) ? stages[Number(name)] : undefined)
    );
  }

  #stateOf(stage: DockerfileStage): StageState {
    const known = this.#states.get(stage);
    if (known !== undefined) return known;
    const state = this.#read(stage);
    this.#states.set(stage, state);
    return state;
  }

  #read(stage: DockerfileStage): StageState {
    const platform = stage.platform && this.#platformOf(stage.platform);
    const replacement = stage.name === undefined ? undefined : this.#contexts.get(stage.name);
    if (replacement !== undefined) return this.#stateOn(replacement, platform);
    const state = this.#begin(stage, platform);
    for (const instruction of stage.instructions) {
      switch (instruction.keyword) {
        case "RUN":
        case "ONBUILD":
          throw needsExecution(instruction, stage, stage === this.#target, this.#contexts.howToGive);
        case "COPY":
        case "ADD":
          state.copies.push(
            copyStep(state, instruction, this.#sourceOf(instruction, instruction.source, stage)),
          );
          break;
        case "FROM":
          break;
        default:
          applyInstruction(state, instruction, this.#args);
      }
    }
    return state;
  }

  #begin(stage: DockerfileStage, platform: Platform | undefined): StageState {
    const name = this.#args.expand(stage.base);
    if (name === "") {
      throw stage.base.fault(
        `${stage.base.text} is empty`,
        "Give its variable a value: ARG NAME=DEFAULT before the first FROM, or --build-arg NAME=VALUE.",
      );
    }
    const parent = this.#file.stages.find((each) => each.index < stage.index && each.name === name);
    if (parent !== undefined) return this.#stateOf(parent).inherited();
    const replacement = name === "scratch" ? undefined : this.#contexts.get(name);
    if (replacement !== undefined) return this.#stateOn(replacement, platform, stage.base.at());
    const base = within(stage.base.at(), () => parseBase(name, "FROM"));
    return new StageState(base, platform, this.#file.escapeCharacter, stage.base.at());
  }

  /** What is built on something that `--build-context` gives. */
  #stateOn(source: CopySource, platform: Platform | undefined, where?: string): StageState {
    if (source.kind === "image") {
      const base: BaseImage = { kind: "image", location: source.location };
      return new StageState(base, platform, this.#file.escapeCharacter, where);
    }
    const state = new StageState({ kind: "scratch" }, platform, this.#file.escapeCharacter, where);
    state.copies.push({
      from: source,
      sources: ["/"],
      destination: "/",
      exclude: [],
      link: false,
    });
    return state;
  }

  #sourceOf({ from }: CopyInstruction, at: SourceText, stage: DockerfileStage): CopySource {
    if (from === undefined) {
      if (this.#context !== undefined) return this.#context;
      throw at.fault(
        "there is no context to copy from",
        "Name its directory: --context DIR; or copy from a stage or an image with --from.",
      );
    }
    const { text: name } = from;
    if (name.includes("$")) {
      throw from.fault(
        `--from=${name}: variables are not put in there`,
        "Write FROM with the variable and AS NAME before, and --from=NAME.",
      );
    }
    const other = this.#stageNamed(name);
    if (other !== undefined && other.index < stage.index) return this.#sourceOfStage(other);
    if (other !== undefined) {
      throw from.fault(
        other === stage
          ? "a stage cannot copy from itself"
          : `the stage ${name} comes only later, at ${other.base.at()}`,
        "Put the stage that is copied from before this one.",
      );
    }
    if (/^[0-9]+$/.test(name))
      throw from.fault(`there is no stage ${name}`, `There are ${this.#file.stages.length}, counted from 0.`);
    if (name === "scratch") throw from.fault("scratch has no files", "Name a stage or an image.");
    return this.#contexts.get(name) ?? { kind: "image", location: parseImage(name, `${from.at()}: --from`) };
  }

  #sourceOfStage(stage: DockerfileStage): CopySource {
    const known = this.#sources.get(stage);
    if (known !== undefined) return known;
    const source = this.#stateOf(stage).source(stage.name ?? String(stage.index));
    this.#sources.set(stage, source);
    return source;
  }

  #platformOf(source: SourceText): Platform {
    const text = this.#args.expand(source);
    if (text === "")
      throw source.fault(
        `--platform=${source.text} is empty`,
        "Write OS/ARCHITECTURE, for example linux/arm64.",
      );
    return within(`${source.at()}: --platform`, () => parsePlatform(text));
  }

  #noTarget(name: string): Error {
    const names = this.#file.stages.flatMap((stage) => stage.name ?? []);
    const nearest = nearestWord(name, names);
    const known = names.length === 0 ? "Its stages have no names." : `Its stages are ${names.join(", ")}.`;
    return new ComposeImageError("USAGE", `--target ${name}: ${this.#file.name} has no such stage`, {
      hint: nearest === undefined ? known : `Did you mean ${nearest}? ${known}`,
    });
  }
}
