/**
 * A run into a bucket by processes that take over from each other, one of whose requests reaches the store late: when the next
 * ones are at any of theirs.
 */
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import type * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { ObjectStoreError } from "@callstream/core/sink/ObjectStore"
import type { RunPart } from "@callstream/core/sink/SessionSink"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as MemoryObjectStore from "./MemoryObjectStore.ts"
import type { Kind } from "./NdjsonFiles.ts"

/**
 * Which request is late.
 *
 * - `held`: the last one of a process that is dead then.
 * - `woken`: that of a process that was frozen, and resumes with it.
 * - `again`: one that was repeated: its first attempt comes through late.
 */
export type Late = "held" | "woken" | "again"

export interface Case {
  readonly kind: Kind
  readonly options: Partial<NdjsonSink.Options>
  /** One of the processes that share the output; otherwise the only one. */
  readonly part: RunPart | undefined
  readonly late: Late
  /** Which process it is a request of, counted from 0, and which of its requests. */
  readonly victim: number
  readonly request: number
  /** How many requests of the next processes come before it. */
  readonly after: number
}

export interface Result {
  readonly wrong: ReadonlyArray<string>
  /** Whether there are such requests; without `hasLater` it came after all others. */
  readonly happened: boolean
  readonly hasLater: boolean
}

const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)
const units = 4
const rowsPerUnit = 3
/** After which of its commits a process dies; the last one finishes. */
const commits = [2, 1, 1, Infinity]

const decodeRow = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String, summary: Schema.String }))

class Fenced extends Data.TaggedError("Fenced")<{}> {}

interface State {
  epoch: number
  committed: Committed | undefined
  reached: number
  isFinished: boolean
  /** Of each row that is committed, which process wrote it. */
  readonly letters: Map<string, string>
}

/** All processes write rows of the same lengths: only their letters differ. */
const rowsOf = (unit: number, letter: string) =>
  Array.from({ length: rowsPerUnit }, (_, nth) => {
    const id = `${unit}-${nth}`
    const start = Instant.of(begin + unit * 3_600_000_000 + nth)
    return { id, start, row: { id, startedAt: Instant.format(start), summary: letter.repeat(60 + 10 * nth) } }
  })

type Around = <A>(request: Effect.Effect<A, ObjectStoreError>) => Effect.Effect<A, ObjectStoreError>

const process = (
  { kind, options, part }: Case,
  bucket: MemoryObjectStore.Bucket,
  state: State,
  nth: number,
  around: Around
) =>
  Effect.gen(function* () {
    const epoch = ++state.epoch
    const first = state.reached
    const letter = String.fromCharCode(97 + nth)
    const commit = (change: () => void) => (state.epoch === epoch ? Effect.sync(change) : Effect.fail(new Fenced()))
    const store = MemoryObjectStore.seenBy(bucket.store, around)
    const sink = kind.file({ ...options, path: `s3://calls/out/${kind.path.slice("/d/".length)}`, store })
    const from = Option.fromUndefinedOr(state.committed)
    const opening = { pipeline: "run", fingerprint: {}, from, epoch }
    const writer = yield* sink.open(part === undefined ? opening : { ...opening, part })
    for (let unit = first; unit < first + (commits[nth] ?? 0); unit++) {
      if (unit === units) {
        yield* writer.finish
        return yield* commit(() => {
          state.isFinished = true
        })
      }
      const items = rowsOf(unit, letter)
      yield* writer.write({ items, columns: Column.ofSession, observedAt: Version.of(0) })
      const to = unit === units - 1 ? "end" : Position.of(Instant.of(begin + (unit + 1) * 3_600_000_000))
      const committed = yield* writer.flush(to)
      yield* commit(() => {
        state.committed = JSON.parse(JSON.stringify(committed)) as Committed
        state.reached = unit + 1
        for (const { id } of items) state.letters.set(id, letter)
      })
    }
  }).pipe(Effect.scoped)

/** The late request of a process that does nothing more before it, and what resumes with it. */
const holding = (request: number, late: Late) => {
  const gone = Deferred.makeUnsafe<void>()
  const thaw = Deferred.makeUnsafe<void>()
  const arrived = Deferred.makeUnsafe<void>()
  let count = 0
  const around: Around = (effect) =>
    Effect.gen(function* () {
      const nth = ++count
      if (nth < request) return yield* effect
      yield* Deferred.succeed(gone, undefined)
      if (nth > request && late === "held") return yield* Effect.never
      yield* Deferred.await(thaw)
      if (late === "woken") return yield* effect
      yield* Effect.exit(effect)
      yield* Deferred.succeed(arrived, undefined)
      return yield* Effect.never
    })
  return { around, gone, thaw, arrived }
}

export const play = Effect.fnUntraced(function* (one: Case): Effect.fn.Return<Result> {
  const { kind, late, victim } = one
  const { layer } = MemoryFileSystem.make()
  const bucket = MemoryObjectStore.make(150, () => {})
  const state: State = { epoch: 0, committed: undefined, reached: 0, isFinished: false, letters: new Map() }
  const wrong: Array<string> = []
  let arrive: Effect.Effect<void> | undefined
  let later = -1
  /** Requests of the processes that are not late. */
  const next: Around = (effect) =>
    Effect.suspend(() => (arrive !== undefined && ++later === one.after ? Effect.andThen(arrive, effect) : effect))
  let repeated = 0
  const repeating: Around = (effect) =>
    Effect.suspend(() => {
      if (++repeated !== one.request) return next(effect)
      arrive = Effect.asVoid(Effect.exit(effect))
      return effect
    })
  const run = (nth: number, around: Around) =>
    Effect.exit(Effect.provide(process(one, bucket, state, nth, around), layer))
  for (let nth = 0; nth < commits.length; nth++) {
    if (nth === victim && late !== "again") {
      const held = holding(one.request, late)
      const fiber = yield* Effect.forkDetach(run(nth, held.around))
      const ended = Effect.asVoid(Fiber.await(fiber))
      yield* Effect.raceFirst(Deferred.await(held.gone), ended)
      if (!(yield* Deferred.isDone(held.gone))) return { wrong, happened: false, hasLater: false }
      const done = late === "held" ? Deferred.await(held.arrived) : ended
      arrive = Effect.andThen(Deferred.succeed(held.thaw, undefined), done)
      continue
    }
    const exit = yield* run(nth, nth === victim ? repeating : next)
    if (Exit.isFailure(exit)) wrong.push(`process ${nth}: ${String(exit.cause)}`)
  }
  if (arrive === undefined) return { wrong, happened: false, hasLater: false }
  const hasLater = later >= one.after
  if (!hasLater) yield* arrive
  if (!state.isFinished) wrong.push("it is not finished")

  const found = [...bucket.objects].flatMap(([key, { bytes }]) =>
    key.includes("_partial/") || key.endsWith(".json")
      ? []
      : kind.parse(new TextDecoder().decode(bytes)).map((row) => decodeRow(row))
  )
  const as = (rows: Iterable<readonly [string, string]>) =>
    [...rows]
      .map(([id, letter]) => `${id}${letter}`)
      .toSorted()
      .join()
  const there = as(found.map(({ id, summary }) => [id, summary[0] ?? ""] as const))
  if (there !== as(state.letters)) wrong.push(`${there} are there, and not ${as(state.letters)}`)
  return { wrong, happened: true, hasLater }
})
