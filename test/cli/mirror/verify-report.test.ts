import { describe, expect, it } from "vitest";
import { verificationFailure } from "../../../src/cli/mirror/verify-report.ts";
import type { SiteVerification } from "../../../src/mirror/verify-site.ts";
import type { ErrorCode } from "../../../src/model/errors.ts";

const whole: SiteVerification = {
  site: "registry.example/hub",
  ...{ repositories: 1, images: 1, manifests: 1, blobs: 2, bytes: 300, referrers: 0 },
  ...{ faults: [], notes: [] },
};

const fault = (code: ErrorCode) => ({
  ...{ repository: "app", tag: undefined, digest: undefined, hint: undefined },
  ...{ code, message: "it is not right" },
});

describe("a verification", () => {
  it("that found nothing wrong is no failure", () => {
    expect(verificationFailure(whole)).toBeUndefined();
  });

  it("that found nothing at all is one", () => {
    const nothing = { ...whole, repositories: 0, images: 0, manifests: 0, blobs: 0, bytes: 0 };
    expect(verificationFailure(nothing)).toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: "registry.example/hub holds no images",
    });
  });

  it("fails with damage rather than with what is missing", () => {
    const faults = [fault("BLOB_NOT_FOUND"), fault("DIGEST_MISMATCH"), fault("MANIFEST_NOT_FOUND")];
    expect(verificationFailure({ ...whole, faults })).toMatchObject({
      code: "DIGEST_MISMATCH",
      message: "registry.example/hub is not whole: 3 faults told before",
    });
  });
});
