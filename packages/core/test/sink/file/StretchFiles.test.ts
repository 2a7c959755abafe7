import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import type { Cursor } from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import { Manifest } from "@callstream/core/sink/Manifest"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import type { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as MemoryObjectStore from "./MemoryObjectStore.ts"

const runs = ["3f9a1c2e-0000-4000-8000-000000000001", "77777777-0000-4000-8000-000000000002"] as const
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))
const instant = (text: string) => Instant.parse(text) ?? Instant.of(0)
const { layer } = MemoryFileSystem.make()

const itemsOf = (day: number, ...ids: ReadonlyArray<string>) =>
  ids.map((id) => ({ id, start: instant(`2026-07-0${day}T12:00:00Z`), row: { id } }))
type Items = ReturnType<typeof itemsOf>

const world = () => {
  const { objects, store } = MemoryObjectStore.make(100, () => {})
  const text = (key: string) => new TextDecoder().decode(objects.get(`out/${key}`)?.bytes)
  const sinkOf = (options: Partial<NdjsonSink.Options> = {}) =>
    NdjsonSink.make({ path: "s3://calls/out/calls.ndjson", rotate: "day", store, ...options })
  type Opening = Partial<SessionSink.Opening>
  const opened = (opening: Opening, options?: Partial<NdjsonSink.Options>) =>
    sinkOf(options).open({ ...SessionSink.opening(), epoch: 1, ...opening })
  /** Opens it, writes all, and finishes it, unless it is left `unfinished` after a commit there. */
  const wrote = (
    opening: Opening,
    items: Items,
    { unfinished, ...options }: Partial<NdjsonSink.Options> & { readonly unfinished?: Cursor } = {}
  ) =>
    Effect.gen(function* () {
      const writer = yield* opened(opening, options)
      yield* writer.write({ items, columns: Column.ofSession, observedAt: Version.of(0) })
      const committed = yield* writer.flush(unfinished ?? "end")
      if (unfinished === undefined) yield* writer.finish
      return { committed, replaced: writer.replaced?.() }
    }).pipe(Effect.scoped, Effect.provide(layer))
  const part = (run: string, nth: number): Opening => ({ part: { _tag: "Stretch", run, nth } })
  const ending = (run: string, ...left: ReadonlyArray<Committed>): Opening => ({ part: { _tag: "Ending", run, left } })
  return {
    keys: () => [...objects.keys()].filter((key) => !key.includes("manifest")).toSorted(),
    manifest: () => decode(text("calls.manifest.json")),
    gone: (key: string) => store.remove(`out/${key}`),
    ids: () =>
      [...objects.keys()]
        .filter((key) => key.endsWith(".ndjson"))
        .flatMap((key) => text(key.slice("out/".length)).match(/(?<="id":")[^"]+/g) ?? [])
        .toSorted(),
    check: (opening: Opening, options?: Partial<NdjsonSink.Options>) =>
      opened(opening, options).pipe(Effect.asVoid, Effect.scoped, Effect.provide(layer)),
    verify: (left: Committed, opening: Opening) =>
      (sinkOf().verify?.(left, { ...SessionSink.opening(Option.some(left)), ...opening }) ?? Effect.void).pipe(
        Effect.scoped,
        Effect.provide(layer)
      ),
    wrote,
    part,
    ending
  }
}

const reasonOf = ({ reason }: SinkError) =>
  reason._tag !== "Output"
    ? reason._tag
    : reason.reason._tag === "Uncovered"
      ? reason.reason.gap._tag
      : reason.reason._tag

describe("files of several processes", () => {
  it.effect("have the run, the stretch and the epoch in their names, and one manifest", () =>
    Effect.gen(function* () {
      const { ending, keys, manifest, part, wrote } = world()
      const first = yield* wrote(part(runs[0], 0), itemsOf(1, "a", "b"))
      const second = yield* wrote({ ...part(runs[0], 1), epoch: 36 }, [...itemsOf(1, "c"), ...itemsOf(2, "d")])
      assert.deepInclude(manifest(), { run: runs[0], complete: false, files: [] })
      const undated = itemsOf(1, "e").map(({ id, row }) => ({ id, start: undefined, row }))
      const writer = { ...ending(runs[0], first.committed, second.committed), epoch: 5 }
      yield* wrote(writer, undated as unknown as Items)
      const names = [
        "date=2026-07-01/calls-2026-07-01-3f9a1c2e-1-1.ndjson",
        "date=2026-07-01/calls-2026-07-01-3f9a1c2e-2-10.ndjson",
        "date=2026-07-02/calls-2026-07-02-3f9a1c2e-2-10.ndjson",
        "date=__HIVE_DEFAULT_PARTITION__/calls-without-start-3f9a1c2e-end-5.ndjson"
      ]
      assert.deepStrictEqual(
        keys(),
        names.map((name) => `out/${name}`)
      )
      assert.isTrue(manifest().complete)
      assert.deepStrictEqual(
        manifest().files.map(({ name, rows }) => [name, rows]),
        names.map((name, at) => [name, at === 0 ? 2 : 1])
      )
    })
  )

  it.effect("of an older epoch get their names at the first commit of the next one, which writes others", () =>
    Effect.gen(function* () {
      const { ids, keys, manifest, ending, part, wrote } = world()
      const unfinished = Position.of(instant("2026-07-01T13:00:00Z"))
      const first = yield* wrote(part(runs[0], 0), itemsOf(1, "a"), { unfinished })
      assert.deepStrictEqual(
        keys().filter((key) => key.endsWith(".ndjson")),
        []
      )
      const from = Option.some(first.committed)
      const second = yield* wrote({ ...part(runs[0], 0), epoch: 2, from }, itemsOf(1, "b"), { unfinished })
      assert.deepStrictEqual(ids(), ["a"])
      const third = yield* wrote({ ...part(runs[0], 0), epoch: 3, from: Option.some(second.committed) }, [])
      yield* wrote(ending(runs[0], third.committed), [])
      assert.deepStrictEqual(ids(), ["a", "b"])
      assert.deepStrictEqual(
        manifest().files.map(({ name }) => name),
        ["1", "2"].map((epoch) => `date=2026-07-01/calls-2026-07-01-3f9a1c2e-1-${epoch}.ndjson`)
      )
    })
  )

  it.effect("are not written beside those of another run, nor beside one that no manifest names", () =>
    Effect.gen(function* () {
      const one = world()
      yield* one.check(one.ending(runs[0]))
      const { committed } = yield* one.wrote(one.part(runs[0], 0), itemsOf(1, "a"))
      yield* one.check(one.ending(runs[0], committed))
      yield* one.check(one.part(runs[0], 1))
      assert.strictEqual(reasonOf(yield* Effect.flip(one.check(one.ending(runs[1])))), "Exists")
      assert.strictEqual(reasonOf(yield* Effect.flip(one.check(one.part(runs[1], 0)))), "Exists")
      // What a run left that was cancelled.
      yield* one.gone("calls.manifest.json")
      assert.strictEqual(reasonOf(yield* Effect.flip(one.check(one.ending(runs[1])))), "Unlisted")
      assert.strictEqual(reasonOf(yield* Effect.flip(one.check(one.ending(runs[1]), { force: true }))), "Unlisted")
      yield* one.check(one.ending(runs[0], committed))
    })
  )

  it.effect("with force they replace an older output when the run ends, and an older one replaces them", () =>
    Effect.gen(function* () {
      const { ending, ids, manifest, part, wrote } = world()
      yield* TestClock.setTime(Date.parse("2026-07-10T00:00:00Z"))
      const force = { force: true }
      const covers = { from: instant("2026-07-01T00:00:00Z"), to: instant("2026-07-02T00:00:00Z") }
      yield* wrote({}, [...itemsOf(1, "old"), ...itemsOf(2, "stays")])
      const { committed } = yield* wrote({ ...part(runs[0], 0), covers }, itemsOf(1, "new"), force)
      assert.deepStrictEqual(ids(), ["new", "old", "stays"])
      const { replaced } = yield* wrote({ ...ending(runs[0], committed), covers }, [], force)
      assert.deepStrictEqual(ids(), ["new", "stays"])
      assert.deepStrictEqual(replaced?.removed, ["s3://calls/out/date=2026-07-01/calls-2026-07-01.ndjson"])
      assert.deepInclude(manifest(), { run: runs[0], complete: true })
      assert.lengthOf(manifest().files, 2)
      yield* wrote({ covers: {} }, itemsOf(1, "again"), force)
      assert.deepStrictEqual(ids(), ["again"])
    })
  )

  it.effect("are looked for when a finished part is started again, and by the ending", () =>
    Effect.gen(function* () {
      const { ending, gone, keys, part, verify, wrote } = world()
      const { committed } = yield* wrote(part(runs[0], 0), itemsOf(1, "a"))
      const last = yield* wrote(ending(runs[0], committed), [])
      yield* verify(committed, part(runs[0], 0))
      yield* verify(last.committed, ending(runs[0], committed))
      yield* gone(keys()[0]?.slice("out/".length) ?? "")
      for (const opening of [part(runs[0], 0), ending(runs[0], committed)]) {
        const left = opening.part?._tag === "Stretch" ? committed : last.committed
        assert.strictEqual(reasonOf(yield* Effect.flip(verify(left, opening))), "Gone")
      }
      assert.strictEqual(reasonOf(yield* Effect.flip(wrote(ending(runs[0], committed), []))), "Gone")
      const other = yield* wrote(part(runs[0], 1), itemsOf(2, "b"), { unfinished: "end" })
      assert.strictEqual(reasonOf(yield* Effect.flip(wrote(ending(runs[0], other.committed), []))), "Gone")
    })
  )
})
