/**
 * What every sink must do, as cases that any test runner can run.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CallSession } from "../model/CallSession.ts"
import type { Delivery, SessionSink } from "../sink/SessionSink.ts"
import * as Failing from "./internal/sink/Failing.ts"
import * as Harness from "./internal/sink/Harness.ts"
import * as Resuming from "./internal/sink/Resuming.ts"
import * as Syncing from "./internal/sink/Syncing.ts"
import * as Writing from "./internal/sink/Writing.ts"

/**
 * A place that nothing was written to yet, and the sink that writes there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store<R = never> {
  /** Opened several times, as by one process after another; a scope closed without `finish` is the end of a process. */
  readonly sink: SessionSink<CallSession, R>
  /** The rows that a reader finds, in any order; `undefined` while there is nothing to read. */
  readonly read: Effect.Effect<ReadonlyArray<unknown> | undefined, unknown, R>
}

/**
 * The tested sink, and its abilities. Without an ability, its cases do not apply.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<S extends Store<R>, R = never> {
  /** Made for each case, in its own scope. */
  readonly store: Effect.Effect<S, unknown, R | Scope.Scope>
  /** What the sink says of itself. */
  readonly delivery: Delivery
  /** What `read` gives for a session. @default the session */
  readonly holds?: ((session: CallSession) => unknown) | undefined
  /** Whether it keeps one row for an id, the one that was observed last. @default false */
  readonly upserts?: boolean | undefined
  /** Rows in the case of the large batch. @default 5000 */
  readonly large?: number | undefined
  /** A row that the sink rejects. */
  readonly refused?: CallSession | undefined
  /** Adds what a process that is killed, or a power failure, may leave behind what was committed. */
  readonly tear?: ((store: S) => Effect.Effect<void, unknown, R>) | undefined
  /** Makes the store fail the next `times` times, in a way that passes. */
  readonly fail?: ((store: S, times: number) => Effect.Effect<void, unknown, R>) | undefined
  /** Of a sink with `keeps`: the ids of calls that a reader finds; of a log, when its changes are applied in their order. */
  readonly shown?: ((store: S) => Effect.Effect<ReadonlyArray<string>, unknown, R>) | undefined
  /** Makes the store take its time from now on. */
  readonly slow?: ((store: S) => Effect.Effect<void, unknown, R>) | undefined
}

/**
 * A case of the suite. One that does not apply fails when it is run, so that it does not pass for nothing: skip it, with
 * its reason.
 *
 * @since 0.1.0
 * @category models
 */
export interface Case<R = never> {
  readonly name: string
  /** Why it cannot be asked of this sink. */
  readonly notApplicable: string | undefined
  readonly test: Effect.Effect<void, Harness.Nonconformity, R>
}

export { Nonconformity } from "./internal/sink/Harness.ts"

/**
 * The suite for a sink. With vitest: `for (const { name, notApplicable, test } of cases(options))
 * it.effect.skipIf(notApplicable !== undefined)(name, () => test)`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const cases = <S extends Store<R>, R = never>(options: Options<S, R>): ReadonlyArray<Case<R>> => {
  const { delivery, fail, refused, shown, slow, tear } = options
  const remembering: ReadonlyArray<Delivery> = ["transactional", "idempotent", "resumable"]
  const only = (...those: ReadonlyArray<Delivery>) =>
    those.includes(delivery) ? undefined : `it is ${delivery}, not ${those.join(" or ")}`
  const without = (ability: keyof Options<S, R>) => `nothing was given for ${ability}`

  const make = (
    name: string,
    test: (kit: Harness.Harness<S, R>) => Harness.Test<R>,
    notApplicable?: string
  ): Case<R> => ({
    name,
    notApplicable,
    test:
      notApplicable === undefined
        ? Effect.flatMap(options.store, (store) => test(Harness.make(store, options))).pipe(
            Effect.scoped,
            Effect.catchDefect((defect) => Effect.fail(defect)),
            Effect.mapError((error) =>
              error instanceof Harness.Nonconformity
                ? error
                : new Harness.Nonconformity({ description: `an unexpected failure: ${String(error)}`, cause: error })
            )
          )
        : Effect.fail(new Harness.Nonconformity({ description: `the case does not apply: ${notApplicable}` }))
  })

  return [
    make("says what delivery it gives", Writing.claim),
    make("write: all rows of all batches", Writing.all),
    make("write: a batch without rows", Writing.none),
    make("write: text of every kind", Writing.odd),
    make("write: a large batch", Writing.large),
    refused === undefined
      ? make("write: a refused row comes back, and the others are taken", Writing.all, without("refused"))
      : make("write: a refused row comes back, and the others are taken", Writing.refuses(refused)),
    make("write: a row that is given again changes nothing", Writing.again, only("transactional", "idempotent")),
    make(
      "write: an earlier version does not replace a later one",
      Writing.versions,
      options.upserts === true ? undefined : without("upserts")
    ),
    make("flush: a note that a checkpoint can keep, and the cursor that was given", Writing.flushes),
    make("flush: again, with nothing new", Writing.flushesAgain),
    make("finish: of a run without rows", Writing.empty),
    make("finish: not without being asked", Writing.unfinished, only("resumable")),
    make("resume: what came after the commit is given again, and is there once", Resuming.once, only(...remembering)),
    make("resume: what came after the commit is given again, and is not lost", Resuming.atLeastOnce, only("append")),
    make("resume: with other widths, again and again", Resuming.widths, only(...remembering)),
    make("resume: before anything was written", Resuming.atBegin, only(...remembering)),
    make("resume: with all written and not finished", Resuming.atEnd, only(...remembering)),
    make("resume: after a finish that the checkpoint did not hear of", Resuming.finished, only(...remembering)),
    tear === undefined
      ? make("resume: with a torn tail", Resuming.once, only("resumable") ?? without("tear"))
      : make("resume: with a torn tail", Resuming.torn(tear), only("resumable")),
    make("sync: remove is there where it says what it keeps", Syncing.claim),
    ...(shown === undefined
      ? [make("sync: calls that are gone", Writing.all, without("shown"))]
      : [
          make("sync: calls that are gone are not shown, and given again they are not either", Syncing.again(shown)),
          make(
            "sync: an earlier version does not bring a call back",
            Syncing.late(shown),
            options.upserts === true ? undefined : without("upserts")
          )
        ]),
    slow === undefined
      ? make("slow: a slow store gets all of it", Writing.all, without("slow"))
      : make("slow: a slow store gets all of it", Failing.slow(slow)),
    make("interrupt: at any point there is no finished file", Failing.interrupted, only("resumable")),
    make("interrupt: at any point, and the next run brings the rest", Failing.resumed, only(...remembering)),
    ...[1, 2, 3].map((times) => {
      const name = `failing: ${times === 1 ? "once" : `${times} times`}, and retried`
      return fail === undefined ? make(name, Writing.all, without("fail")) : make(name, Failing.retried(fail, times))
    })
  ]
}
