/** What a bridge reads in a host, in the arrays in which it comes. */
import * as CallSessions from "@callstream/core/CallSessions"
import { AgniClient } from "@callstream/core/client/AgniClient"
import type * as CoreCoverage from "@callstream/core/history/Coverage"
import type { AgniError as CoreAgniError } from "@callstream/core/model/AgniError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as StoredLedger from "@callstream/core/sync/StoredLedger"
import type * as Sync from "@callstream/core/sync/Sync"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type {
  BeginRetry,
  Change,
  ChangesOptions,
  Coverage,
  Delivered,
  LedgersStore,
  Selection,
  Window
} from "../BridgeTypes.ts"
import { LedgerError } from "../ClientErrors.ts"
import * as GivenProfile from "./GivenProfile.ts"
import * as Loops from "./Loops.ts"
import * as PlainErrors from "./PlainErrors.ts"

type AgniContext = Context.Context<AgniClient>

const coverageOf = (coverage: CoreCoverage.Coverage): Coverage =>
  coverage._tag === "Gap" ? { ...coverage, error: PlainErrors.ofAgni(coverage.error) } : coverage

/** Nearly every window is what it was. */
const windowOf = ({ coverage, revised, ...window }: CoreCoverage.Window): Window => ({
  ...window,
  coverage: coverageOf(coverage),
  ...(revised === undefined
    ? {}
    : { revised: revised.map(({ coverage, ...range }) => ({ ...range, coverage: coverageOf(coverage) })) })
})

/** The host's schedule, which waits by itself. Of an error that does not pass it hears nothing. */
const scheduleOf = (begin: BeginRetry): Schedule.Schedule<void, CoreAgniError> =>
  Schedule.fromStep(
    Effect.sync(() => {
      const mayResume = begin()
      const step = (error: CoreAgniError) =>
        error.retryable
          ? Effect.promise((signal) => mayResume(PlainErrors.ofAgni(error), signal))
          : Effect.succeed(false)
      return (_now: number, error: CoreAgniError) =>
        Effect.flatMap(step(error), (isOn) =>
          isOn ? Effect.succeed<[void, Duration.Duration]>([undefined, Duration.zero]) : Cause.done()
        )
    })
  )

export const windows = (context: AgniContext, { horizon, keepGoing, order, profile, retry, ...selection }: Selection) =>
  Loops.arrays<Window>(context, {
    signal: undefined,
    begin: () => {
      const known = GivenProfile.read(profile)
      if (Result.isFailure(known)) return Stream.fail(known.failure)
      return CallSessions.windows(selection, {
        horizon,
        keepGoing,
        order,
        profile: known.success,
        retry: retry === undefined ? undefined : scheduleOf(retry),
        // Calls leave as objects: parsing them twice would cost more than keeping them.
        hold: "objects"
      }).pipe(
        Stream.chunks,
        Stream.map((chunk) => chunk.map(windowOf))
      )
    }
  })

export const pages = (
  context: AgniContext,
  query: Parameters<typeof CallSessions.pages>[0],
  options: CallSessions.ReadOptions
) => Loops.arrays(context, { signal: undefined, begin: () => Stream.chunks(CallSessions.pages(query, options)) })

/** With the call, which a copy would lose. */
const changeOf = (change: Sync.Change): Change => ({ ...change, session: change.session })

const messageOf = (error: unknown): { readonly message: string } =>
  error instanceof Error ? error : { message: String(error) }

/** The ledgers of a store, whichever stream reads them: so that no two write to one at once. */
const services = new WeakMap<LedgersStore, Ledger["Service"]>()

const serviceOf = (store: LedgersStore): Ledger["Service"] => {
  const known = services.get(store)
  if (known !== undefined) return known
  const service = StoredLedger.make({
    name: store.name,
    read: (ledger) => Effect.tryPromise({ try: () => store.read(ledger), catch: messageOf }),
    write: (ledger, changes) => Effect.tryPromise({ try: () => store.write(ledger, changes), catch: messageOf }),
    // Nobody asks.
    names: Effect.succeed([])
  })
  services.set(store, service)
  return service
}

export const changes = (context: AgniContext, store: LedgersStore, { onLook, ...options }: ChangesOptions) =>
  Loops.arrays<Delivered>(context, {
    signal: undefined,
    begin: () => {
      const loop = { isOver: false }
      const deliver = (change: Sync.Delivered): Delivered => ({
        ...changeOf(change),
        acknowledge: () =>
          loop.isOver
            ? Promise.reject(new LedgerError("LoopEnded", "The stream has ended. Acknowledge a change before."))
            : Loops.once(context, change.acknowledge, undefined)
      })
      return CallSessions.changes({
        ...options,
        ...(onLook === undefined
          ? {}
          : {
              onLook: (look: Sync.Look) =>
                Effect.promise((signal) => onLook({ ...look, changes: look.changes.map(changeOf) }, signal))
            })
      }).pipe(
        Stream.chunks,
        Stream.map((changes) => changes.map(deliver)),
        Stream.ensuring(Effect.sync(() => void (loop.isOver = true))),
        Stream.provideService(Ledger, serviceOf(store))
      )
    }
  })
