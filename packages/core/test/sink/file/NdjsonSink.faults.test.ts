/** Whatever fails in a run, the next run resumes from the last commit and completes the file, or reports why it cannot. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import type { Writer } from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as CsvFiles from "./CsvFiles.ts"
import * as GroupFiles from "./GroupFiles.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const columns = Column.ofSession

const starts = ["T10:00:00Z", "T11:30:00Z", "T23:59:59Z"]
const sessions: ReadonlyArray<CallSession> = ["2026-07-30", "2026-07-31", "2026-08-01"]
  .flatMap((day) =>
    starts.map((time) => ({ id: `${day}${time}`, summary: "é".repeat(40), startedAt: `${day}${time}` }))
  )
  .slice(0, 7)
/** Not a day's rows at a time. */
const width = 2
const micros = (session: CallSession) => Date.parse(session.startedAt ?? "") * 1000
const cursorAt = (place: number) => {
  const next = sessions[place]
  return next === undefined ? "end" : Position.of(micros(next))
}

/** Tries again what may be tried again, as often as a pipeline would. */
const patiently = <A>(operation: Effect.Effect<A, SinkError>, tries = 2): Effect.Effect<A, SinkError> =>
  Effect.catchTag(operation, "SinkError", (error) =>
    error.retryable && tries > 0 ? patiently(operation, tries - 1) : Effect.fail(error)
  )

/** What a checkpoint holds, kept beside the file system. */
interface Checkpoint {
  committed: Committed | undefined
}

const run = (store: NdjsonFiles.Store, checkpoint: Checkpoint): Effect.Effect<void, SinkError> =>
  Effect.gen(function* () {
    const writer: Writer<CallSession> = yield* store.sink.open(
      SessionSink.opening(Option.fromUndefinedOr(checkpoint.committed))
    )
    const done = checkpoint.committed === undefined ? -Infinity : Number(checkpoint.committed.at)
    for (let place = 0; place < sessions.length; place += width) {
      const items = sessions
        .slice(place, place + width)
        .map((row) => ({ id: row.id, start: Instant.of(micros(row)), row }))
        .filter(({ start }) => start >= done)
      if (items.length === 0) continue
      const refused = yield* patiently(writer.write({ items, columns, observedAt: Version.of(0) }))
      assert.isEmpty(refused)
      if (place % (2 * width) !== 0) checkpoint.committed = yield* patiently(writer.flush(cursorAt(place + width)))
    }
    checkpoint.committed = yield* patiently(writer.flush(cursorAt(sessions.length)))
    yield* patiently(writer.finish)
  }).pipe(Effect.scoped)

const outcome = (effect: Effect.Effect<void, SinkError>) =>
  Effect.match(effect, { onSuccess: () => undefined, onFailure: (error) => error })

const assertTold = (error: SinkError, where: string) => {
  assert.instanceOf(error, SinkError, where)
  assert.match(error.sink, /^\/d\/calls\.(?:ndjson|csv|toy)$/, where)
  assert.match(error.description, /^[a-z/]/, where)
  assert.notInclude(error.message, "2026-07-30T10", where)
}

const rowsOf = (rows: ReadonlyArray<unknown> | undefined) => rows?.map((row) => JSON.stringify(row)).sort()
const whole = rowsOf(sessions)

const assertWholeOrNothing = (store: NdjsonFiles.Store, where: string) =>
  Effect.map(store.read, (rows) => {
    if (rows !== undefined) assert.deepStrictEqual(rowsOf(rows), whole, where)
  })

/** The next run, which nothing disturbs. */
const assertRecovers = Effect.fnUntraced(function* (store: NdjsonFiles.Store, checkpoint: Checkpoint, where: string) {
  store.memory.intercept(() => Effect.void)
  yield* assertWholeOrNothing(store, where)
  const error = yield* outcome(run(store, checkpoint))
  assert.isUndefined(error, `${where}: ${String(error)}`)
  assert.deepStrictEqual(rowsOf(yield* store.read), whole, where)
})

/** A call, without what differs from one file of a run to the next. */
const kindOf = ({ method, path }: MemoryFileSystem.Call) => `${method} ${path.replace(/[\da-f]+(-[\da-f]+)*/g, "N")}`

/** The numbers of the calls to disturb: all, or of a long run the first two and the last two of each kind. */
const placesOf = Effect.fnUntraced(function* (...form: Parameters<typeof NdjsonFiles.make>) {
  const store = NdjsonFiles.make(...form)
  yield* run(store, { committed: undefined })
  assert.deepStrictEqual(rowsOf(yield* store.read), whole)
  const { calls } = store.memory
  assert.isAtLeast(calls.length, 18)
  if (calls.length <= 100) return calls.map(({ number }) => number)
  const kinds = Map.groupBy(calls, kindOf)
  return [...kinds.values()]
    .flatMap((same) => [...new Set([...same.slice(0, 2), ...same.slice(-2)])])
    .map(({ number }) => number)
})

// By day and compressed is two of the others at once, and takes as long as all of them.
const forms = Object.entries(NdjsonFiles.forms).filter(([name]) => name !== "by day, compressed")
const { "by day": byDay, "by size, compressed": bySize, plain } = NdjsonFiles.forms
const csvForms = Object.entries({ "csv, plain": plain, "csv, by size, compressed": bySize, "csv, by day": byDay })

describe.each([
  ...forms.map(([name, options]) => [name, options, NdjsonFiles.ndjson] as const),
  ...csvForms.map(([name, options]) => [name, options ?? {}, CsvFiles.csv] as const),
  ["groups, one file", {}, GroupFiles.kind(3)] as const,
  ["groups, by size", { rotate: { bytes: 2400 } }, GroupFiles.kind(2)] as const,
  ["groups, by day", { rotate: "day" }, GroupFiles.kind(2)] as const
])("a file when something goes wrong: %s", (_, options, kind) => {
  it.effect("a failing call, once or permanently, is reported or survived, and the next run completes the file", () =>
    Effect.gen(function* () {
      const places = yield* placesOf(options, kind)
      let told = 0
      for (const [code, lasting] of [
        ["ENOSPC", false],
        ["EIO", true]
      ] as const) {
        for (const number of places) {
          const store = NdjsonFiles.make(options, kind)
          const checkpoint: Checkpoint = { committed: undefined }
          let where = ""
          store.memory.intercept((call) => {
            if (lasting ? call.number < number : call.number !== number) return Effect.void
            if (where === "") where = `${code}${lasting ? " from" : " at"} call ${number}, ${call.method} ${call.path}`
            return Effect.fail(MemoryFileSystem.failed(call.method, call.path, code))
          })
          const error = yield* outcome(run(store, checkpoint))
          assert.notStrictEqual(where, "")
          if (error === undefined) assert.deepStrictEqual(rowsOf(yield* store.read), whole, where)
          else {
            told++
            assertTold(error, where)
          }
          yield* assertRecovers(store, checkpoint, where)
        }
      }
      assert.isAbove(told, places.length)
    })
  )

  it.effect("at any call the process is killed, or the power fails, and the next run completes the file", () =>
    Effect.gen(function* () {
      for (const number of yield* placesOf(options, kind)) {
        const store = NdjsonFiles.make(options, kind)
        const checkpoint: Checkpoint = { committed: undefined }
        const dead = yield* Deferred.make<string>()
        store.memory.intercept((call) =>
          call.number >= number
            ? Effect.andThen(Deferred.succeed(dead, `call ${number}, ${call.method} ${call.path}`), Effect.never)
            : Effect.void
        )
        const fiber = yield* Effect.forkDetach(run(store, checkpoint))
        const where = yield* Deferred.await(dead)
        const committed = checkpoint.committed
        const again = store.memory.keep()
        yield* assertRecovers(store, { committed }, `killed at ${where}`)
        again()
        // Of what was not synced the file system has the length, and half of the content.
        store.memory.lose((unsynced) => unsynced.map((byte, at) => (at < unsynced.length >> 1 ? byte : 0)))
        yield* assertRecovers(store, { committed }, `no power at ${where}`)
        fiber.interruptUnsafe()
      }
    })
  )

  it.effect("killed repeatedly, at calls chosen by a seed, it finishes", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 12; seed++) {
        const random = yield* Random.withSeed(Random.Random, seed)
        const store = NdjsonFiles.make(options, kind)
        const checkpoint: Checkpoint = { committed: undefined }
        for (let times = 0; times < 6; times++) {
          const last = store.memory.calls.length + 1 + Math.floor(random.nextDoubleUnsafe() * 40)
          const dead = yield* Deferred.make<void>()
          store.memory.intercept((call) =>
            call.number >= last ? Effect.andThen(Deferred.succeed(dead, undefined), Effect.never) : Effect.void
          )
          const fiber = yield* Effect.forkDetach(run(store, checkpoint))
          yield* Effect.raceFirst(Deferred.await(dead), Effect.ignore(Fiber.join(fiber)))
          fiber.interruptUnsafe()
          yield* assertWholeOrNothing(store, `seed ${seed}`)
        }
        yield* assertRecovers(store, checkpoint, `seed ${seed}`)
      }
    })
  )
})
