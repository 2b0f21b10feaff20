import { isJsonObject, isStringList } from "../../../model/json.ts";
import { mergeScopes } from "./scope.ts";

/**
 * What a bearer token says that its bearer may do, where it is a JSON Web Token with an `access` claim; `undefined` for
 * tokens that only their registry can read. Nothing is verified: that is the registry's business.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function grantedScopes(token: string): string[] | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isJsonObject(claims) || !Array.isArray(claims.access)) return undefined;
  return mergeScopes(
    claims.access.flatMap((resource) => {
      if (!isJsonObject(resource) || !isStringList(resource.actions)) return [];
      return [`${resource.type}:${resource.name}:${resource.actions.join(",")}`];
    }),
  ).filter((scope) => !scope.endsWith(":"));
}
