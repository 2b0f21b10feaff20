import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkImports, mayImport, type Violation } from "../../scripts/house/import-order.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

test("src/ keeps the import order", () => {
  const report = checkImports(project);
  expect(report.violations).toEqual([]);
  expect(report.files).toBeGreaterThan(20);
  expect(report.imports).toBeGreaterThan(report.files);
});

test("the order has no cycle: a folder may import only folders named before it", () => {
  const folders = Object.keys(mayImport);
  for (const [index, folder] of folders.entries()) {
    expect(folders.slice(0, index), folder).toEqual(expect.arrayContaining([...(mayImport[folder] ?? [])]));
  }
});

describe("in a copy of src/ with a planted violation", () => {
  let copy: string;
  /** What the copy is reported for as it is: nothing, unless the test of the real tree fails as well. */
  let before: string[];

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "compose-image-order-"));
    cpSync(join(project, "src"), join(copy, "src"), { recursive: true });
    cpSync(join(project, "package.json"), join(copy, "package.json"));
    before = checkImports(copy).violations.map(asLine);
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  test("a value import against the order fails the check, with file and line", () => {
    const line = append("src/model/digest.ts", 'import { verify } from "../io/verify.ts";');
    expect(runCheck()).toEqual({
      status: 1,
      found: [`src/model/digest.ts:${line}: imports src/io/verify.ts; model/ may import nothing`],
    });
  });

  test("a type import against the order fails the check, with file and line", () => {
    const line = append("src/io/content.ts", 'import type { Source } from "../store/source.ts";');
    expect(runCheck()).toEqual({
      status: 1,
      found: [`src/io/content.ts:${line}: imports src/store/source.ts; io/ may import model`],
    });
  });

  test.each([
    ["an inline type", 'import { type Source } from "../store/source.ts";', /may import model, io$/],
    ["a dynamic import", 'const store = await import("../store/source.ts");', /may import model, io$/],
    ["a type query", 'type S = import("../store/source.ts").Source;', /may import model, io$/],
    ["a side effect", 'import "../store/source.ts";', /may import model, io$/],
    [
      "a development dependency",
      'import { test } from "vitest";',
      /vitest, which is not among the dependencies/,
    ],
    [
      "a type of a development dependency",
      'import type { Pack } from "tar-stream";',
      /tar-stream, which is not/,
    ],
    ["a file outside src/", 'import { a } from "../../test/a.ts";', /outside src\//],
    [
      "a file that is not there",
      'import { a } from "./absent.ts";',
      /src\/tar\/absent.ts, which does not exist/,
    ],
    ["a computed specifier", "await import(name);", /computed specifier/],
    ["a default export", "export default 1;", /exports a default/],
  ])("%s is caught", (_, statement, message) => {
    const line = append("src/tar/planted.ts", statement);
    expect(planted()).toEqual([
      { file: "src/tar/planted.ts", line, message: expect.stringMatching(message) },
    ]);
  });

  test("a second barrel is caught, whether it re-exports in one statement or in two", () => {
    append("src/tar/one.ts", 'export { bytesOfText } from "./byte-string.ts";');
    append("src/tar/two.ts", 'import { bytesOfText } from "./byte-string.ts";\nexport { bytesOfText };');
    expect(planted().map(asLine)).toEqual([
      "src/tar/one.ts:1: re-exports ./byte-string.ts; only src/index.ts may",
      "src/tar/two.ts:2: re-exports the imported bytesOfText; only src/index.ts may",
    ]);
  });

  test("src/index.ts may re-export, and nothing else may import it", () => {
    append("src/index.ts", 'export { bytesOfText } from "./tar/byte-string.ts";');
    expect(planted()).toEqual([]);
    append("src/tar/planted.ts", 'import { bytesOfText } from "../index.ts";');
    expect(planted().map(({ message }) => message)).toEqual([
      "imports src/index.ts; import from the file that holds the name",
    ]);
  });

  test("a cycle between files is caught, even one of types, and named from file to file", () => {
    append("src/tar/one.ts", 'import type { Two } from "./two.ts";');
    append("src/tar/two.ts", '\nimport type { One } from "./one.ts";');
    expect(planted()).toEqual([
      {
        file: "src/tar/one.ts",
        line: 1,
        message: "is in a cycle: src/tar/one.ts -> src/tar/two.ts -> src/tar/one.ts",
      },
    ]);
  });

  test("a folder that the order does not name is caught", () => {
    append("src/utils/planted.ts", 'import { parseDigest } from "../model/digest.ts";');
    expect(planted().map(({ message }) => message)).toEqual([
      "is in src/utils, a folder that the import order does not name",
    ]);
  });

  /** Puts the statement at the end of the file, which may be new, and gives the line it begins on. */
  function append(file: string, statement: string): number {
    const path = join(copy, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${statement}\n`, { flag: "a" });
    const text = readFileSync(path, "utf8");
    return text.split("\n").length - statement.split("\n").length;
  }

  function planted(): Violation[] {
    return checkImports(copy).violations.filter((violation) => !before.includes(asLine(violation)));
  }

  function runCheck(): { status: number | null; found: string[] } {
    const script = join(project, "scripts", "check-imports.ts");
    const { status, stdout } = spawnSync(process.execPath, [script, copy], { encoding: "utf8" });
    return {
      status,
      found: stdout.split("\n").filter((line) => line.startsWith("src/") && !before.includes(line)),
    };
  }
});

function asLine({ file, line, message }: Violation): string {
  return `${file}:${line}: ${message}`;
}
