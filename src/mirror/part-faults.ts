import type { Call } from "../io/call.ts";
import type { MirrorPlace } from "../model/mirror-place.ts";
import { checkParts } from "../store/archive/check-parts.ts";
import type { SiteFault } from "./site-fault.ts";

/** The parts of a split archive that are missing, or not those that were written. */
export async function partFaults(place: MirrorPlace, call: Call): Promise<SiteFault[]> {
  if (place.transport !== "oci-archive") return [];
  const checked = await checkParts(place.file, call);
  return (checked?.parts ?? []).flatMap(({ name, state }): SiteFault[] => {
    if (state === "intact") return [];
    return [
      {
        ...{ repository: undefined, tag: undefined, digest: undefined },
        code: state === "missing" ? "BLOB_NOT_FOUND" : "DIGEST_MISMATCH",
        message: `the part ${name} is ${state}`,
        hint: "Copy this part again from where it was saved; the others can stay.",
      },
    ];
  });
}
