import type { CronJob, Job } from "kubernetes-types/batch/v1.js";
import type { ConfigMap, Container, ResourceRequirements, Secret, Volume } from "kubernetes-types/core/v1.js";
import type { ObjectMeta } from "kubernetes-types/meta/v1.js";

/**
 * The kinds of objects that documents show: Kubernetes' own as its API publishes them, Tekton's as far as they are shown, since
 * npm has no schema of Tekton's.
 *
 * @see https://tekton.dev/docs/pipelines/pipeline-api/
 */
export interface Kinds {
  readonly ConfigMap: ConfigMap;
  readonly Secret: Secret;
  readonly Job: Job;
  readonly CronJob: CronJob;
  readonly Task: TektonObject<"Task", TaskSpec>;
  readonly Pipeline: TektonObject<"Pipeline", PipelineSpec>;
}

interface TektonObject<Kind, Spec> {
  readonly apiVersion: "tekton.dev/v1";
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
}

interface TaskSpec {
  readonly description?: string;
  readonly params?: readonly ParamSpec[];
  readonly workspaces?: readonly WorkspaceDeclaration[];
  readonly steps: readonly Step[];
  readonly volumes?: readonly Volume[];
}

interface ParamSpec {
  readonly name: string;
  readonly type?: "string" | "array" | "object";
  readonly description?: string;
  readonly default?: string | readonly string[];
}

interface WorkspaceDeclaration {
  readonly name: string;
  readonly description?: string;
  readonly mountPath?: string;
  readonly optional?: boolean;
  readonly readOnly?: boolean;
}

type Step = Pick<
  Container,
  "name" | "image" | "command" | "args" | "env" | "securityContext" | "volumeMounts"
> & {
  readonly computeResources?: ResourceRequirements;
};

interface PipelineSpec {
  readonly description?: string;
  readonly params?: readonly ParamSpec[];
  readonly workspaces?: readonly Omit<WorkspaceDeclaration, "mountPath" | "readOnly">[];
  readonly tasks: readonly PipelineTask[];
}

interface PipelineTask {
  readonly name: string;
  readonly taskRef: { readonly name: string; readonly kind?: "Task" };
  readonly runAfter?: readonly string[];
  readonly params?: readonly Param[];
  readonly matrix?: { readonly params: readonly Param[] };
  readonly workspaces?: readonly {
    readonly name: string;
    readonly workspace?: string;
    readonly subPath?: string;
  }[];
}

interface Param {
  readonly name: string;
  readonly value: string | readonly string[];
}
