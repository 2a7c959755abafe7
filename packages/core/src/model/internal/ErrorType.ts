/** The type of an error for spans and metrics: few values, and nothing of a call, a query or a key. */
import { AgniError, type AgniErrorReason, type Outage } from "../AgniError.ts"

/** The code of the system says more than that there was no connection. */
const ofOutage = (outage: Outage): string => {
  switch (outage._tag) {
    case "Status":
      return String(outage.status)
    case "Unreachable":
      return outage.code ?? outage._tag
    default:
      return outage._tag
  }
}

/** The status where the server refused by one, otherwise the tag of what went wrong. */
export const ofReason = (reason: AgniErrorReason): string => {
  switch (reason._tag) {
    case "Unauthorized":
      return "401"
    case "Forbidden":
      return "403"
    case "NotFound":
      return "404"
    case "RateLimited":
      return "429"
    case "InvalidRequest":
      return reason.status === undefined ? reason._tag : String(reason.status)
    case "Unavailable":
      return ofOutage(reason.outage)
    case "InvalidResponse":
      return reason.problem._tag
  }
}

/** What names a class of errors: `SinkError`, `ENOENT`, never a sentence. */
const isName = (value: unknown): value is string => typeof value === "string" && /^[A-Za-z]\w{0,63}$/.test(value)

const tagOf = (error: object): string | undefined => ("_tag" in error && isName(error._tag) ? error._tag : undefined)

/** Of an error with a tagged reason both tags: `SinkError.Full`. */
export const of = (error: unknown): string => {
  if (error instanceof AgniError) return ofReason(error.reason)
  if (typeof error !== "object" || error === null) return "unknown"
  const tag = tagOf(error)
  if (tag === undefined) return error instanceof Error && isName(error.name) ? error.name : "unknown"
  const reason =
    "reason" in error && typeof error.reason === "object" && error.reason !== null ? tagOf(error.reason) : undefined
  return reason === undefined ? tag : `${tag}.${reason}`
}
