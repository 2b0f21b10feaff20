// Takes the lock of the layout named as the first argument, says so, and keeps it until it is killed.
import { setTimeout as delay } from "node:timers/promises";
import { unstoppable } from "../../../src/io/call.ts";
import { withDirectoryLock } from "../../../src/io/directory-lock.ts";

await withDirectoryLock(
  process.argv[2] ?? "",
  async () => {
    process.stdout.write("locked\n");
    await delay(3_600_000);
  },
  unstoppable,
);
