/** What an earlier run left, cut and spoilt at every place: gone on with exactly, or refused with a reason. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import type { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as CsvFiles from "./CsvFiles.ts"
import * as GroupFiles from "./GroupFiles.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const columns = Column.ofSession

const session = (place: number): CallSession => ({ id: `é${place}`, startedAt: `2026-07-3${place >> 1}T10:00:00Z` })
const item = (place: number) => ({
  id: `é${place}`,
  start: Instant.of(Date.parse(`2026-07-3${place >> 1}T10:00:00Z`) * 1000),
  row: session(place)
})
const places = [0, 1, 2, 3]
const whole = places.map(session)

/** Two rows committed, a third one written, and the end of the process. */
const begin = (store: NdjsonFiles.Store): Effect.Effect<Committed, SinkError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* store.sink.open(SessionSink.opening())
      for (const place of [0, 1]) yield* writer.write({ items: [item(place)], columns, observedAt: Version.of(0) })
      yield* writer.flush(Position.of(item(2).start))
      // By day, the first file may have its name from here on.
      const committed = yield* writer.flush(Position.of(item(2).start))
      yield* writer.write({ items: [item(2)], columns, observedAt: Version.of(0) })
      return committed
    })
  )

const goOn = (store: NdjsonFiles.Store, committed: Committed) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* store.sink.open(SessionSink.opening(Option.some(committed)))
      yield* writer.write({ items: [item(2), item(3)], columns, observedAt: Version.of(0) })
      yield* writer.flush("end")
      yield* writer.finish
    })
  ).pipe(Effect.match({ onSuccess: () => undefined, onFailure: (error) => error }))

const assertRefused = (error: SinkError | undefined, expected: string, where: string) => {
  assert.isDefined(error, where)
  assert.deepInclude(error, { _tag: "SinkError", operation: "open", retryable: false }, where)
  assert.include(error.description, expected, where)
}

const encoder = new TextEncoder()

describe.each<[string, Parameters<typeof NdjsonFiles.make>[0], NdjsonFiles.Kind]>([
  ["plain", {}, NdjsonFiles.ndjson],
  ["compressed", { compression: NdjsonFiles.framed }, NdjsonFiles.ndjson],
  ["csv", {}, CsvFiles.csv],
  ["csv, compressed", { compression: NdjsonFiles.framed }, CsvFiles.csv],
  ["groups", {}, GroupFiles.kind(2)]
])("a partial file that is torn: %s", (_, options, kind) => {
  const partial = `${kind.path}.partial`
  /** What `begin` leaves, as often as it is asked for. */
  const torn = Effect.gen(function* () {
    const store = NdjsonFiles.make(options, kind)
    const committed = yield* begin(store)
    const { bytes: length } = (committed.note as { at: { bytes: number } }).at
    return { store, committed, length, again: store.memory.keep() }
  })

  it.effect.each<[string, number]>([
    ["cut", 0],
    ["cut, with garbage behind", 300]
  ])("%s at every place", ([, garbage]) =>
    Effect.gen(function* () {
      const { again, committed, length, store } = yield* torn
      for (let place = 0; place <= length + 20; place++) {
        again()
        const node = store.memory.node(partial)
        assert.isDefined(node)
        node.data = node.data.slice(0, place)
        node.write(encoder.encode("?\u0007".repeat(garbage)), node.data.length)
        const error = yield* goOn(store, committed)
        const where = `cut at ${place} of ${length}`
        if (place < length) {
          assertRefused(error, garbage === 0 ? "shorter than" : "not as the earlier run left it", where)
          assert.deepStrictEqual(store.memory.names(), [partial], where)
        } else {
          assert.isUndefined(error, where)
          assert.deepStrictEqual(yield* store.read, whole, where)
        }
      }
    })
  )

  it.effect("changed at every place", () =>
    Effect.gen(function* () {
      const { again, committed, length, store } = yield* torn
      for (let place = 0; place < length; place++) {
        again()
        const node = store.memory.node(partial)
        node?.write(new Uint8Array([7]), place)
        assertRefused(yield* goOn(store, committed), "not as the earlier run left it", `changed at ${place}`)
      }
    })
  )
})

describe("a manifest that is torn", () => {
  const manifest = "/d/calls.manifest.json"
  it.effect.each<[string, string]>([
    ["cut", ""],
    ["cut, with garbage behind", "}\n".repeat(300)]
  ])("%s at every place", ([, garbage]) =>
    Effect.gen(function* () {
      const options = { rotate: "day" } as const
      const store = NdjsonFiles.make(options)
      const committed = yield* begin(store)
      const again = store.memory.keep()
      const node = store.memory.node(manifest)
      assert.isDefined(node)
      const { text } = node
      assert.include(text, "calls-2026-07-30.ndjson")
      const { length } = text
      for (let place = 0; place <= length; place++) {
        again()
        node.text = text.slice(0, place) + garbage
        const error = yield* goOn(store, committed)
        // Without the newline at its end it says the same.
        if (place >= length - 1 && garbage === "") {
          assert.isUndefined(error)
          assert.deepStrictEqual(yield* store.read, whole)
        } else assertRefused(error, `${manifest}: the file is not what was written there`, `cut at ${place}`)
      }
    })
  )

  it.effect("that is gone, or another one's, is refused", () =>
    Effect.gen(function* () {
      const options = { rotate: "day" } as const
      const gone = NdjsonFiles.make(options)
      const committed = yield* begin(gone)
      gone.memory.remove(manifest)
      assertRefused(yield* goOn(gone, committed), "is not there", "gone")
      const other = NdjsonFiles.make(options)
      yield* begin(other)
      const node = other.memory.node(manifest)
      assert.isDefined(node)
      node.text = node.text.replace('"rows": 2', '"rows": 3')
      assertRefused(yield* goOn(other, committed), "not as the earlier run left it", "other")
    })
  )
})
