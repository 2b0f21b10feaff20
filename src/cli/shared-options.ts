import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { ComposeImageError } from "../model/errors.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import { collectOption } from "./collect-option.ts";
import { parseCount, parseDuration } from "./quantities.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every command that talks to registries. */
export interface RegistryFlags {
  readonly insecure?: readonly string[];
  readonly authfile?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly certDir?: string;
  readonly registriesConf?: string;
  readonly retries?: string;
  readonly timeout?: string;
}

/** Flags about what is printed. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Adds the flags that say how registries are reached. */
export function addRegistryOptions(command: Command): Command {
  return command
    .optionsGroup("How to reach registries:")
    .option(
      "--authfile <file>",
      "credentials file looked at first (default: docker's and podman's usual ones)",
    )
    .option(
      "--insecure <host>",
      "registry whose certificate is not verified, or that speaks plain HTTP; repeatable",
      collectOption,
    )
    .option("--ca-file <file>", "authorities to trust besides the system's, PEM")
    .option("--cert <file>", "client certificate, PEM; goes with --key")
    .option("--key <file>", "key of the client certificate, PEM")
    .option("--cert-dir <dir>", "directory of *.crt, *.cert and *.key used in place of certs.d")
    .option(
      "--registries-conf <file>",
      "mirrors, blocked and insecure registries (default: podman's usual file)",
    )
    .addOption(new Option("--retries <n>", "further attempts after a fault that may heal").default("5"))
    .addOption(new Option("--timeout <duration>", "give up after so long without progress").default("60s"));
}

/** Adds the flags that say what is printed. */
export function addOutputOptions(command: Command): Command {
  command.optionsGroup("What to print:").option("--json", "one JSON document on standard output");
  return addQuietOptions(command);
}

/** Adds those of them that are about standard error alone. */
export function addQuietOptions(command: Command): Command {
  return command
    .optionsGroup("What to print:")
    .option("--quiet", "nothing on standard error but errors")
    .option("--verbose", "every request, and the causes of errors");
}

/**
 * What the flags mean to the registry client.
 *
 * @throws ComposeImageError `USAGE`, also for an `--authfile` that is not there: a wrong path must not come to light
 *   only once a registry asks for credentials.
 */
export function registryOptions(flags: RegistryFlags, terminal: Terminal): RegistryClientOptions {
  if (flags.authfile !== undefined && !existsSync(flags.authfile)) {
    throw new ComposeImageError("USAGE", `--authfile ${flags.authfile} is not there`, {
      hint: "Check the path, or leave it out; compose-image login makes the file.",
    });
  }
  return connectionOptions(flags, terminal);
}

/** The same for a command that makes the credentials file. */
export function connectionOptions(flags: RegistryFlags, terminal: Terminal): RegistryClientOptions {
  const { insecure, authfile, caFile, cert, key, certDir, registriesConf } = flags;
  const { retries = "5", timeout = "60s" } = flags;
  if (insecure?.some((host) => /[/@\s]|^$/.test(host))) {
    throw new ComposeImageError("USAGE", "--insecure takes HOST or HOST:PORT", {
      hint: "Write the host as references have it, without http:// and without a path.",
    });
  }
  return {
    insecureHosts: insecure ?? [],
    authfile,
    caFile,
    cert,
    key,
    certDir,
    registriesConf,
    retries: parseCount(retries, "--retries", 0),
    timeoutMs: parseDuration(timeout, "--timeout"),
    env: terminal.env,
  };
}
