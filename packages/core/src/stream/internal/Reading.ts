/** A reading of a range: tasks side by side, what their answers showed as one value, and what was delivered. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Endpoint } from "../../coverage/CoverageSet.ts"
import type { EndpointLimits } from "../../coverage/EndpointLimits.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as CallRows from "../../model/Rows.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import { createdInstant as createdOf } from "../../model/internal/Packed.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as Bisect from "./Bisect.ts"
import * as Capacity from "./Capacity.ts"
import { type Evidence, fold, type Known } from "./Known.ts"
import * as Ledger from "./Ledger.ts"
import * as Micros from "./Micros.ts"
import * as Scheduler from "./Scheduler.ts"
import { horizonOf, type Settings } from "./Settings.ts"
import * as Sum from "./Sum.ts"

interface Reading {
  readonly known: () => Known
  readonly horizon: () => Micros.Micros
  readonly ledger: Ledger.Ledger
  /** The windows of the tasks: the first ones one after another, so that sessions come soon, then all others side by side. */
  readonly windows: (tasks: {
    readonly first: ReadonlyArray<Bisect.Task>
    readonly rest: ReadonlyArray<Bisect.Task>
  }) => Stream.Stream<Coverage.Window, AgniError>
  /**
   * What is to be said at the end: whether a range adds up, and what does not hold any more. It goes with the window of the
   * calls without a start, where there is one.
   */
  readonly closing: (
    withoutStart: Coverage.Window | undefined,
    whole: boolean
  ) => Effect.Effect<Coverage.Window | undefined, AgniError>
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

interface Options {
  readonly concurrency: number
  readonly keepGoing: boolean
  /** What a profile says of the endpoint. */
  readonly limits: EndpointLimits | undefined
  /** How far the server's clock is from this machine's, in µs, where that is to be reported. */
  readonly clocksApart: number | undefined
  readonly earliest: Micros.Micros
  readonly log: Ask.Log
}

/** What was seen of the endpoint that a person should know: how far a range may reach is measured where one was seen to be cut. */
const endpointOf = Effect.fnUntraced(function* (
  settings: Settings,
  { cut = false, deepest, span: known }: Known,
  ask: Ask.Ask,
  { clocksApart, limits }: Pick<Options, "clocksApart" | "limits">
): Effect.fn.Return<Endpoint | undefined, AgniError> {
  const { controls, size } = settings
  // What was measured is more exact than where a reading met it.
  const rows = limits?.rows ?? deepest
  const repeats = yield* settings.repeats
  const span =
    known === undefined && cut && deepest === Infinity ? yield* Capacity.span(ask, { size, repeats, controls }) : known
  const endpoint = {
    ...(span === undefined ? {} : { span }),
    ...(rows < Infinity ? { rows } : {}),
    ...(clocksApart === undefined ? {} : { clocksApart })
  }
  return Object.keys(endpoint).length === 0 ? undefined : endpoint
})

export const make = Effect.fnUntraced(function* (settings: Settings, range: Micros.Range, options: Options) {
  const ref = yield* Ref.make<Known>({
    order: "unknown",
    width: 0,
    differs: false,
    earliest: options.earliest,
    deepest: options.limits?.rows ?? Infinity,
    span: options.limits?.span
  })
  const known = () => Ref.getUnsafe(ref)
  const ledger = Ledger.make(settings, range, known)
  ledger.note({ repeats: true, log: options.log })
  const tell = (evidence: Evidence): void => {
    ref.ref.current = fold(ref.ref.current, evidence)
    ledger.note(evidence)
  }
  const run = (tasks: ReadonlyArray<Bisect.Task>, concurrency: number) =>
    Scheduler.run<Bisect.Task, Coverage.Window, AgniError>(tasks, {
      concurrency,
      work: (task, handOver) => Bisect.read(settings, known, task, { keepGoing: options.keepGoing, handOver, tell })
    })
  return {
    known,
    horizon: () => horizonOf(settings, known()),
    ledger,
    windows: ({ first, rest }) =>
      Stream.concat(
        run(first, 1),
        Stream.suspend(() => run(rest, options.concurrency))
      ).pipe(Stream.mapEffect((window) => ledger.deliver(window))),
    closing: (withoutStart, whole) =>
      Effect.gen(function* () {
        const ask = Ask.make(settings.list, settings.filters, settings)
        const provable = ledger.windows() > 1 && settings.doubt === undefined && ledger.proven()
        if (!whole && provable) {
          const difference = yield* Sum.check(settings, known(), ledger, range, ask)
          ledger.note({ repeats: yield* settings.repeats, log: ask.log })
          if (difference !== undefined) {
            const { counted, delivered } = difference
            ledger.revise(difference, {
              _tag: "Provisional",
              reason: { _tag: "CountDiffers", read: delivered, counted }
            })
          }
        }
        const before = withoutStart === undefined ? [] : CallRows.items(withoutStart.rows)
        for (const { id } of before) ledger.claim(id)
        const late = yield* ledger.late
        const revised = ledger.revised(known())
        const endpoint = yield* endpointOf(settings, known(), ask, options)
        const isNothing = withoutStart === undefined && late.length === 0 && revised.length === 0
        if (isNothing && endpoint === undefined) return undefined
        const items = late.flatMap(({ item }) => item ?? [])
        const rejected = late.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : []))
        const last = withoutStart ?? {
          from: range.to,
          to: range.to,
          rejected: [],
          coverage: revised[0]?.coverage ?? ({ _tag: "Proven" } as const),
          requests: ask.log.requests,
          observedAt: ask.log.observedAt ?? known().earliest
        }
        return Micros.window(inOrder([...items, ...before], range.to), {
          ...last,
          rejected: [...rejected, ...last.rejected],
          revised,
          endpoint
        })
      })
  } satisfies Reading
})
