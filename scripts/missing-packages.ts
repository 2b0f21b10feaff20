/* Prints the Debian packages whose commands this machine lacks, one on each line; nothing when it lacks none. */
import { allTools, missingTools, packagesFor } from "./house/tools.ts";

for (const name of packagesFor(missingTools(...allTools))) console.log(name);
