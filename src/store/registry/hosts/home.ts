import { homedir } from "node:os";
import type { Environment } from "./proxy.ts";

/** The user's home: `HOME`, else what the system's accounts say; none for a user id they do not hold, as pods may have. */
export function homeOf(env: Environment): string | undefined {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return undefined;
  }
}
