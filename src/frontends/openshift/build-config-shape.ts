import { list, object } from "../yaml/collection-shapes.ts";
import { faultAt, type Located, placeName } from "../yaml/located.ts";
import { foreign, refused, text, word } from "../yaml/scalar-shapes.ts";
import { refined, type Shape, unfit } from "../yaml/shape.ts";
import { expectDestination, expectSource, type SourcePath } from "./source-path.ts";

/** A name with a value, and its place for messages. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** An object that says where an image is, with its place. */
export interface ImageObject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly place: Located;
}

/** An image of `source.images`. */
interface SourceImageObject {
  readonly from: ImageObject;
  readonly paths: readonly SourcePath[];
  /** What the Dockerfile calls it. */
  readonly names: readonly string[];
}

const names = list(text("a name", String), "a list of names");

const imageObject: Shape<ImageObject> = refined(
  object(
    {
      kind: text("DockerImage, ImageStreamTag or ImageStreamImage", String),
      name: text("an image's name", String),
      namespace: text("a namespace", String),
      apiVersion: foreign,
      uid: foreign,
      resourceVersion: foreign,
      fieldPath: foreign,
    },
    "a mapping with kind and name",
    ["kind", "name"],
  ),
  ({ kind = "", name = "", namespace }, place) => ({ kind, name, namespace, place }),
);

const imagePath: Shape<SourcePath> = refined(
  object(
    { sourcePath: text("an absolute path", String), destinationDir: text("a relative directory", String) },
    "a mapping with sourcePath and destinationDir",
    ["sourcePath", "destinationDir"],
  ),
  ({ sourcePath: source = "", destinationDir: destination = "" }, place) => {
    const what = placeName(place);
    expectSource(source, what);
    expectDestination(destination, what);
    return { source, destination, what };
  },
);

const sourceImage: Shape<SourceImageObject> = refined(
  object(
    { from: imageObject, paths: list(imagePath, "a list of paths"), as: names, pullSecret: foreign },
    "a mapping with from and paths",
    ["from"],
  ),
  ({ from, paths = [], as: given = [] }, place) => {
    if (from === undefined) throw unfit(place, "a mapping with from and paths");
    if (paths.length > 0 || given.length > 0) return { from, paths, names: given };
    throw faultAt(place, "has neither paths nor as", "List below paths what is taken from the image.");
  },
);

const environment = list(
  refined(
    object(
      {
        name: text("a variable's name", String),
        value: word("text", String),
        valueFrom: refused(
          "is known in a cluster alone",
          "Write value: there; what is secret does not belong into an image.",
        ),
      },
      "a mapping with name and value",
      ["name"],
    ),
    ({ name = "", value = "" }, place): NamedValue => {
      if (/^[A-Za-z_.-][\w.-]*$/.test(name)) return { name, value };
      throw faultAt(
        place,
        `has the name ${JSON.stringify(name)}, which no variable has`,
        "Use letters, digits and _.",
      );
    },
  ),
  "a list of names with values",
);

const labels = list(
  refined(
    object({ name: text("a label", String), value: word("text", String) }, "a mapping with name and value", [
      "name",
    ]),
    ({ name = "", value = "" }): NamedValue => ({ name, value }),
  ),
  "a list of names with values",
);

const inContext = "would be in the build context, which is made of images alone";
const otherStrategy = refused(
  "cannot be carried out: nothing is built here, files are only put together",
  "Build with it before; compose from its image with dockerStrategy and source.images.",
);

const source = object(
  {
    dockerfile: refined(text("a Dockerfile", String), (content, place) => ({ content, place })),
    images: list(sourceImage, "a list of images"),
    type: foreign,
    sourceSecret: foreign,
    git: refused(
      inContext,
      "Let a build before put the files into an image, and take them from it with images.",
    ),
    binary: refused(inContext, "Put the files into an image, and take them from it with images."),
    contextDir: refused("is not followed: images fill the build context itself", "Leave it out."),
    secrets: refused(inContext, "Leave them out; what is secret does not belong into an image."),
    configMaps: refused(inContext, "Put the files into an image, and take them from it with images."),
  },
  "a mapping with dockerfile and images",
  ["dockerfile"],
);

const dockerStrategy = object(
  {
    from: imageObject,
    env: environment,
    buildArgs: environment,
    dockerfilePath: refused(
      "names a Dockerfile in the build context, which is made of images alone",
      "Write the Dockerfile itself below source.dockerfile.",
    ),
    noCache: foreign,
    forcePull: foreign,
    pullSecret: foreign,
    imageOptimizationPolicy: foreign,
    volumes: foreign,
  },
  "a mapping",
);

/**
 * A BuildConfig of OpenShift, as far as images alone are built from: an inline Dockerfile, and a build context taken from
 * images. When it is built and where is left to the cluster.
 *
 * @see https://docs.openshift.com/container-platform/4.18/rest_api/workloads_apis/buildconfig-build-openshift-io-v1.html
 */
export const buildConfigShape = object(
  {
    apiVersion: text("an API version", String),
    kind: text("a kind", String),
    metadata: refined(foreign, (_, metadata) => metadata),
    status: foreign,
    spec: object(
      {
        source,
        strategy: object(
          {
            dockerStrategy,
            type: foreign,
            sourceStrategy: otherStrategy,
            customStrategy: otherStrategy,
            jenkinsPipelineStrategy: otherStrategy,
          },
          "a mapping with dockerStrategy",
          ["dockerStrategy"],
        ),
        output: object({ to: imageObject, imageLabels: labels, pushSecret: foreign }, "a mapping with to"),
        postCommit: refined(foreign, (_, hook) => {
          if (hook.kind !== "map" || hook.entries.size === 0) return;
          throw faultAt(
            hook,
            "cannot be carried out: nothing is executed here",
            "Try the image out once it is pushed.",
          );
        }),
        triggers: foreign,
        runPolicy: foreign,
        resources: foreign,
        serviceAccount: foreign,
        nodeSelector: foreign,
        completionDeadlineSeconds: foreign,
        revision: foreign,
        mountTrustedCA: foreign,
        successfulBuildsHistoryLimit: foreign,
        failedBuildsHistoryLimit: foreign,
      },
      "a mapping with source, strategy and output",
      ["source", "strategy"],
    ),
  },
  "a BuildConfig",
  ["apiVersion", "kind", "spec"],
);
