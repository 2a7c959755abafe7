/** `callstream check`: is the key good, and what does the endpoint do? */
import {
  AgniClient,
  type CallSession,
  CallSession as Session,
  type CallSessionQuery,
  Instant,
  type Page
} from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Source from "../flag/Source.ts"
import * as Format from "../output/Format.ts"
import { answer, toPrintable } from "../output/Screen.ts"

type Query = CallSessionQuery.CallSessionQuery
type CallSession = CallSession.CallSession

const starts = (page: Page): ReadonlyArray<number> =>
  page.sessions.flatMap((session) => Session.startInstant(session) ?? [])

type Order = "ascending" | "descending" | "neither" | "unknown"

/** `unknown` when the values do not differ. */
const orderOf = (values: ReadonlyArray<number>): Order => {
  let up = false
  let down = false
  values.forEach((value, i) => {
    const before = values[i - 1]
    if (before === undefined) return
    up ||= value > before
    down ||= value < before
  })
  return up && down ? "neither" : up ? "ascending" : down ? "descending" : "unknown"
}

const describeOrder = (page: Page): string => {
  const byStart = orderOf(starts(page))
  const byCreation = orderOf(page.sessions.flatMap((session) => Session.createdInstant(session) ?? []))
  if (byStart === "descending") return "newest start first"
  if (byStart === "ascending") return "oldest start first"
  if (byCreation === "descending") return "newest creation first"
  if (byCreation === "ascending") return "oldest creation first"
  return byStart === "unknown" ? "not to be seen: too few sessions" : "neither by start nor by creation"
}

const second = 1_000_000

/** The report is what was asked for, so it goes to stdout. */
const tell = (line: string) => answer(toPrintable(line))

const examine = Effect.fnUntraced(function* (baseUrl: string) {
  const { list } = yield* AgniClient
  const latencies: Array<number> = []
  const ask = Effect.fnUntraced(function* (query: Query) {
    const before = yield* Clock.currentTimeMillis
    const page = yield* list(query)
    latencies.push((yield* Clock.currentTimeMillis) - before)
    return page
  })

  /** A server that refuses a question has answered it. */
  const tryTo = (query: Query) =>
    Effect.catchReason(ask(query), "AgniError", "InvalidRequest", () => Effect.succeed(undefined))

  const first = yield* ask({ pageSize: 100 })
  yield* tell("key          accepted")
  const larger = yield* tryTo({ pageSize: 1000 })
  const large = larger ?? first
  const seen = large.sessions.length >= first.sessions.length ? large : first
  const count = seen.sessions.length + seen.rejected.length
  yield* tell(
    `edition      ${
      seen.edition === undefined
        ? "not to be seen: there are no sessions"
        : seen.edition === "camelCase"
          ? "camelCase records in data.callSessions, as documented"
          : `snake_case records in data, the older edition${seen.total === undefined ? "" : `; it counts ${Format.counted(seen.total, "session")}`}`
    }`
  )
  if (seen.rejected.length > 0) {
    yield* tell(
      `records      ${Format.count(seen.rejected.length)} of ${Format.count(count)} could not be read: ${seen.rejected[0]?.reason ?? ""}`
    )
  }
  const largeCount = large.sessions.length + large.rejected.length
  const next = yield* ask({ pageSize: largeCount === 0 ? 100 : largeCount, page: 2 })
  const more = next.sessions.length + next.rejected.length > 0
  yield* tell(
    `page size    ${
      larger === undefined
        ? "1000 in one request is refused, 100 is not"
        : largeCount === 0
          ? "not to be seen: there are no sessions"
          : largeCount >= 1000
            ? "1000 and perhaps more in one request"
            : more
              ? `at most ${largeCount} in one request (asked for 1000): a larger --page-size brings no more`
              : `not to be seen: ${largeCount === 1 ? "the only session fits" : `all ${Format.count(largeCount)} sessions fit`} in one page`
    }`
  )
  const order = describeOrder(seen)
  yield* tell(`order        ${order}${order.startsWith("not to be seen") ? "" : ", when none is asked for"}`)
  const sorted = yield* tryTo({ pageSize: 100, sortBy: "started_at", sortOrder: "asc" })
  yield* tell(
    `sorting      ${
      sorted === undefined
        ? "sort_by=started_at is refused"
        : orderOf(starts(sorted)) === "ascending"
          ? "sort_by=started_at is understood"
          : orderOf(starts(sorted)) === "unknown"
            ? "not to be seen: too few sessions"
            : "sort_by=started_at changes nothing"
    }`
  )
  yield* tell(`time bounds  ${yield* bounds(first, seen, ask)}`)
  const undated = seen.sessions.filter((session) => Session.startInstant(session) === undefined).length
  yield* tell(
    `undated      ${
      undated === 0
        ? `none among ${Format.counted(seen.sessions.length, "session")} looked at`
        : `${Format.count(undated)} among ${Format.counted(seen.sessions.length, "session")} looked at: without a start, so in no range of --since and --until`
    }`
  )
  const middle = latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length / 2)] ?? 0
  yield* tell(
    `latency      ${Format.duration(middle)} from ${baseUrl}, the median of ${Format.counted(latencies.length, "request")}`
  )
})

/** A known session must come back for its own second, with nothing from outside it. `first` is the answer without bounds. */
const bounds = Effect.fnUntraced(function* <E>(first: Page, seen: Page, ask: (query: Query) => Effect.Effect<Page, E>) {
  const dated = seen.sessions.flatMap((session) => {
    const start = Session.startInstant(session)
    return start === undefined ? [] : [{ id: session.id, start }]
  })
  const known = dated[Math.floor(dated.length / 2)]
  if (known === undefined) return "not to be seen: there is no session with a start"
  const around = yield* ask({
    pageSize: 100,
    startedAfter: Instant.format((Math.floor(known.start / second) - 1) * second),
    startedBefore: Instant.format((Math.floor(known.start / second) + 2) * second)
  })
  const holds = (page: Page) => page.sessions.some((session: CallSession) => session.id === known.id)
  const isElsewhere = (start: number) => Math.abs(start - known.start) > 3 * second
  if (!starts(seen).some(isElsewhere)) return "not to be seen: there are no sessions from different times"
  const unbounded = new Set(first.sessions.map(({ id }) => id))
  const same = around.sessions.filter(({ id }) => unbounded.has(id)).length
  if (starts(around).some(isElsewhere) && (holds(around) || 2 * same > unbounded.size)) {
    return "IGNORED: sessions from other times came back; --since and --until are applied here, after reading everything"
  }
  if (!holds(around)) {
    return "NOT UNDERSTOOD: a session is not found at its own start, so --since and --until may lose sessions"
  }
  const exact = Instant.format(known.start)
  const after = yield* ask({ pageSize: 100, startedAfter: exact, startedBefore: Instant.format(known.start + second) })
  const before = yield* ask({ pageSize: 100, startedAfter: Instant.format(known.start - second), startedBefore: exact })
  const word = (included: boolean) => (included ? "included" : "not included")
  return `understood; the bound itself is ${word(holds(after))} in started_after and ${word(holds(before))} in started_before`
})

export const checkCommand = Command.make(
  "check",
  Source.connectionFlags,
  Effect.fnUntraced(function* (input) {
    const baseUrl = input.baseUrl._tag === "Some" ? input.baseUrl.value : "https://api.ravan.ai"
    yield* Effect.provide(examine(baseUrl), Layer.provide(Source.client(input, 1), AgniTransport.layer))
  })
).pipe(
  Command.withDescription(
    "Ask the endpoint a handful of questions: is the key good, how fast does it answer, which edition does it speak, how many sessions does a page hold, in which order, and what do the time bounds mean?"
  ),
  Command.withShortDescription("Is the key good, and what does the endpoint do?"),
  Command.withExamples([
    { command: "callstream check", description: "With the key in AGNI_API_KEY" },
    { command: "callstream check --api-key-file key.txt", description: "With the key in a file" }
  ])
)
