/** One request and its answer, before either meets a transport. */
import type { Fault } from "../Fault.ts"

/** A request as the server sees it; header names in lower case. */
export interface Request {
  readonly method: string
  /** Scheme and host as the client knows them. */
  readonly origin: string
  readonly path: string
  /** The query as it was sent, without `?`. */
  readonly search: string
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** How an answer travels. */
export type Delivery =
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Slow"; readonly millis: number; readonly chunks: number }
  | { readonly _tag: "Cut"; readonly at: number }
  /** The body's first character, then so many spaces, then the rest. */
  | { readonly _tag: "Padded"; readonly bytes: number }

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly delayMillis: number
  readonly delivery: Delivery
  readonly fault?: Fault | undefined
}

/** What became of a request. */
export type Outcome =
  | "answered"
  | "recording"
  | "cached"
  | "fault"
  | "not-found"
  | "unauthorized"
  | "forbidden"
  | "rate-limited"
  | "invalid"
  | "poisoned"
  | "too-large"

/** A request that the simulator has seen; the API key is not kept. */
export interface RecordedRequest {
  /** The first is 1. */
  readonly number: number
  readonly method: string
  readonly origin: string
  readonly path: string
  /** Origin, path and query. */
  readonly url: string
  readonly params: Readonly<Record<string, string>>
  /** `x-api-key` is replaced by `right`, `wrong` or is missing. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly key: "right" | "wrong" | "missing"
  /** The server's time, µs. */
  readonly at: number
  readonly status: number
  readonly outcome: Outcome
  readonly fault: Fault | undefined
  /** The page asked for. */
  readonly page: number
  /** The page size asked for. */
  readonly pageSize: number
  /** The ids in the answer, in order. */
  readonly ids: ReadonlyArray<string>
}

export const whole: Delivery = { _tag: "Whole" }
