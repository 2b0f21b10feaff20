import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call } from "../io/call.ts";
import type { LayoutSource } from "../store/layout/layout-source.ts";
import type { Repositories } from "./repositories.ts";
import type { RepositoryWriter } from "./repository-writer.ts";
import type { UploadSessions } from "./upload-sessions.ts";

/** What the endpoints that read work on. */
export interface RegistryContent {
  readonly images: LayoutSource;
  readonly repositories: Repositories;
}

/** What those that write work on besides. */
export interface WritableContent extends RegistryContent {
  readonly writer: RepositoryWriter;
  readonly uploads: UploadSessions;
}

/** One request and the response to it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Aborted when the connection ends before the response does. */
  readonly call: Call;
}
