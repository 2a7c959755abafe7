/** A history in stretches, drawn from a seed, in runs that are killed, interrupted and fail; and what one reading of it says. */
import { Checkpoint, State } from "@callstream/core/checkpoint/Checkpoint"
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Rows from "@callstream/core/model/Rows"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import type { Delivery, SessionSink, Shares } from "@callstream/core/sink/SessionSink"
import * as Source from "@callstream/core/source/Source"
import * as Transform from "@callstream/core/transform/Transform"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Outside from "./Outside.ts"
import * as Store from "./Store.ts"

const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)
const length = 1000
const whole = { from: begin, to: Instant.of(begin + length) }
const decodeState = Schema.decodeUnknownSync(Schema.fromJsonString(State))

export interface Result {
  readonly wrong: ReadonlyArray<string>
  readonly processes: number
  readonly told: string
}

interface Record {
  readonly id: string
  readonly start: number | undefined
  /** Whether the transform throws on it. */
  readonly throws: boolean
}

/** A sink of a kind, with what it has of all stretches together. */
interface Kept {
  readonly name: string
  readonly delivery: Delivery
  readonly sink: (outside: Outside.Outside, trouble: Store.Trouble, chance: () => number) => SessionSink<CallSession>
  readonly held: () => ReadonlyArray<string>
  readonly abandon: (chance: () => number) => void
  readonly wrong: () => ReadonlyArray<string>
}

/** One that each stretch opens under a name of its own, or all together. */
const keep = (name: string, delivery: Delivery, shares: Shares): Kept => {
  const stores = new Map<string, Store.Store<CallSession>>()
  const storeOf = (pipeline: string) => {
    const key = shares === "each" ? pipeline : ""
    const known = stores.get(key) ?? Store.make<CallSession>({ name, delivery, refuses: () => false })
    stores.set(key, known)
    return known
  }
  return {
    name,
    delivery,
    sink: (outside, trouble, chance) => {
      const first = storeOf("").sink(outside, trouble, chance)
      return {
        ...first,
        shares,
        open: (opening) => storeOf(opening.pipeline).sink(outside, trouble, chance).open(opening)
      }
    },
    held: () => [...stores.values()].flatMap((store) => store.durable().map(({ id }) => id)),
    abandon: (chance) => {
      for (const store of stores.values()) store.abandon(chance)
    },
    wrong: () => [...stores.values()].flatMap(({ wrong }) => wrong)
  }
}

export const run = Effect.fnUntraced(function* (seed: number): Effect.fn.Return<Result> {
  const chance = Outside.chanceOf(seed)
  const below = (count: number) => Math.floor(chance() * count)
  const pick = <A>(...of: readonly [A, ...ReadonlyArray<A>]): A => of[below(of.length)] ?? of[0]
  const wrong: Array<string> = []
  const records = Array.from({ length: pick(0, 5, 30, 80) }, (_, at): Record => ({
    id: `record-${at}`,
    start: chance() < 0.1 ? undefined : begin + below(length),
    throws: chance() < 0.05
  })).sort((left, right) => (left.start ?? Infinity) - (right.start ?? Infinity))
  /** A part of the range is proven, provisional or unprovable, for each reader of it. */
  const weak = Array.from({ length: below(3) }, () => ({
    at: begin + below(length),
    verdict: pick<CoverageSet.Verdict>("provisional", "unprovable")
  }))
  const verdictOf = (from: number, to: number) =>
    weak
      .filter(({ at }) => at >= from && at < to)
      .reduce<CoverageSet.Verdict>((sum, { verdict }) => CoverageSet.weaker(sum, verdict), "proven")
  const edges = [...new Set([0, length, ...Array.from({ length: below(7) }, () => below(length))])].sort(
    (a, b) => a - b
  )
  const stretches = edges.slice(1).map((to, i) => ({
    from: Instant.of(begin + (edges[i] ?? 0)),
    to: Instant.of(begin + to)
  }))

  const kinds: ReadonlyArray<readonly [Delivery, Shares]> = [
    ["transactional", "each"],
    ["idempotent", "each"],
    ["resumable", "together"]
  ]
  const sinks = kinds
    .filter(() => chance() < 0.6)
    .concat([pick(...(kinds as readonly [(typeof kinds)[number], ...typeof kinds]))])
    .filter((one, at, all) => all.indexOf(one) === at)
    .map(([delivery, shares]) => keep(delivery, delivery, shares))
  const letters = Store.make<DeadLetter>({
    name: "letters",
    delivery: pick("append", "resumable"),
    refuses: () => false
  })

  const rowsOf = (of: ReadonlyArray<Record>) =>
    Rows.ofSessions(
      of.map(({ id, start }): CallSession => ({
        id,
        startedAt: start === undefined ? null : Instant.format(Instant.of(start))
      })),
      whole.to
    )
  const windows = (range: CoverageSet.Range, { cuts, from = Position.of(range.from) }: Source.Place) => {
    const units: Array<Source.Unit> = []
    if (from > range.to) wrong.push("asked for what comes after the end of a stretch")
    for (let at: number = Math.max(range.from, from); at < range.to;) {
      const to = Math.min(range.to, at + 1 + below(200), ...cuts.filter((cut) => cut > at))
      const of = records.filter(({ start }) => start !== undefined && start >= at && start < to)
      const verdict = verdictOf(at, to)
      units.push({
        _tag: "Window",
        rows: rowsOf(of),
        rejected: [],
        range: { from: Instant.of(at), to: Instant.of(to) },
        coverage: {
          range: { from: Instant.of(at), to: Instant.of(to) },
          verdict,
          ...(verdict === "proven" ? {} : { reason: { _tag: "TooRecent" } as const }),
          count: of.length,
          final: 0,
          requests: 1,
          asOf: whole.to
        },
        to: Position.of(to)
      })
      at = to
    }
    return units
  }
  const ending: Source.Unit = {
    _tag: "WithoutStart",
    rows: rowsOf(records.filter(({ start }) => start === undefined)),
    rejected: [],
    coverage: { verdict: "proven", count: 0, final: 0, requests: 1, asOf: whole.to }
  }

  let saved: string | undefined
  let processes = 0
  const one = Effect.fnUntraced(function* (faulty: boolean) {
    processes++
    const often = pick(0, 0.02, 0.1)
    const trouble: Store.Trouble = () =>
      !faulty || chance() >= often ? undefined : chance() < 0.8 ? "passing" : "lasting"
    const fate: Outside.Fate | undefined =
      !faulty || chance() < 0.2
        ? undefined
        : {
            how: chance() < 0.7 ? "killed" : "interrupted",
            after: chance() < 0.5,
            at: pick<Outside.Step | undefined>(undefined, "pull", "write", "flush", "save", "finish"),
            nth: 1 + below(20)
          }
    const outside = Outside.make(chance, fate)
    const pulled = (units: ReadonlyArray<Source.Unit>) =>
      Stream.mapEffect(Stream.fromIterable(units), (unit) => outside.step("pull", () => unit))
    const pipeline = Pipeline.make({
      name: "model",
      source: {
        ...Source.make({ fingerprint: {}, units: () => Stream.die("it is read in stretches") }),
        stretches: (_, readers, begun) =>
          Effect.sync(() => {
            if (readers < 2) wrong.push("not side by side")
            const again = begun?.map(({ range }) => `${range.from} ${range.to}`).join()
            if (again !== undefined && again !== stretches.map(({ from, to }) => `${from} ${to}`).join())
              wrong.push("the stretches of the first run are forgotten")
            return {
              stretches,
              units: (nth, at) => Stream.suspend(() => pulled(windows(stretches[nth] ?? whole, at))),
              closing: pulled([ending])
            }
          })
      },
      transform: Transform.make<CallSession, CallSession>({
        label: "throws",
        columns: (columns) => columns,
        apply: (session) => {
          if (records.find(({ id }) => id === session.id)?.throws === true) throw new RangeError("no")
          return session
        }
      }),
      sinks: mapFirst(sinks, (sink) => sink.sink(outside, trouble, chance)),
      deadLetters: letters.sink(outside, trouble, chance),
      commitEvery: pick<Duration.Input>(0, "200 millis", "1 second"),
      stretches: 2 + below(3),
      maxDeadShare: 1
    })
    const checkpoint: Checkpoint["Service"] = {
      open: () =>
        Effect.succeed({
          epoch: 1,
          state: saved === undefined ? Option.none<State>() : Option.some(decodeState(saved)),
          commit: (state) =>
            trouble("checkpoint", "save") === "lasting"
              ? Effect.fail(full)
              : outside.step("save", () => {
                  wrong.push(...aheadIn(state))
                  saved = JSON.stringify(state)
                })
        })
    }
    const fiber = yield* outside.run(Effect.provideService(pipeline.run(), Checkpoint, checkpoint))
    const exit = yield* Fiber.await(fiber)
    for (const sink of sinks) sink.abandon(chance)
    letters.abandon(chance)
    return exit
  })

  const told = `seed ${seed}: ${records.length} records, ${stretches.length} stretches, ${sinks.map(({ name }) => name).join("+")}`
  const isFinished = () => saved !== undefined && decodeState(saved).finished
  for (let left = below(6); left > 0 && !isFinished() && wrong.length === 0; left--) yield* one(true)
  const last = yield* one(false)
  if (Exit.isFailure(last)) wrong.push(`a run without trouble failed: ${String(last.cause).slice(0, 600)}`)
  if (!isFinished()) wrong.push("not finished")
  const again = yield* one(false)
  if (!(Exit.isSuccess(again) && again.value.finishedBefore)) wrong.push("continues after the end")

  for (const { delivery, held, name, wrong: own } of sinks) {
    wrong.push(...own())
    const counts = new Map<string, number>()
    for (const id of held()) counts.set(id, (counts.get(id) ?? 0) + 1)
    for (const { id, throws } of records) {
      const count = counts.get(id) ?? 0
      const isRight = throws ? count === 0 : delivery === "idempotent" ? count > 0 : count === 1
      if (!isRight) wrong.push(`${name}: ${id} is there ${count} times`)
    }
    if (counts.size !== records.filter(({ throws }) => !throws).length) wrong.push(`${name} has others`)
  }
  const put = new Set(letters.durable().map(({ row }) => JSON.stringify(row.record)))
  if (put.size !== records.filter(({ throws }) => throws).length) wrong.push(`${put.size} dead letters`)
  if (saved !== undefined && wrong.length === 0) {
    const { coverage = CoverageSet.empty, stretches: left } = decodeState(saved)
    if (left !== undefined) wrong.push("what is known of stretches stays for ever")
    const known = coverage.entries.reduce<CoverageSet.Verdict>(
      (sum, { verdict }) => CoverageSet.weaker(sum, verdict),
      "proven"
    )
    if (known !== verdictOf(-Infinity, Infinity))
      wrong.push(`one reading is ${verdictOf(-Infinity, Infinity)}, and this ${known}`)
    const ends = [coverage.entries[0]?.range.from, coverage.entries.at(-1)?.range.to]
    if (ends[0] !== whole.from || ends[1] !== whole.to) wrong.push("the proofs do not reach from end to end")
    if (coverage.withoutStart === undefined) wrong.push("nothing is said of calls without a start")
    const count = coverage.entries.reduce((sum, { count = NaN }) => sum + count, coverage.divided?.count ?? 0)
    if (count !== records.filter(({ start }) => start !== undefined).length) wrong.push(`${count} calls are counted`)
  }
  return { wrong, processes, told }
})

const full = new CheckpointError({ reason: { _tag: "File", path: "state", action: "written", code: "ENOSPC" } })

const decodeNote = Schema.decodeUnknownOption(
  Schema.Struct({ stretches: Schema.Array(Schema.NullOr(Position.Cursor)) })
)

/** A file that stretches share is not cut back to one of them: the state must know of all that a stretch has in it. */
const aheadIn = ({ sinks, stretches = [] }: State): ReadonlyArray<string> =>
  Object.entries(sinks).flatMap(([name, { note }]) => {
    const { stretches: reached = [] } = Option.getOrUndefined(decodeNote(note)) ?? {}
    return reached.flatMap((at, nth) => {
      const own = stretches[nth]?.sinks[name]?.at
      return at !== null && Position.isBefore(own, at)
        ? [`${name} has stretch ${nth} to ${at}, the state to ${own}`]
        : []
    })
  })

const mapFirst = <A, B>(of: ReadonlyArray<A>, f: (one: A) => B): readonly [B, ...ReadonlyArray<B>] => {
  const [first, ...rest] = of.map(f)
  if (first === undefined) throw new Error("no sinks")
  return [first, ...rest]
}
