/** Calls for schemas of the user's own, and what of their refusals may be shown. */
import { calls } from "@callstream/client/bridge"
import * as ParseResult from "effect/ParseResult"
import type { CallSession } from "../CallSession.ts"

/** With the values of the analysis, without the `{ type, value }` in which the API may wrap each. */
export const unwrapped = (session: CallSession): CallSession => {
  const { postCallAnalysisResult: given } = session
  return typeof given === "object" && given !== null && !Array.isArray(given)
    ? { ...session, postCallAnalysisResult: calls.analysisValues(session) }
    : session
}

/** Names the places alone: the words of a schema may repeat a value. */
export const reasonOf = (error: ParseResult.ParseError): string => {
  const found = ParseResult.ArrayFormatter.formatErrorSync(error).map(({ path }) =>
    path.map((part) => `[${JSON.stringify(String(part))}]`).join("")
  )
  const places = [...new Set(found)]
  // A union, such as that with `null`, is refused beside the place in it.
  const all = places.filter((place) => !places.some((other) => other !== place && other.startsWith(place)))
  return `your schema refused ${all.slice(0, 3).join(", ")}${all.length > 3 ? ` and ${all.length - 3} more` : ""}`
}
