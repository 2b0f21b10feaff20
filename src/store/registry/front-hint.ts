/**
 * What to do about an answer that comes from what stands before a registry, such as nginx; `undefined` for the
 * registry's own.
 *
 * @param text the answer's words.
 */
export function frontHint(status: number, text: string): string | undefined {
  if (status === 413) {
    return "Something before the registry limits the size of uploads (client_max_body_size in nginx): have the limit raised.";
  }
  if (status === 400 && /SSL certificate/i.test(text)) {
    return "The registry wants a client certificate, or another one: give it with --cert and --key, or in certs.d.";
  }
  return undefined;
}
