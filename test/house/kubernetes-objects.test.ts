import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { attempt } from "../support/command.ts";
import { exampleObjects, objectOf } from "../support/kubernetes-page.ts";
import { temporaryDirectory } from "../support/temp.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

test("objects of docs/kubernetes.md have the fields of Kubernetes' API and of Tekton's documents, and no others", async () => {
  expect(exampleObjects.map(({ kind }) => kind)).toEqual([
    ...["ConfigMap", "Secret", "Job", "CronJob", "Task", "Pipeline"],
  ]);
  const wrong = structuredClone(objectOf("Job"));
  const [container] = wrong.spec?.template.spec?.containers ?? [];
  Object.assign(container?.securityContext ?? {}, { readOnlyRootFileSystem: true });
  const directory = await temporaryDirectory("kubernetes-objects");
  await symlink(join(project, "node_modules"), join(directory, "node_modules"));
  await writeFile(
    join(directory, "objects.ts"),
    [
      `import type { Kinds } from ${JSON.stringify(join(project, "test/support/kubernetes-kinds.ts"))};`,
      ...exampleObjects.map(
        (each) => `export const its${each.kind}: Kinds["${each.kind}"] = ${JSON.stringify(each)};`,
      ),
      "// @ts-expect-error: the name of a field is misspelled",
      `export const wrong: Kinds["Job"] = ${JSON.stringify(wrong)};`,
    ].join("\n"),
  );
  const { status, stdout } = await attempt(
    join(project, "node_modules/.bin/tsc"),
    [
      ...["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions", "--types", ""],
      ...["--module", "nodenext", "--target", "es2024", "objects.ts"],
    ],
    { cwd: directory },
  );
  expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: "" });
});
