/** Reads a range: tasks in parallel, the facts of their answers as one value, and the delivered calls. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { Endpoint } from "../../coverage/CoverageSet.ts"
import type { EndpointLimits } from "../../coverage/EndpointLimits.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as CallRows from "../../model/Rows.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import { createdInstant as createdOf } from "../../model/internal/Packed.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as AllCame from "./AllCame.ts"
import * as Bisect from "./Bisect.ts"
import * as Capacity from "../../endpoint/internal/Capacity.ts"
import { type Evidence, fold, type Known, make as makeKnown } from "./Known.ts"
import * as Deliveries from "./Deliveries.ts"
import * as EvidenceOf from "./PartEvidence.ts"
import * as Scheduler from "./Scheduler.ts"
import type * as Shown from "./Shown.ts"
import { ask as askOf, horizonOf, type Settings } from "./Settings.ts"
import * as Sum from "./Sum.ts"
import type * as UndatedFront from "./UndatedFront.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as WindowTelemetry from "./WindowTelemetry.ts"
import * as Windows from "./Windows.ts"

interface Reading {
  readonly known: () => Known
  readonly horizon: () => Micros.Micros
  readonly ledger: Deliveries.Deliveries
  /**
   * The windows of the tasks: the first ones one after another, so that calls come soon, then all others in parallel. An idle
   * reader steals work where that is allowed. `ended` is run when all were read, also where nobody has taken the last ones yet.
   */
  readonly windows: (
    tasks: {
      readonly first: ReadonlyArray<Bisect.Task>
      readonly rest: Effect.Effect<ReadonlyArray<Bisect.Task>, AgniError>
    },
    maySteal: () => boolean,
    ended?: Effect.Effect<void>
  ) => Stream.Stream<Coverage.Window, AgniError>
  /**
   * The verdict at the end: whether a range adds up, and which windows were contradicted. It goes with the window of the
   * calls without a start time, if there is one.
   */
  readonly closing: (withoutStart: Coverage.Window | undefined) => Effect.Effect<Coverage.Window | undefined, AgniError>
  /** Notes answers by which the range was cut: the width of bounds is trusted as far as they reach. */
  readonly noteCut: (log: Ask.Log, order: Known["order"]) => void
  /** The look that began when all rows had come, if none came since. */
  readonly early: Effect.Effect<UndatedFront.Early | undefined>
  /** What its answers showed, for the process that reads the ending, or what is not committed. */
  readonly evidence: (committed?: EvidenceOf.Committed) => EvidenceOf.Evidence
  /** Rows delivered. */
  readonly rows: () => number
  /** Notes answers that no window is of. */
  readonly noteRest: () => void
  /** The same, and what the probes saw since the reading began. */
  readonly noteAll: () => void
}

type Call = Item<CallSession>

const byStart = (left: Call, right: Call): number =>
  (left.start ?? -Infinity) - (right.start ?? -Infinity) || (createdOf(left) ?? 0) - (createdOf(right) ?? 0)

/** The calls of the last window, in order. A start beyond the end of the range is more than a day ahead, so it is none. */
const inOrder = (items: ReadonlyArray<Call>, end: Micros.Micros): ReadonlyArray<Call> =>
  items
    .map((item): Call => {
      const { id, json, row, start, version } = item
      return start === undefined || start < end
        ? item
        : { id, start: undefined, created: createdOf(item), version, row, json }
    })
    .sort(byStart)

export interface Options {
  readonly concurrency: number
  /** Readers that keep all requests busy. */
  readonly enough?: number | undefined
  readonly keepGoing: boolean
  /** What a profile says of the endpoint. */
  readonly limits: EndpointLimits | undefined
  /** The difference between the server's clock and this machine's, in µs, if it must be reported. */
  readonly clocksApart: number | undefined
  /** Where the whole range ends, of which this may be a part. */
  readonly end: Micros.Micros
  readonly ends: Shown.Ends
  readonly earliest: Micros.Micros
  /** Answers from before the reading began. */
  readonly logs: ReadonlyArray<Ask.Log>
  /** The look that begins when all rows have come, beside the last counts. @default none */
  readonly early?:
    | { readonly look: (rows: number) => Effect.Effect<UndatedFront.Early, AgniError>; readonly scope: Scope.Scope }
    | undefined
  /** What other processes read before it. @default nothing */
  readonly before?: ReadonlyArray<EvidenceOf.Before> | undefined
}

/** Observations of the endpoint that a person should know. A limit is measured if a range was cut. */
const endpointOf = Effect.fnUntraced(function* (
  settings: Settings,
  { cut = false, deepest, order, span: known }: Known,
  ask: Ask.Ask,
  { proven, rows: delivered }: Pick<Deliveries.Deliveries, "proven" | "rows">,
  { clocksApart, limits }: Pick<Options, "clocksApart" | "limits">
): Effect.fn.Return<Endpoint | undefined, AgniError> {
  const { controls, size } = settings
  // A measurement is more exact than the place where the run met the limit.
  const about = { size, repeats: yield* settings.repeats, controls, newestFirst: order !== "other" }
  const isMet = known === undefined && cut && deepest === Infinity && proven()
  const met = isMet ? yield* Capacity.limit(ask, about, delivered()) : {}
  const rows = limits?.rows ?? met.rows ?? deepest
  const span = known ?? met.span
  const endpoint = {
    ...(span === undefined ? {} : { span }),
    ...(rows < Infinity ? { rows } : {}),
    ...(clocksApart === undefined ? {} : { clocksApart })
  }
  return Object.keys(endpoint).length === 0 ? undefined : endpoint
})

/** What a task came to. */
const rowsOf = (work: Scheduler.Work<Bisect.Task, Coverage.Window, AgniError>) =>
  work._tag === "Split"
    ? { rows: 0, parts: work.parts.length }
    : { rows: work.outputs.reduce((sum, { rows }) => sum + CallRows.items(rows).length, 0), parts: 0 }

/** Asks when all rows have come. An answer is evidence, also where its question was too early. One that failed is asked again. */
const lookingEarly = ({ early: asked }: Options, ledger: Deliveries.Deliveries) => {
  const asking: { fiber?: Fiber.Fiber<UndatedFront.Early, AgniError> } = {}
  const came = AllCame.make((rows) =>
    // Where some are at the front, they are looked for before all calls are counted.
    asked === undefined || ledger.withoutStart.size > 0
      ? Effect.void
      : Effect.map(Effect.forkIn(asked.look(rows), asked.scope), (fiber) => {
          asking.fiber = fiber
        })
  )
  const early: Reading["early"] = Effect.suspend(() =>
    asking.fiber === undefined
      ? Effect.undefined
      : Effect.map(Fiber.await(asking.fiber), (exit) =>
          Exit.isSuccess(exit) && came.isStill() ? exit.value : undefined
        )
  )
  return { came, early }
}

/** @param parts What is read of the range, where an earlier run has read the rest. */
export const make = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  parts: ReadonlyArray<Micros.Range>,
  options: Options
) {
  const ref = yield* Ref.make(makeKnown(options.earliest, options.limits))
  const known = () => Ref.getUnsafe(ref)
  const ledger = Deliveries.make(settings, range, known, options.ends, parts)
  for (const { evidence } of options.before ?? [])
    if (evidence !== undefined) ref.ref.current = EvidenceOf.foldKnown(ref.ref.current, evidence.known)
  ledger.restore(options.before ?? [])
  ledger.begin(options.logs)
  const tell = (evidence: Evidence): void => {
    ref.ref.current = fold(ref.ref.current, evidence)
    ledger.note(evidence)
    settings.logs.delete(evidence.log)
  }
  const failures: Bisect.Failures = { vain: 0 }
  const parent = Option.getOrUndefined(yield* Effect.serviceOption(Tracer.ParentSpan))
  const { came, early } = lookingEarly(options, ledger)
  const run = (
    tasks: ReadonlyArray<Bisect.Task>,
    concurrency: number,
    maySteal: () => boolean,
    ended?: Effect.Effect<void>
  ) =>
    Scheduler.run<Bisect.Task, Coverage.Window, AgniError>(tasks, {
      concurrency,
      deliver: ledger.deliver,
      ended,
      enough: options.enough,
      newestFirst: options.ends.newestFirst,
      takesMemory: (window) => CallRows.items(window.rows).length > 0,
      work: (task, handOver) =>
        came.reading(
          (came) =>
            WindowTelemetry.ofTask(
              parent,
              task,
              Bisect.read(settings, known, task, {
                failures,
                keepGoing: options.keepGoing,
                came,
                handOver: (part) => (maySteal() ? handingOver(handOver(part)) : Effect.succeed(false)),
                tell
              })
            ),
          rowsOf
        )
    })
  const handingOver = (taken: Effect.Effect<boolean>) =>
    Effect.tap(taken, (taken) => Effect.sync(() => came.expect(taken ? 1 : 0)))
  return {
    known,
    horizon: () => horizonOf(settings, known()),
    ledger,
    windows: ({ first, rest }, maySteal, ended?: Effect.Effect<void>) =>
      Stream.concat(
        Stream.suspend(() => {
          // The rest is one, until it is known how many there are.
          came.expect(first.length + 1)
          return run(first, 1, maySteal)
        }),
        Stream.unwrap(
          Effect.map(rest, (tasks) => {
            came.expect(tasks.length - 1)
            return run(tasks, options.concurrency, maySteal, ended)
          })
        )
      ),
    closing: (withoutStart) => close(settings, options, ledger, known, withoutStart),
    early,
    noteCut: (log, order) => tell({ order, differs: false, deepest: Infinity, whole: 0, worth: 0, log }),
    evidence: (committed) => ledger.evidence(known(), committed),
    rows: ledger.rows,
    noteRest: () => noteRest(settings, ledger),
    noteAll: () => noteAll(settings, options, ledger)
  } satisfies Reading
})

const changed: Coverage.Coverage = { _tag: "Provisional", reason: { _tag: "WithoutStartMoved" } }

/** The calls without a start time, except those that came with one, and anything that contradicts their completeness. */
const checked = (ledger: Deliveries.Deliveries, window: Coverage.Window, whole: boolean): Coverage.Window => {
  const all = CallRows.items(window.rows)
  const items = all.filter(({ id }) => !ledger.has(id))
  for (const { id } of items) ledger.claim(id)
  const came = new Set(all.map(({ id }) => id))
  const others = [...ledger.withoutStart].filter((id) => !came.has(id) && !ledger.has(id) && !ledger.unplaced.has(id))
  const { created, unassigned } = window.outside ?? { created: Infinity, unassigned: 0 }
  return items.length === all.length && (whole || others.length <= created + unassigned)
    ? window
    : Windows.make(items, { ...window, coverage: window.coverage._tag === "Proven" ? changed : window.coverage })
}

/** Where windows are not proven, the last one does not say more than they do. */
const notCounted: Coverage.Coverage = { _tag: "Provisional", reason: { _tag: "NotCounted" } }

/** Rows that came late for their readers. */
const noteRest = ({ logs }: Settings, ledger: Deliveries.Deliveries): void => {
  for (const log of logs) if (log.failed || log.shown.size > 0) ledger.note({ log })
}

const noteAll = (settings: Settings, { logs }: Options, ledger: Deliveries.Deliveries): void => {
  noteRest(settings, ledger)
  for (const log of logs) ledger.note({ log })
}

/** What the windows of a range come to at the end, when all answers are known. */
const close = Effect.fnUntraced(function* (
  settings: Settings,
  options: Options,
  ledger: Deliveries.Deliveries,
  known: () => Known,
  withoutStart: Coverage.Window | undefined
): Effect.fn.Return<Coverage.Window | undefined, AgniError> {
  const {
    end,
    ends: { whole }
  } = options
  const ask = askOf(settings)
  const provable = ledger.windows() > 1 && settings.doubt === undefined && ledger.proven()
  // The window of the calls without a start time has the sum of a whole history.
  const isSummed = whole && withoutStart?.coverage._tag === "Proven"
  const difference = provable && !isSummed ? yield* Sum.checkAll(settings, known(), ledger, ask) : undefined
  if (difference !== undefined) {
    const { counted, delivered } = difference
    ledger.revise(difference, { _tag: "Provisional", reason: { _tag: "CountDiffers", read: delivered, counted } })
  }
  if (ledger.proven() && settings.doubt === undefined) {
    ledger.differ(yield* Sum.recount(settings, ledger, ask))
    // The counts above came to pages beyond the end, too.
    ledger.note({ log: ask.log })
    yield* Sum.recountPages(settings, ledger, ask)
  }
  const endpoint = yield* endpointOf(settings, known(), ask, ledger, options)
  // Rows that the probes saw late, those of a measurement, and what those saw that failed.
  noteAll(settings, options, ledger)
  const last = withoutStart === undefined ? undefined : checked(ledger, withoutStart, whole)
  const late = yield* ledger.late
  const revised = yield* ledger.revised(known())
  const isNothing = last === undefined && late.length === 0 && revised.length === 0
  if (isNothing && endpoint === undefined) return undefined
  const items = late.flatMap(({ item }) => item ?? [])
  const rejected = late.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : []))
  const before = last === undefined ? [] : CallRows.items(last.rows)
  const rest = last ?? {
    from: end,
    to: end,
    rejected: [],
    coverage:
      revised[0]?.coverage ??
      (late.length > 0 ? Deliveries.differ(late.length) : ledger.proven() ? ({ _tag: "Proven" } as const) : notCounted),
    requests: ask.log.requests,
    observedAt: ask.log.observedAt ?? known().earliest
  }
  return Windows.make(inOrder([...items, ...before], end), {
    ...rest,
    rejected: [...rejected, ...rest.rejected],
    revised,
    endpoint
  })
})
