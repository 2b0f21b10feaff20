import { type Command, Option } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { parseRegistryName } from "../../model/reference.ts";
import type { LoginOptions } from "../../ops/login.ts";
import { startProgress } from "../progress/start-progress.ts";
import {
  addQuietOptions,
  addRegistryOptions,
  connectionOptions,
  type OutputFlags,
  type RegistryFlags,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface LoginFlags extends RegistryFlags, OutputFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly password?: string | boolean;
}

interface LogoutFlags extends OutputFlags {
  readonly all?: boolean;
  readonly authfile?: string;
}

/** Longest password, in bytes: room for any token. */
const maxPassword = 64 * 1024;

const where = `
The file is --authfile, or REGISTRY_AUTH_FILE, or the first of podman's and docker's own files that is there and can be
written, or else docker's ($DOCKER_CONFIG/config.json, ~/.docker/config.json). A credential helper that it names for the
registry (credHelpers, credsStore) keeps the password in its place. docker, podman and skopeo read the same file.`;

const loginExamples = `
Examples:
  compose-image login registry.example                                  asks for user name and password
  compose-image login registry.example -u robot --password-stdin < token
  compose-image login registry.example/team/app -u robot --password-stdin --authfile auth.json < token
${where}`;

const logoutExamples = `
Examples:
  compose-image logout registry.example
  compose-image logout --all --authfile auth.json
${where}`;

/** Adds `login`: checks a user's password with a registry and keeps it for later. */
export function addLoginCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("login")
    .summary("log in to a registry")
    .description("Checks user name and password with a registry, and keeps them where docker and podman do.")
    .argument("<registry>", "host[:port], or host[:port]/namespace[/repository] for a part of it")
    .option("-u, --username <user>", "user name; asked for on a terminal")
    .option("--password-stdin", "take the password, or an access token, from standard input")
    .addOption(new Option("-p, --password [password]").hideHelp());
  addRegistryOptions(command);
  addQuietOptions(command)
    .addHelpText("after", loginExamples)
    .action((registry: string, flags: LoginFlags) => runLogin(registry, flags, terminal));
}

/** Adds `logout`: forgets what `login` kept. */
export function addLogoutCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("logout")
    .summary("log out of a registry")
    .description("Forgets the user name and password of a registry.")
    .argument("[registry]", "as it was logged in to")
    .option("--all", "forget every registry the file knows")
    .option("--authfile <file>", "credentials file to take them out of");
  addQuietOptions(command)
    .addHelpText("after", logoutExamples)
    .action((registry: string | undefined, flags: LogoutFlags) => runLogout(registry, flags, terminal));
}

async function runLogin(registry: string, flags: LoginFlags, terminal: Terminal): Promise<void> {
  if (flags.password !== undefined) {
    throw usage(
      "a password on the command line can be read by everybody on this machine",
      "Give it on standard input: --password-stdin.",
    );
  }
  const name = parseRegistryName(registry);
  const progress = startProgress(terminal, flags);
  const options: LoginOptions = {
    ...connectionOptions(flags, terminal),
    signal: terminal.signal,
    onTransfer: progress.listener,
  };
  const login = await readLogin(flags, terminal);
  const { logIn } = await import("../../ops/login.ts");
  const { file, helper, checked, shadowedBy } = await logIn(name, login, options).finally(() =>
    progress.stop(),
  );
  if (flags.quiet) return;
  const keeper = helper === undefined ? file : `${helper} (${file})`;
  terminal.writeError(`logged in to ${registry} as ${login.username}; kept in ${keeper}\n`);
  if (!checked) {
    terminal.writeError(`warning: ${registry} asked for no credentials, so these were not checked\n`);
  }
  if (shadowedBy !== undefined) {
    terminal.writeError(`warning: other credentials come before these: ${shadowedBy}\n`);
  }
}

async function readLogin(
  { username, passwordStdin }: LoginFlags,
  terminal: Terminal,
): Promise<{ username: string; password: string }> {
  if (passwordStdin && username === undefined) {
    throw usage("--password-stdin needs --username", "For example --username me --password-stdin < token.");
  }
  if (!passwordStdin && !terminal.canAsk) {
    throw usage(
      "there is no terminal to ask for the password on",
      "Give it on standard input: --username USER --password-stdin.",
    );
  }
  const user = username ?? (await terminal.ask("User name: ", false)).trim();
  if (user === "" || user.includes(":")) {
    throw usage("a user name is not empty and has no colon", "The password goes to standard input.");
  }
  const typed = passwordStdin
    ? await terminal.readInput(maxPassword)
    : await terminal.ask("Password: ", true);
  const password = typed.replace(/\r?\n$/, "");
  if (password === "" || /[\0\r\n]/.test(password)) {
    throw usage("the password is empty, or has more than one line", "Give one line on standard input.");
  }
  return { username: user, password };
}

async function runLogout(
  registry: string | undefined,
  flags: LogoutFlags,
  terminal: Terminal,
): Promise<void> {
  const { all = false, authfile, quiet = false } = flags;
  if (all === (registry !== undefined)) {
    throw usage("logout takes a registry, or --all", "For example compose-image logout registry.example.");
  }
  const name = registry === undefined ? undefined : parseRegistryName(registry);
  const { logOut } = await import("../../ops/login.ts");
  const { signal, env } = terminal;
  const { file, removed, remaining } = await logOut(name, { authfile, signal, env });
  if (quiet) return;
  for (const key of removed) terminal.writeError(`logged out of ${key} in ${file}\n`);
  if (removed.length === 0) {
    terminal.writeError(`${file} has no login${registry === undefined ? "" : ` for ${registry}`}\n`);
  }
  if (remaining !== undefined) {
    terminal.writeError(`warning: there still are credentials for ${registry}: ${remaining}\n`);
  }
}

function usage(message: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", message, { hint });
}
