/** Reads the body of a response, in both editions of the API. */
import * as Result from "effect/Result"
import type { AgniErrorReason } from "../../model/AgniError.ts"
import { InvalidResponse, Unavailable } from "../../model/AgniError.ts"
import * as CallSession from "../../model/CallSession.ts"
import * as ExactNumber from "../../model/ExactNumber.ts"
import type { Instant } from "../../model/Instant.ts"
import { isObject } from "../../model/internal/Json.ts"
import type { Edition, Page } from "../../model/Page.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Rows from "../../model/Rows.ts"
import * as Version from "../../model/Version.ts"

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

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

const wordsIn = ({ error, message }: Readonly<Record<string, unknown>>): string =>
  textOf(message) || textOf(isObject(error) ? error["message"] : error)

/** What the server says of a failure, for which it should have had another status; nothing where it is none. */
const failureIn = (body: Readonly<Record<string, unknown>>): string | undefined => {
  const { code, data, error, success } = body
  const isError = (error ?? undefined) !== undefined || (typeof code === "number" && "message" in body)
  return success === false || ((data ?? undefined) === undefined && success !== true && isError)
    ? wordsIn(body)
    : undefined
}

/** What a body says, as plain data: its sessions as objects, or as whatever another thread made of them. */
export type Body<Sessions> =
  | {
      readonly _tag: "Records"
      readonly sessions: Sessions
      readonly rejected: ReadonlyArray<Pick<Rejected, "reason" | "raw"> & { readonly index: number }>
      readonly edition: Edition | undefined
      readonly total: number | undefined
      readonly characters: number
    }
  /** A failure with status 200. */
  | { readonly _tag: "Failure"; readonly message: string }
  | { readonly _tag: "NotJson"; readonly html: boolean; readonly characters: number }
  | { readonly _tag: "Unexpected" }

/** @param parse What reads JSON: where no number can be rounded, `JSON.parse` need not look for one. */
export const read = (
  text: string,
  parse: (text: string) => unknown = ExactNumber.parseJson
): Body<ReadonlyArray<CallSession.CallSession>> => {
  let body: unknown
  try {
    body = parse(text)
  } catch {
    return { _tag: "NotJson", html: text.trimStart().startsWith("<"), characters: text.length }
  }
  if (!isObject(body)) return { _tag: "Unexpected" }
  const failure = failureIn(body)
  if (failure !== undefined) return { _tag: "Failure", message: failure }
  const found = findRecords(body)
  if (found === undefined) return { _tag: "Unexpected" }
  const { edition, records, total } = found
  const sessions: Array<CallSession.CallSession> = []
  const rejected: Array<Pick<Rejected, "reason" | "raw"> & { readonly index: number }> = []
  for (let index = 0; index < records.length; index++) {
    const raw = records[index]
    const result = CallSession.fromWire(raw)
    if (Result.isSuccess(result)) sessions.push(result.success)
    else rejected.push({ reason: result.failure, raw, index })
  }
  return { _tag: "Records", sessions, rejected, edition, total, characters: text.length }
}

export interface Context {
  readonly page: number
  readonly observedAt: Instant
  readonly version?: Version.Version | undefined
  readonly age: number
  /** Makes a server's words safe to repeat. */
  readonly quote: (text: string) => string
}

/** @param hold What makes rows of its sessions. */
export const toPage = <Sessions>(
  body: Body<Sessions>,
  { age, observedAt, page, quote, version }: Context,
  hold: (sessions: Sessions) => Rows.Rows
): Result.Result<Page, AgniErrorReason> => {
  switch (body._tag) {
    case "Records": {
      const { characters, edition, sessions, total } = body
      const rejected = body.rejected.map((record): Rejected => ({
        stage: "decode",
        ...record,
        page,
        observedAt: version ?? Version.of(observedAt)
      }))
      const rows = hold(sessions)
      return Result.succeed({ page, rows, rejected, observedAt, version, age, edition, total, characters })
    }
    case "Failure": {
      const message = quote(body.message)
      return Result.fail(
        new Unavailable({ outage: { _tag: "Unsuccessful", ...(message === "" ? {} : { quote: message }) } })
      )
    }
    case "NotJson":
      return Result.fail(
        new InvalidResponse({
          problem: body.html ? { _tag: "Html" } : { _tag: "NotJson", characters: body.characters }
        })
      )
    case "Unexpected":
      return Result.fail(new InvalidResponse({ problem: { _tag: "NoList" } }))
  }
}

/** Text as a page that holds its calls as objects. */
export const decode = (text: string, context: Context): Result.Result<Page, AgniErrorReason> =>
  toPage(read(text), context, (sessions) => Rows.ofSessions(sessions, context.observedAt, context.version))
