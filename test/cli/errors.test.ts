import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { exitStatusOf } from "../../src/cli/exit-status.ts";
import { Interrupted } from "../../src/cli/interrupt.ts";
import { describeError, usageError } from "../../src/cli/report-error.ts";
import { ComposeImageError, type ErrorCode } from "../../src/model/errors.ts";

const statuses: Readonly<Record<ErrorCode, number>> = {
  USAGE: 2,
  REFERENCE_INVALID: 2,
  DIGEST_INVALID: 2,
  PLATFORM_INVALID: 2,
  PLATFORM_UNSUPPORTED: 2,
  PLATFORM_MISMATCH: 2,
  COPY_CONFLICT: 2,
  USER_UNKNOWN: 2,
  FORMAT_UNSUPPORTED: 2,
  BASE_MISMATCH: 2,
  REBASE_REFUSED: 2,
  UNAUTHORIZED: 3,
  DENIED: 3,
  CREDENTIALS_UNREADABLE: 3,
  MANIFEST_NOT_FOUND: 4,
  BLOB_NOT_FOUND: 4,
  PLATFORM_NOT_FOUND: 4,
  SOURCE_NOT_FOUND: 4,
  RECORD_NOT_FOUND: 4,
  NETWORK: 5,
  TLS: 5,
  DIGEST_MISMATCH: 6,
  SIZE_MISMATCH: 6,
  MANIFEST_INVALID: 6,
  CONFIG_INVALID: 6,
  LAYER_INVALID: 6,
  LAYER_TRUNCATED: 6,
  PATH_ESCAPES: 6,
  LIMIT_EXCEEDED: 6,
  LAYOUT_INVALID: 6,
  RECORD_INVALID: 6,
  ARCHIVE_INVALID: 6,
  REGISTRY_REJECTED: 7,
  BLOB_UNKNOWN: 7,
  PARTLY_DONE: 9,
  LOCAL_IO: 8,
  SOURCE_CHANGED: 8,
  DISK_FULL: 8,
  INTERNAL: 70,
};

describe("the exit status", () => {
  it.each(Object.entries(statuses) as [ErrorCode, number][])("for %s is %d", (code, status) => {
    expect(exitStatusOf(new ComposeImageError(code, "x"))).toBe(status);
  });

  it("for a signal is what shells give, for anything unforeseen an internal fault's", () => {
    expect(exitStatusOf(new Interrupted("SIGINT"))).toBe(130);
    expect(exitStatusOf(new Interrupted("SIGTERM"))).toBe(143);
    expect(exitStatusOf(new TypeError("x"))).toBe(70);
    expect(exitStatusOf("x")).toBe(70);
  });
});

describe("what is printed about an error", () => {
  const cause = new Error("outer", { cause: new Error("inner") });
  const error = new ComposeImageError("NETWORK", "builder r.example: no answer", {
    hint: "Try again.",
    cause,
  });

  it("is one line with the code, and the hint below", () => {
    expect(describeError(error, false)).toBe(
      "compose-image: builder r.example: no answer [NETWORK]\n  hint: Try again.\n",
    );
  });

  it("goes down to the last cause when asked to be verbose", () => {
    expect(describeError(error, true)).toBe(
      "compose-image: builder r.example: no answer [NETWORK]\n  hint: Try again.\n  cause: outer\n  cause: inner\n",
    );
  });

  it("has no stack unless the fault is the tool's own", () => {
    expect(describeError(error, true)).not.toMatch(/^\s+at /m);
    expect(describeError(new TypeError("oops"), false)).toMatch(
      /internal fault: TypeError: oops\n\s+at .*\[INTERNAL\]\n {2}hint: /s,
    );
    expect(describeError("thrown text", false)).toContain("internal fault: thrown text [INTERNAL]");
  });

  it("of a signal says which", () => {
    expect(describeError(new Interrupted("SIGINT"), false)).toMatch(/^compose-image: interrupted.*\n/);
    expect(describeError(new Interrupted("SIGTERM"), false)).toMatch(/^compose-image: terminated.*\n/);
  });
});

describe("a wrong use of the command line", () => {
  it("is an error with commander's words, its suggestion as the hint", () => {
    expect(
      usageError(
        new CommanderError(
          1,
          "commander.unknownOption",
          "error: unknown option '--tga'\n(Did you mean --tag?)",
        ),
        "compose-image",
      ),
    ).toMatchObject({ code: "USAGE", message: "unknown option '--tga'", hint: "Did you mean --tag?" });
    expect(
      usageError(
        new CommanderError(
          1,
          "commander.optionMissingArgument",
          "error: option '--tag <image>' argument missing",
        ),
        "compose-image",
      ),
    ).toMatchObject({ code: "USAGE", hint: "compose-image --help lists what there is." });
  });

  it("is not to ask for help or the version", () => {
    expect(
      usageError(
        new CommanderError(
          1,
          "commander.excessArguments",
          "error: too many arguments for 'login'. Expected 1 argument but got 3: h, a, hunter2.",
        ),
        "compose-image",
      )?.message,
    ).toBe("login takes one argument, and got more");
    expect(usageError(new CommanderError(0, "commander.version", "1.0.0"), "x")).toBeUndefined();
    expect(usageError(new CommanderError(0, "commander.helpDisplayed", "(outputHelp)"), "x")).toBeUndefined();
    expect(usageError(new CommanderError(1, "commander.help", "(outputHelp)"), "x")).toBeUndefined();
  });
});
