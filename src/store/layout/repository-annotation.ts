/**
 * The annotation on an entry of `index.json` that names the repository which the manifest was pushed to, when the
 * entry has no `repository:tag` that would tell.
 */
export const repositoryAnnotation = "io.github.compose-image.repository";
