import type { SiteFault } from "../../mirror/site-fault.ts";
import type { SiteVerification } from "../../mirror/verify-site.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { visibleText } from "../../model/visible-text.ts";
import { exitStatus, exitStatusOf } from "../exit-status.ts";
import { formatBytes } from "../quantities.ts";

/** Most faults that are printed for people; programs get all. */
const mostShown = 100;

/** What was looked at, and each fault with what to do about it. */
export function describeVerification(found: SiteVerification): string {
  const { repositories, images, manifests, blobs, bytes, referrers, faults, notes } = found;
  const rows: (readonly [string, string])[] = [
    ["images", `${images} in ${repositories} repositories, ${referrers} referrers`],
    ["read", `${formatBytes(bytes)} in ${manifests} manifests and ${blobs} blobs`],
    ["faults", String(faults.length)],
  ];
  const more = faults.length > mostShown ? `and ${faults.length - mostShown} more; --json lists all\n` : "";
  return [
    ...faults.slice(0, mostShown).map(describeFault),
    more,
    ...notes.map((note) => `note: ${visibleText(note)}\n`),
    ...rows.map(([name, value]) => `${name.padEnd(8)}${value}\n`),
  ].join("");
}

function describeFault({ message, code, hint }: SiteFault): string {
  const advice = hint === undefined ? "" : `  hint: ${visibleText(hint)}\n`;
  return `${visibleText(message)} [${code}]\n${advice}`;
}

/** What `--json` prints. */
export function verificationDocument({ faults, notes, ...counts }: SiteVerification): {
  [key: string]: Json;
} {
  return {
    ...counts,
    faults: faults.map(({ repository, tag, digest, code, message, hint }) => ({
      ...(repository !== undefined && { repository }),
      ...(tag !== undefined && { tag }),
      ...(digest !== undefined && { digest }),
      code,
      message,
      ...(hint !== undefined && { hint }),
    })),
    notes: [...notes],
  };
}

/** The error that says there were faults, damage before what is missing; or nothing at all, as at a wrong path. */
export function verificationFailure({
  site,
  faults,
  manifests,
}: SiteVerification): ComposeImageError | undefined {
  if (faults.length === 0 && manifests === 0) {
    return new ComposeImageError("MANIFEST_NOT_FOUND", `${site} holds no images`, {
      hint: "Check the name, and the path after the registry's.",
    });
  }
  const isDamage = ({ code }: SiteFault): boolean =>
    exitStatusOf(new ComposeImageError(code, "")) === exitStatus.integrity;
  const worst = faults.find(isDamage) ?? faults[0];
  if (worst === undefined) return undefined;
  const count = faults.length === 1 ? "one fault" : `${faults.length} faults`;
  return new ComposeImageError(worst.code, `${site} is not whole: ${count} told before`, {
    hint: "mirror sync, save and load bring what is missing. A delta lacks what its receiver has.",
  });
}
