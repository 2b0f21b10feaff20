import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { ComposeImageError } from "../../../model/errors.ts";
import type { Environment } from "../hosts/proxy.ts";
import { credentialPaths, dockerPath } from "./credential-paths.ts";

/**
 * The one file that logging in and out works on: the one named by option or `REGISTRY_AUTH_FILE`, else the first of
 * those read that is there and can be written, else Docker's.
 *
 * @throws ComposeImageError `USAGE` when there is none of them, and no home directory to make one in.
 */
export async function loginPath(authfile: string | undefined, env: Environment): Promise<string> {
  const named = authfile || env.REGISTRY_AUTH_FILE;
  if (named) return named;
  for (const { path } of credentialPaths(undefined, env)) if (await isWritable(path)) return path;
  const path = dockerPath(env);
  if (path !== undefined) return path;
  throw new ComposeImageError("USAGE", "there is no home directory to keep credentials in", {
    hint: "Name a file with --authfile or REGISTRY_AUTH_FILE.",
  });
}

/** Whether the file is there, and another can be put in its place. */
async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    await access(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
