// Tags the layout's only image: `add-tags.ts DIRECTORY PREFIX COUNT`.
import { unstoppable } from "../../../src/io/call.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";

const [, , directory = "", prefix = "", count = ""] = process.argv;
const layout = await openLayout(directory, {}, unstoppable);
const manifest = await layout.manifest({ digest: (await layout.soleImage(unstoppable)).digest }, unstoppable);
for (let i = 0; i < Number(count); i += 1) await layout.tag(manifest, `${prefix}-${i}`, unstoppable);
