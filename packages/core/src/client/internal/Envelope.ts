import * as Result from "effect/Result"
import type { AgniErrorReason } from "../../model/AgniError.ts"
import { InvalidResponse, Unavailable } from "../../model/AgniError.ts"
import * as CallSession from "../../model/CallSession.ts"
import type { Instant } from "../../model/Instant.ts"
import { isObject } from "../../model/internal/Json.ts"
import type { Edition, Page } from "../../model/Page.ts"
import type { Rejected } from "../../model/Rejected.ts"

interface Records {
  readonly records: ReadonlyArray<unknown>
  readonly edition: Edition | undefined
  readonly total: number | undefined
}

const nothing: Records = { records: [], edition: undefined, total: undefined }

const toTotal = (meta: unknown): number | undefined => {
  const total = isObject(meta) ? meta["total"] : undefined
  const count = typeof total === "string" && total.trim() !== "" ? Number(total) : total
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

/** The records of either edition. An empty list may be `[]`, `null` or absent: the backend omits what is zero. */
const findRecords = (body: Readonly<Record<string, unknown>>): Records | undefined => {
  const { data } = body
  if (Array.isArray(data)) return { records: data, edition: "snake_case", total: toTotal(body["meta"]) }
  if (isObject(data)) {
    const { callSessions } = data
    if (Array.isArray(callSessions)) return { records: callSessions, edition: "camelCase", total: undefined }
    if (callSessions === null) return { ...nothing, edition: "camelCase" }
    // `{}` is an empty list; an object that holds other things is another endpoint's answer.
    return callSessions === undefined && Object.keys(data).length === 0 ? nothing : undefined
  }
  // Without data only a body that says `success: true` is an empty list; anything else may be an error in disguise.
  return (data === undefined || data === null) && body["success"] === true
    ? { ...nothing, total: toTotal(body["meta"]) }
    : undefined
}

/** A failure told with status 200. */
const toldFailure = (body: Readonly<Record<string, unknown>>, quote: (text: string) => string) => {
  const message = typeof body["message"] === "string" ? quote(body["message"]) : ""
  return new Unavailable({
    status: 200,
    description: `the server answered success: false${message === "" ? "" : ` ("${message}")`}`
  })
}

/** The text of a 200 response as a page. `quote` makes a server's words safe to repeat. */
export const decode = (
  text: string,
  context: {
    readonly page: number
    readonly observedAt: Instant
    readonly age: number
    readonly quote: (text: string) => string
  }
): Result.Result<Page, AgniErrorReason> => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    const html = text.trimStart().startsWith("<")
    return Result.fail(
      new InvalidResponse({
        description: html
          ? "the response is HTML, not JSON: something between here and the API answered in its place"
          : `the response is not JSON, or ends early (${text.length} characters)`,
        retryable: true,
        ...(html ? {} : { fault: "syntax" as const })
      })
    )
  }
  if (!isObject(body)) return Result.fail(unexpected)
  if (body["success"] === false) return Result.fail(toldFailure(body, context.quote))
  const found = findRecords(body)
  if (found === undefined) return Result.fail(unexpected)
  const { age, observedAt, page } = context
  const sessions: Array<CallSession.CallSession> = []
  const rejected: Array<Rejected> = []
  for (let index = 0; index < found.records.length; index++) {
    const raw = found.records[index]
    const result = CallSession.fromWire(raw)
    if (Result.isSuccess(result)) sessions.push(result.success)
    else rejected.push({ stage: "decode", reason: result.failure, raw, page, index, observedAt })
  }
  const { edition, total } = found
  return Result.succeed({ page, sessions, rejected, observedAt, age, edition, total, characters: text.length })
}

const unexpected = new InvalidResponse({
  description: "the response holds no list of call sessions (neither data.callSessions nor data)",
  retryable: false
})
