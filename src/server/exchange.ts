import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call } from "../io/call.ts";
import type { LayoutStore } from "../store/layout/layout-store.ts";
import type { Repositories } from "./repositories.ts";
import type { UploadSessions } from "./upload-sessions.ts";

/** What all endpoints work on. */
export interface RegistryContent {
  readonly layout: LayoutStore;
  readonly repositories: Repositories;
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
