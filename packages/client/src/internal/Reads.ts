/** What a client reads, in arrays. */
import * as CallSessions from "@callstream/core/CallSessions"
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { Window as CoreWindow } from "@callstream/core/history/Coverage"
import * as Extremes from "@callstream/core/history/Extremes"
import * as Instant from "@callstream/core/model/Instant"
import type { Page as CorePage } from "@callstream/core/model/Page"
import * as RetryPolicy from "@callstream/core/client/RetryPolicy"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import type {
  Abortable,
  CallSession,
  CallSessionQuery,
  OnRejected,
  Page,
  Rejected,
  Selection,
  StreamOptions
} from "../CallTypes.ts"
import type { Change, ChangesOptions } from "../ChangeTypes.ts"
import type { ClientOptions } from "../ClientOptions.ts"
import type { Window } from "../CoverageTypes.ts"
import * as Changes from "./Changes.ts"
import * as Checked from "./Checked.ts"
import * as Connected from "./Connected.ts"
import * as GivenProfile from "./GivenProfile.ts"
import type { Read } from "./Loops.ts"
import * as ReadingProof from "./ReadingProof.ts"
import * as RefusedOptions from "./RefusedOptions.ts"

type PagesQuery = CallSessionQuery & Abortable & { readonly concurrency?: number | undefined }
type NewestOptions = Selection & OnRejected & { readonly limit: number }

const pageOf =
  <Metadata, Analysis>(check: Checked.Check<Metadata, Analysis>) =>
  (page: CorePage) =>
    Effect.map(check(page.rows.sessions(), page.rejected), ({ rejected, sessions }): Page<Metadata, Analysis> => ({
      page: page.page,
      sessions,
      rejected,
      observedAt: Instant.format(page.observedAt),
      total: page.total,
      age: page.age
    }))

const warn = (rejected: ReadonlyArray<Rejected>) =>
  Effect.logWarning(
    `${rejected.length} record(s) were left out: ${[...new Set(rejected.map(({ reason }) => reason))].slice(0, 3).join("; ")}`
  )

const report = (rejected: ReadonlyArray<Rejected>, onRejected: OnRejected["onRejected"]): Effect.Effect<void> =>
  rejected.length === 0
    ? Effect.void
    : onRejected === undefined
      ? warn(rejected)
      : Effect.promise(async () => onRejected(rejected))

/** Fails instead of reading where one of the times is a number. */
const ifTimes = <A, E, R>(times: Readonly<Record<string, unknown>>, stream: Stream.Stream<A, E, R>) => {
  const wrong = RefusedOptions.mistakeIn(times)
  return wrong === undefined ? stream : Stream.fail(wrong)
}

const windowsOf = ({
  horizon,
  keepGoing,
  order,
  profile: given,
  retry,
  signal: _,
  ...selection
}: Selection & StreamOptions) => {
  const read = GivenProfile.read(given)
  if (Result.isFailure(read)) return Stream.fail(read.failure)
  const profile = read.success
  const schedule = retry === undefined ? undefined : RetryPolicy.toErrorSchedule(RetryPolicy.make(retry))
  return ifTimes(
    { from: selection.from, to: selection.to },
    CallSessions.windows(selection, { horizon, keepGoing, order, profile, retry: schedule, hold: "objects" })
  )
}

const timesOf = ({ startedAfter, startedBefore }: CallSessionQuery) => ({ startedAfter, startedBefore })

/** The windows that hold the last calls. */
const lastWindows = ({ from, limit, onRejected: _, signal: __, to, ...options }: NewestOptions) =>
  Number.isSafeInteger(limit) && limit >= 1
    ? ifTimes({ from, to }, Extremes.lastWindows(limit, { from, to }, { ...options, hold: "objects" }))
    : Stream.fail(RefusedOptions.mistake("limit", "must be an integer of at least 1"))

/** Adds up what windows prove, and says so at their end. */
const proven = <A, E, R>(
  windows: Stream.Stream<CoreWindow, E, R>,
  read: (windows: Stream.Stream<CoreWindow, E, R>, proof: ReadingProof.ReadingProof) => Stream.Stream<A, E, R>,
  prove: Parameters<Read<A>["begin"]>[0]
): Stream.Stream<A, E, R> => {
  const proof = ReadingProof.make()
  const end = Effect.suspend(() => {
    const verdict = proof.verdict()
    prove(verdict)
    if (verdict.verdict !== "unprovable") return Effect.void
    const reasons = verdict.reasons.slice(0, 3).map(({ message }) => message)
    return Effect.logWarning(`not proven complete: ${reasons.join("; ")}`)
  })
  const noted = Stream.map(windows, (window) => {
    proof.add(window)
    return window
  })
  return Stream.onEnd(read(noted, proof), end)
}

export const make = <Metadata, Analysis>(options: ClientOptions<Metadata, Analysis>) => {
  const context = Connected.make(options)
  const check = Checked.make(options.schemas)
  const toPage = pageOf(check)
  /** The calls of batches, counted, without those that were rejected. */
  const sessionsOf = <B extends Pick<CorePage, "rows" | "rejected">, E, R>(
    batches: Stream.Stream<B, E, R>,
    proof: ReadingProof.ReadingProof,
    onRejected: OnRejected["onRejected"]
  ) =>
    batches.pipe(
      Stream.mapEffect(({ rejected, rows }) => check(rows.sessions(), rejected)),
      Stream.tap((checked) => {
        proof.count(checked)
        return report(checked.rejected, onRejected)
      }),
      Stream.map(({ sessions }) => sessions),
      Stream.filter((sessions) => sessions.length > 0)
    )
  const reads = {
    sessions: ({
      onRejected,
      ...selection
    }: Selection & StreamOptions & OnRejected): Read<CallSession<Metadata, Analysis>> => ({
      signal: selection.signal,
      begin: (prove) =>
        proven(
          windowsOf(selection),
          (windows, proof) => {
            const sessions = sessionsOf(windows, proof, onRejected)
            return selection.order === "newest" ? Stream.map(sessions, (some) => some.toReversed()) : sessions
          },
          prove
        )
    }),
    windows: (selection: Selection & StreamOptions): Read<Window<Metadata, Analysis>> => ({
      signal: selection.signal,
      begin: (prove) =>
        proven(
          windowsOf(selection),
          (windows, proof) =>
            Stream.mapEffect(windows, (window) =>
              Effect.map(check(window.rows.sessions(), window.rejected), (checked) => {
                proof.count(checked)
                return [ReadingProof.windowOf(window, checked)]
              })
            ),
          prove
        )
    }),
    newest: (options: NewestOptions): Read<CallSession<Metadata, Analysis>> => ({
      signal: options.signal,
      begin: (prove) =>
        proven(
          lastWindows(options),
          (windows, proof) => sessionsOf(Extremes.newest(options.limit)(windows), proof, options.onRejected),
          prove
        )
    }),
    pages: ({ concurrency, signal, ...query }: PagesQuery): Read<Page<Metadata, Analysis>> => ({
      signal,
      begin: () =>
        Stream.mapEffect(ifTimes(timesOf(query), CallSessions.pages(query, { concurrency })), (page) =>
          Effect.map(toPage(page), (page) => [page])
        )
    }),
    list: (query: CallSessionQuery & Abortable) => {
      const wrong = RefusedOptions.mistakeIn(timesOf(query))
      return wrong === undefined
        ? Effect.flatMap(
            AgniClient.use(({ list }) => list(Struct.omit(query, ["signal"]))),
            toPage
          )
        : Effect.fail(wrong)
    },
    changes: (options: ChangesOptions): Read<Change<Metadata, Analysis>> => Changes.read(context, check, options)
  }
  return { context, reads }
}
