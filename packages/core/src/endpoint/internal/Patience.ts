/** How long a reading waits for one answer: as the client's policy says while nothing is answered, and not so long otherwise. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AgniClient, ListOptions } from "../../client/AgniClient.ts"
import { AgniError, InvalidRequest } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import { earliestStart, pageBeyondAll } from "../../model/Limits.ts"
import type { Page } from "../../model/Page.ts"
import * as Rows from "../../model/Rows.ts"

export type List = AgniClient["Service"]["list"]

/** The server fails, or the way to it: for a record that it cannot render, a response beyond its limit, or because it is down. */
const isFailure = ({ reason }: AgniError): boolean =>
  reason._tag === "Unavailable" || (reason._tag === "InvalidResponse" && reason.fault !== undefined)

/** A day before there were calls: no record can be at fault, unless bounds are applied after paging. */
const beforeAll = {
  pageSize: 1,
  startedAfter: Instant.format(earliestStart),
  startedBefore: Instant.format(Instant.of(earliestStart + 86_400_000_000))
}

const isTimeOut = ({ reason }: AgniError): boolean => reason._tag === "Unavailable" && reason.outage._tag === "TimedOut"

type Look = "up" | "down" | "fails"

/** One page of nothing. */
const look = (list: List, page: number): Effect.Effect<Look> =>
  Effect.match(list({ ...beforeAll, page }, { tries: 1 }), {
    onSuccess: () => "up",
    // A refusal is an answer. To wait for others would take as long as this one.
    onFailure: (error) => (!isFailure(error) ? "up" : isTimeOut(error) ? "down" : "fails")
  })

/** Whether the server fails for the number of a page, where nothing is on it; nothing until that is known. */
interface Depth {
  fails: boolean | undefined
}

/**
 * Whether the server answers at all: beyond the end of nothing, or, where it repeats its last page there or does not go so deep, in
 * front. Where bounds are applied after paging, the record that fails may be the first one: then the second one comes.
 */
const isUp = Effect.fnUntraced(function* (list: List, depth: Depth): Effect.fn.Return<boolean> {
  const beyond = yield* look(list, pageBeyondAll)
  if (beyond === "up") depth.fails = false
  if (beyond !== "fails") return beyond === "up"
  for (const page of [1, 2]) {
    const answer = yield* look(list, page)
    if (answer !== "fails") return answer === "up"
  }
  return false
})

/** A page of nothing fails far beyond the end, however often it is asked for, and the first one does not: that is no chance. */
const failsDeep = Effect.fnUntraced(function* (list: List, depth: Depth): Effect.fn.Return<boolean> {
  if (depth.fails !== undefined) return depth.fails
  for (const page of [pageBeyondAll, 1, pageBeyondAll, pageBeyondAll]) {
    const answer = yield* look(list, page)
    if (page === pageBeyondAll && answer === "up") depth.fails = false
    if (answer !== (page === 1 ? "up" : "fails")) return false
  }
  depth.fails = true
  return true
})

const marked = ({ attempts, elapsed, reason, request }: AgniError): AgniError =>
  new AgniError({ reason, request, attempts, elapsed, alone: true })

/** A server that fails for a page that lies so deep, and for no record on it, refuses it. */
const refused = ({ attempts, elapsed, reason, request }: AgniError): AgniError => {
  const outage = reason._tag === "Unavailable" && reason.outage._tag === "Status" ? reason.outage : undefined
  const words = outage?.quote === undefined ? {} : { quote: outage.quote }
  const answer = outage === undefined ? {} : { status: outage.status, ...words }
  return new AgniError({ reason: new InvalidRequest(answer), request, attempts, elapsed })
}

/** A page that some servers do not find, where others answer with an empty one: the address is right, because the first page came. */
const isBeyond = ({ page = 1 }: CallSessionQuery, { reason }: AgniError): boolean =>
  page > 1 && reason._tag === "NotFound"

const emptyPage = (page: number, observedAt: Instant.Instant): Page => ({
  page,
  rows: Rows.make([], observedAt),
  rejected: [],
  observedAt,
  edition: undefined,
  total: undefined,
  age: 0,
  characters: 0
})

/** Two tries where the server answers another request: for those who know what to do when one fails alone. */
export const soon: ListOptions = { isUp: Effect.never }

/** One try, where the answers to others show that the server is up. */
export const once: ListOptions = { tries: 1, isUp: Effect.succeed(true) }

/** All tries of the policy, for what failed alone before: the server answers others, so long waits would not help. */
export const last: ListOptions = { shortWaits: true }

/**
 * A client's `list`, whose errors say whether the request alone is at fault (`alone`): the server answers another one. Such a request is
 * tried as often as others, with short waits: a record that cannot be rendered would hold up everything for half a minute each time. A
 * page that is not found is an empty one, and one that fails because it lies deep is refused: what follows from that is known to
 * those who read such pages.
 */
export const make = (list: List): List => {
  const depth: Depth = { fails: undefined }
  const up = isUp(list, depth)
  /** Questions that failed with all tries: asked again, they get two. */
  const hopeless = new Set<string>()
  /** The latest time that an answer gave. */
  const heard: { at: Instant.Instant | undefined } = { at: undefined }
  const hear = ({ observedAt }: Page) =>
    Effect.sync(() => {
      if (heard.at === undefined || observedAt > heard.at) heard.at = observedAt
    })
  /** A page that was not found has no time of its own. */
  const nothing = ({ page = 1 }: CallSessionQuery) =>
    Effect.map(Clock.currentTimeMillis, (now) => emptyPage(page, heard.at ?? Instant.of(now * 1000)))
  const failAlone = ({ page = 1 }: CallSessionQuery, error: AgniError) =>
    Effect.flatMap(page > 1 ? failsDeep(list, depth) : Effect.succeed(false), (isDeep) =>
      Effect.fail(isDeep ? refused(error) : marked(error))
    )
  const marking = (query: CallSessionQuery, options: ListOptions, isUp: Effect.Effect<boolean>) =>
    list(query, options).pipe(
      Effect.tap(hear),
      Effect.catchIf(
        (error) => isBeyond(query, error),
        () => nothing(query)
      ),
      Effect.catchIf(isFailure, (error) =>
        Effect.flatMap(error.alone === true ? Effect.succeed(true) : isUp, (answers) =>
          answers ? failAlone(query, error) : Effect.fail(error)
        )
      )
    )
  return (query, options = {}) => {
    if (options.isUp === soon.isUp) return marking(query, { ...options, isUp: up }, up)
    if (options.isUp !== undefined) return marking(query, options, options.isUp)
    if (options.shortWaits === true || options.tries !== undefined || options.once === true)
      return marking(query, options, up)
    const question = JSON.stringify(query)
    // Where deep pages are known to fail, more tries show nothing: who asked takes narrower bounds.
    const insist = !hopeless.has(question) && !(depth.fails === true && (query.page ?? 1) > 1)
    const how = { ...options, isUp: up, insist }
    return Effect.tapError(marking(query, how, up), ({ alone }) =>
      Effect.sync(() => {
        if (alone === true) hopeless.add(question)
      })
    )
  }
}
