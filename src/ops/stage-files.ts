import { copyInto } from "../layers/copy.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import type { FileNode } from "../layers/file-node.ts";
import { MergedTree } from "../layers/merged-tree.ts";
import { OutputTree } from "../layers/output-tree.ts";
import { type AccountFiles, resolveOwner } from "../layers/owner.ts";
import { fromDirectory, resolveLexically, rootPath } from "../layers/path.ts";
import { findSources } from "../layers/source-pattern.ts";
import { findWithParents } from "../layers/source-with-parents.ts";
import { askAll } from "../layers/unknown-path.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { CopySource, Stage } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { ExpandedStage } from "./expand-stage.ts";
import type { AddedFile } from "./expect-no-archives.ts";
import type { OpenViews } from "./open-views.ts";
import type { ResolvedStage } from "./resolve-plan.ts";

/** Files that copy steps find in what they are from, as far as they are known. */
export interface SourceFiles {
  /** For messages: `builder registry.example/app:1`. */
  readonly name: string;
  readonly tree: MergedTree;
}

/** What a stage is made on. */
export interface StageGround {
  /** For messages: `base registry.example/app:1`, `scratch`. */
  readonly baseName: string;
  /** Absent where the base is not looked at. */
  readonly base: MergedTree | undefined;
  /** The base's. */
  readonly accounts: AccountFiles;
}

/** No users, no groups. */
export const noAccounts: AccountFiles = { passwd: "", group: "" };

/**
 * Carries stages out, in memory alone: for one question, as wider scans change what the stages are made of. What several
 * steps copy from is made once.
 */
export class StageMaker {
  readonly #views: OpenViews;
  readonly #stages: ReadonlyMap<Stage, ResolvedStage>;
  readonly #accounts: ReadonlyMap<Stage, AccountFiles>;
  readonly #epoch: number | undefined;
  readonly #made = new Map<Stage, MergedTree>();
  readonly #added = new Map<FileNode, AddedFile>();

  /**
   * @param accounts of the stages whose steps name owners.
   * @param epoch seconds since 1970: the time of directories that have to be made. Default 0.
   */
  constructor(
    views: OpenViews,
    stages: ReadonlyMap<Stage, ResolvedStage>,
    accounts: ReadonlyMap<Stage, AccountFiles>,
    epoch: number | undefined,
  ) {
    this.#views = views;
    this.#stages = stages;
    this.#accounts = accounts;
    this.#epoch = epoch;
  }

  /** Files that `ADD` takes from directories of this machine. */
  get added(): ReadonlyMap<FileNode, AddedFile> {
    return this.#added;
  }

  /**
   * What a stage's steps make, to be put over its base.
   *
   * @throws UnknownPath; ComposeImageError as copying does.
   */
  make({ copies, madeAtEnd }: ExpandedStage, ground: StageGround): OutputTree {
    const { baseName, base, accounts } = ground;
    const madeMtime = String(this.#epoch ?? 0);
    const output = new OutputTree(baseName);
    askAll(copies, (step) => {
      const { name, tree } = this.#filesOf(step.from);
      if (step.addedAt !== undefined) this.#noteAdded(step.addedAt, step.sources, tree, name);
      for (const path of step.madeBefore) addDirectory(output, path, ground, madeMtime);
      copyInto(output, {
        fromName: name,
        from: tree,
        sources: step.sources,
        destination: fromDirectory(step.destination, step.workingDirectory),
        owner: step.chown && resolveOwner(step.chown, accounts, baseName),
        mode: step.chmod,
        exclude: new ExcludePatterns(step.exclude),
        parents: step.parents === true,
        base: step.link ? undefined : base,
        madeMtime,
      });
    });
    for (const path of madeAtEnd) addDirectory(output, path, ground, madeMtime);
    return output;
  }

  /**
   * Fails when a source of a stage's steps is missing.
   *
   * @throws UnknownPath; ComposeImageError `SOURCE_NOT_FOUND`
   */
  findAllSources({ copies }: ExpandedStage): void {
    askAll(copies, ({ from, sources, parents }) => {
      const { name, tree } = this.#filesOf(from);
      askAll(sources, (source): unknown =>
        parents === true ? findWithParents(tree, source, name) : findSources(tree, source, name),
      );
    });
  }

  #noteAdded(where: string, sources: readonly string[], tree: MergedTree, name: string): void {
    for (const source of sources) {
      for (const { node } of findSources(tree, source, name)) {
        if (node.localFiles !== undefined) this.#added.set(node, { where, source });
      }
    }
  }

  #filesOf(source: CopySource): SourceFiles {
    if (source.kind === "stage") return this.#stageFiles(source.stage);
    const view = this.#views.sourceViews.get(source);
    if (view === undefined) throw new ComposeImageError("INTERNAL", "a copy step without its source");
    return { name: view.name, tree: view.tree() };
  }

  #stageFiles(stage: Stage): SourceFiles {
    const resolved = this.#stages.get(stage);
    if (resolved === undefined) throw new ComposeImageError("INTERNAL", "a copy step without its stage");
    const tree = this.#made.get(stage) ?? this.#makeStage(stage, resolved);
    this.#made.set(stage, tree);
    return { name: resolved.name, tree };
  }

  #makeStage(stage: Stage, { expanded, base }: ResolvedStage): MergedTree {
    const tree = this.#views.stageViews.get(stage)?.tree() ?? MergedTree.empty();
    const { root } = this.make(expanded, {
      baseName: base?.name ?? "scratch",
      base: tree,
      accounts: this.#accounts.get(stage) ?? noAccounts,
    });
    const hasLinks = expanded.copies.some(({ from }) => this.#filesOf(from).tree.hasLinks);
    return tree.withOver({ root, hasLinks });
  }
}

/** A working directory, made where neither base nor copies have it. */
function addDirectory(
  output: OutputTree,
  path: string,
  { base, baseName }: StageGround,
  mtime: string,
): void {
  const cleaned = resolveLexically(rootPath, bytesOfText(path));
  if (base?.walk(cleaned, true, baseName).node?.children !== undefined) return;
  output.directory(cleaned, base, { mtime });
}
