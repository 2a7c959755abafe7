/** A rotated output over an earlier one: of that nothing stays but what is somebody else's, whenever the run is killed. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import type { Options } from "@callstream/core/sink/NdjsonSink"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const { path } = NdjsonFiles
const manifestPath = "/d/calls.manifest.json"
const rowOf = (day: string): CallSession => ({ id: day, startedAt: `${day}T10:00:00Z` })
const july = ["2026-07-29", "2026-07-30", "2026-07-31"].map(rowOf)
const august = ["2026-07-31", "2026-08-01"].map(rowOf)

/** A run that begins afresh; windows are committed one by one. */
const run = (store: NdjsonFiles.Store, rows: ReadonlyArray<CallSession>, options: Partial<Options> = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const sink = NdjsonFiles.sinkOn(store.memory.layer, { path, rotate: "day", covers: () => ({}), ...options })
      const writer = yield* sink.open(SessionSink.opening())
      for (const row of rows) {
        const start = Date.parse(row.startedAt ?? "") * 1000
        yield* writer.write({
          items: [{ id: row.id, start: Instant.of(start), row }],
          columns: [],
          observedAt: Version.of(0)
        })
        yield* writer.flush(Position.of(start + 86_400_000_000))
      }
      yield* writer.flush("end")
      yield* writer.finish
    })
  )

const foreign = ["/d/calls-2026-07-28.ndjson", "/d/calls-notes.ndjson", "/d/other.ndjson"]

/** An output of three days, with files beside it that no manifest names. */
const earlier = Effect.gen(function* () {
  const store = NdjsonFiles.make({ rotate: "day" })
  for (const name of foreign) store.memory.add(name, "File", "mine")
  yield* run(store, july)
  return store
})

const manifestOf = (store: NdjsonFiles.Store): Record<string, unknown> =>
  JSON.parse(store.memory.text(manifestPath) ?? "")

const after = [...foreign, "/d/calls-2026-07-31.ndjson", "/d/calls-2026-08-01.ndjson", manifestPath].sort()

const assertReplaced = Effect.fnUntraced(function* (store: NdjsonFiles.Store, where = "") {
  assert.deepStrictEqual(store.memory.names(), after, where)
  for (const name of foreign) assert.strictEqual(store.memory.text(name), "mine", where)
  assert.deepStrictEqual(yield* store.read, august, where)
  assert.notProperty(manifestOf(store), "replaces", where)
})

describe("NdjsonSink.make with rotate and force, over an earlier output", () => {
  it.effect("files that only the earlier manifest named go with the end of the run, and not before", () =>
    Effect.gen(function* () {
      const store = yield* earlier
      const gone: Array<boolean> = []
      store.memory.intercept(({ method, path }) =>
        Effect.sync(() => {
          if (method === "remove" && path.endsWith("07-29.ndjson")) gone.push(manifestOf(store)["complete"] === true)
        })
      )
      yield* run(store, august, { force: true })
      assert.deepStrictEqual(gone, [true])
      yield* assertReplaced(store)
    })
  )

  it.effect("of another size, another compression, and one that holds nothing", () =>
    Effect.gen(function* () {
      const store = yield* earlier
      yield* run(store, july, { force: true, rotate: { bytes: 60 } })
      assert.deepStrictEqual(
        store.memory.names().filter((name) => !foreign.includes(name)),
        ["/d/calls-00001.ndjson", "/d/calls-00002.ndjson", "/d/calls-00003.ndjson", manifestPath]
      )
      yield* run(store, [], { force: true, path: `${path}.framed`, compression: NdjsonFiles.framed })
      assert.deepStrictEqual(
        store.memory.names().filter((name) => !foreign.includes(name)),
        [manifestPath]
      )
      yield* run(store, august, { force: true })
      yield* assertReplaced(store)
    })
  )

  it.effect("removes no file that was changed since, that is elsewhere, or that an unreadable manifest names", () =>
    Effect.gen(function* () {
      const store = yield* earlier
      const manifest = manifestOf(store)
      const alien = ["../secret", "/d/other.ndjson", "other.ndjson", "calls-2026-07-29.ndjson/../other.ndjson"].map(
        (name) => ({ name, rows: 1, bytes: 4, from: null, to: null })
      )
      store.memory.add("/secret", "File", "mine")
      const files = [...(Array.isArray(manifest["files"]) ? manifest["files"] : []), ...alien]
      store.memory.add(manifestPath, "File", JSON.stringify({ ...manifest, files }))
      store.memory.add("/d/calls-2026-07-30.ndjson", "File", "edited by hand")
      yield* run(store, august, { force: true })
      assert.strictEqual(store.memory.text("/d/calls-2026-07-30.ndjson"), "edited by hand")
      assert.strictEqual(store.memory.text("/secret"), "mine")
      store.memory.remove("/d/calls-2026-07-30.ndjson")
      store.memory.remove("/secret")
      yield* assertReplaced(store)

      store.memory.add(manifestPath, "File", "{ torn")
      yield* run(store, august.slice(1), { force: true })
      assert.deepStrictEqual(store.memory.names(), after)
    })
  )

  it.effect("killed at any call, or failing there, the next run with force leaves the same", () =>
    Effect.gen(function* () {
      const one = yield* earlier
      const before = one.memory.calls.length
      yield* run(one, august, { force: true })
      const calls = one.memory.calls.length - before
      assert.isAbove(calls, 30)
      let told = 0
      for (const happens of ["killed", "fails", "fails from then on"]) {
        for (let number = 1; number <= calls; number++) {
          const store = yield* earlier
          const at = before + number
          const dead = yield* Deferred.make<void>()
          const goesOn = happens === "fails from then on"
          store.memory.intercept((call) => {
            if (goesOn ? call.number < at : call.number !== at) return Effect.void
            return happens === "killed"
              ? Effect.andThen(Deferred.succeed(dead, undefined), Effect.never)
              : Effect.fail(MemoryFileSystem.failed(call.method, call.path, "EIO"))
          })
          const fiber = yield* Effect.forkDetach(Effect.result(run(store, august, { force: true })))
          yield* Effect.raceFirst(
            Deferred.await(dead),
            Effect.map(Fiber.join(fiber), (result) => {
              if (result._tag === "Failure") told++
            })
          )
          store.memory.intercept(() => Effect.void)
          const where = `${happens} at call ${number}`
          // What is there meanwhile is one or the other, or says that it is neither.
          const rows = yield* store.read
          if (rows !== undefined) assert.include([JSON.stringify(july), JSON.stringify(august)], JSON.stringify(rows))
          yield* run(store, august, { force: true })
          const left = store.memory.names().filter((name) => !name.includes(".partial"))
          assert.deepStrictEqual(left, after, where)
          assert.deepStrictEqual(yield* store.read, august, where)
          fiber.interruptUnsafe()
        }
      }
      assert.isAbove(told, calls)
    })
  )
})
