import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { TextOutput } from "@callstream/core/sink/OutputFile"
import { fromCode } from "@callstream/core/sink/OutputError"
import type { Item } from "@callstream/core/sink/SessionSink"
import type { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const { path } = NdjsonFiles
const partial = `${path}.partial`

const item = (id: string, startedAt?: string) => ({
  id,
  start: startedAt === undefined ? undefined : Instant.of(Date.parse(startedAt) * 1000),
  row: { id, ...(startedAt === undefined ? {} : { startedAt }) }
})
type Items = ReadonlyArray<Item<CallSession>>
const batch = (items: Items) => ({ items, columns: [], observedAt: Version.of(0) })
const end: Position.Cursor = "end"

/** One process. */
const run = (
  store: NdjsonFiles.Store,
  from: Committed | undefined,
  batches: ReadonlyArray<Items>,
  finish = true,
  cursor = end
): Effect.Effect<Committed, SinkError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* store.sink.open(SessionSink.opening(Option.fromUndefinedOr(from)))
      for (const items of batches) yield* writer.write(batch(items))
      const committed = yield* writer.flush(cursor)
      if (finish) yield* writer.finish
      return committed
    })
  )

const refusal = (effect: Effect.Effect<unknown, SinkError>) => Effect.flip(effect)

describe("NdjsonSink.make", () => {
  it.effect(
    "a window larger than what is encoded at once is there whole or, after a failure in its middle, not at all",
    () =>
      Effect.gen(function* () {
        const store = NdjsonFiles.make({})
        const { memory } = store
        // Of one, two, three and four bytes a character, and one longer than a piece.
        const rows = ["a", "é", "ह", "😀"].flatMap((character, at) =>
          Array.from({ length: 40 }, (_, n) => ({
            id: `${at}-${n}`,
            summary: character.repeat(n === 7 ? 1_200_000 : 3000)
          }))
        )
        const items = rows.map((row) => ({ id: row.id, start: undefined, row }))
        const first = { id: "first" }
        let writes = 0
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* store.sink.open(SessionSink.opening())
            yield* writer.write(batch([item("first")]))
            memory.intercept(({ method, path }) =>
              method === "file.writeAll" && ++writes === 3
                ? Effect.fail(MemoryFileSystem.failed(method, path, "ENOSPC"))
                : Effect.void
            )
            yield* refusal(writer.write(batch(items)))
            yield* writer.flush(end)
            assert.strictEqual(memory.text(partial)?.slice(0, 15), `${JSON.stringify(first)}\n`)
            yield* writer.write(batch(items))
            yield* writer.flush(end)
            yield* writer.finish
          })
        )
        assert.isAbove(writes, 6)
        const lines = [first, ...rows].map((row) => `${JSON.stringify(row)}\n`)
        assert.isTrue(memory.text(path) === lines.join(""))
      })
  )

  it.effect("another file in the partial one's place is refused, and both stay as they are", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({})
      const committed = yield* run(store, undefined, [[item("a")]], false)
      const text = store.memory.text(partial) ?? ""
      store.memory.remove(partial)
      // A copy, as a restored backup would be.
      store.memory.add(partial, "File", text)
      const error = yield* refusal(run(store, committed, []))
      assert.deepInclude(error, {
        sink: path,
        operation: "open",
        retryable: false,
        description: `${partial}: the file is not as the earlier run left it`
      })
      assert.strictEqual(store.memory.text(partial), text)
    })
  )

  it.effect("a partial file that is gone is refused, and nothing is made", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({})
      const committed = yield* run(store, undefined, [[item("a")]], false)
      store.memory.remove(partial)
      const error = yield* refusal(run(store, committed, []))
      assert.include(error.description, "is not there")
      assert.isEmpty(store.memory.names())
    })
  )

  it.effect("a position of something else is refused", () =>
    Effect.gen(function* () {
      for (const position of [null, 7, {}, { bytes: -1, inode: null, tail: "" }, { manifest: {}, parts: [] }]) {
        for (const options of [{}, { rotate: "day" }] as const) {
          const error = yield* refusal(run(NdjsonFiles.make(options), { at: Position.of(1), note: position }, []))
          assert.include(error.description, "another kind of output")
        }
      }
    })
  )

  it.effect("the same path in another form is refused, and the file stays as it is", () =>
    Effect.gen(function* () {
      for (const [name, options] of Object.entries(NdjsonFiles.forms)) {
        const store = NdjsonFiles.make(options)
        const committed = yield* run(store, undefined, [[item("a")]], false)
        const texts = store.memory.names().map(store.memory.text)
        for (const [other, changed] of Object.entries(NdjsonFiles.forms)) {
          if (other === name) continue
          const changedStore = { ...store, sink: NdjsonFiles.sinkOn(store.memory.layer, { path, ...changed }) }
          assert.include((yield* refusal(run(changedStore, committed, []))).description, "another kind of output")
        }
        assert.deepStrictEqual(store.memory.names().map(store.memory.text), texts)
      }
    })
  )

  it.effect("refuses a link, to begin and to resume, and leaves what it points at", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ force: true })
      const committed = yield* run(store, undefined, [[item("a")]], false)
      store.memory.add("/e", "Directory")
      store.memory.add("/e/real", "File", "old")
      store.memory.add(path, "SymbolicLink", "", 0o777, "/e/real")
      for (const from of [undefined, committed]) {
        const error = yield* refusal(run(store, from, [[item("b")]]))
        assert.strictEqual(error.message, `${path}: it is a symbolic link`)
        assert.deepInclude(error.reason, { _tag: "Untrusted" })
      }
      assert.deepStrictEqual(store.memory.names(), [path, `${path}.partial`, "/e/real"])
      assert.strictEqual(store.memory.text("/e/real"), "old")
    })
  )

  it.effect("starts again over the partial file of an earlier run, and replaces a file only with force", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({})
      yield* run(store, undefined, [[item("old")]], false)
      yield* run(store, undefined, [[item("a")]])
      assert.strictEqual(store.memory.text(path), '{"id":"a"}\n')
      const error = yield* refusal(run(store, undefined, [[item("b")]]))
      assert.include(error.message, "calls.ndjson: the file is there already")
      assert.strictEqual(store.memory.text(path), '{"id":"a"}\n')
      const forced = { ...store, sink: NdjsonFiles.sinkOn(store.memory.layer, { path, force: true }) }
      const committed = yield* run(forced, undefined, [[item("b")]], false)
      assert.strictEqual(store.memory.text(path), '{"id":"a"}\n')
      yield* run(forced, committed, [[item("c")]])
      assert.strictEqual(store.memory.text(path), '{"id":"b"}\n{"id":"c"}\n')
    })
  )

  it.effect("has nothing to add to a file that has its name already, and does not add it", () =>
    Effect.gen(function* () {
      for (const options of [{}, { rotate: "day" }] as const) {
        const store = NdjsonFiles.make(options)
        const committed = yield* run(store, undefined, [[item("a", "2026-07-30T10:00:00Z")]])
        const names = store.memory.names()
        yield* run(store, committed, [[]])
        const error = yield* refusal(run(store, committed, [[item("b")]]))
        assert.include(error.description, "finished already")
        assert.deepStrictEqual(store.memory.names(), names)
        assert.lengthOf((yield* store.read) ?? [], 1)
      }
    })
  )

  it.effect("a run that ended between the two steps of the rename resumes, whatever existed before", () =>
    Effect.gen(function* () {
      for (const force of [false, true]) {
        const store = NdjsonFiles.make({ force })
        if (force) store.memory.add(path, "File", "old")
        const committed = yield* run(store, undefined, [[item("a")]], false)
        const node = store.memory.node(partial)
        const own = `${partial}.${node?.ino}`
        yield* store.memory.rename(partial, own)
        yield* run(store, committed, [[item("b")]])
        assert.strictEqual(store.memory.text(path), '{"id":"a"}\n{"id":"b"}\n')
        assert.deepStrictEqual(store.memory.names(), [path])
      }
    })
  )

  it.effect("a disk that is full for a while: what half went out is cut, and the same batch comes again", () =>
    Effect.gen(function* () {
      for (const options of Object.values(NdjsonFiles.forms)) {
        const store = NdjsonFiles.make(options)
        const rows = ["a", "b", "c", "d", "e", "f", "g"].map((id) => item(id, "2026-07-30T10:00:00Z"))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* store.sink.open(SessionSink.opening())
            yield* writer.write(batch(rows.slice(0, 1)))
            store.fail("ENOSPC", 3)
            const rest = batch(rows.slice(1))
            for (let times = 0; times < 3; times++) {
              const error = yield* refusal(writer.write(rest))
              assert.isTrue(error.retryable)
              assert.include(error.description, "the disk is full (ENOSPC)")
            }
            yield* writer.write(rest)
            yield* writer.flush(end)
            yield* writer.finish
          })
        )
        assert.deepStrictEqual(
          yield* store.read,
          rows.map(({ row }) => row)
        )
      }
    })
  )

  it.effect("a failed sync is not retried, and a second one does not make it safe", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({})
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* store.sink.open(SessionSink.opening())
          yield* writer.write(batch([item("a")]))
          store.fail("EIO", 1, ["file.sync"])
          for (let times = 0; times < 2; times++) {
            const error = yield* refusal(writer.flush(end))
            assert.isFalse(error.retryable)
            assert.include(error.description, "did not confirm what was written (EIO)")
          }
          assert.isFalse((yield* refusal(writer.write(batch([item("b")])))).retryable)
          assert.isFalse((yield* refusal(writer.finish)).retryable)
        })
      )
      assert.isUndefined(store.memory.text(path))
    })
  )

  it.effect("what flush committed is on disk, in every form", () =>
    Effect.gen(function* () {
      for (const options of Object.values(NdjsonFiles.forms)) {
        const store = NdjsonFiles.make(options)
        const rows = Array.from({ length: 20 }, (_, index) =>
          item(String(index), `2026-07-${String(10 + (index >> 1))}T10:00:00Z`)
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* store.sink.open(SessionSink.opening())
            for (const one of rows) {
              yield* writer.write(batch([one]))
              yield* writer.flush(Position.of((one.start ?? 0) + 1))
              for (const name of store.memory.names()) {
                const node = store.memory.node(name)
                assert.deepStrictEqual(node?.durable, node?.data, name)
              }
            }
            assert.isTrue(store.memory.node("/d")?.synced)
          })
        )
      }
    })
  )

  it.effect("rows wait for a member, of which a flush makes a small one; without rows it makes none", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ compression: NdjsonFiles.framed })
      const members = () =>
        (store.memory.text(partial) ?? "")
          .split("#")
          .slice(1)
          .map((text) => text.split("\n").length - 2)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* store.sink.open(SessionSink.opening())
          for (let row = 0; row < 5; row++) yield* writer.write(batch([item("a")]))
          assert.deepStrictEqual(members(), [])
          yield* writer.write(batch([item("a"), item("a")]))
          assert.deepStrictEqual(members(), [7])
          yield* writer.write(batch([item("a")]))
          yield* writer.flush(Position.of(1))
          yield* writer.flush(Position.of(2))
          assert.deepStrictEqual(members(), [7, 1])
        })
      )
    })
  )
})

describe("NdjsonSink.make, by day", () => {
  const days = ["2026-07-30", "2026-07-31", "2026-08-01"]
  const rowsOf = (day: string) => [item(`${day} 1`, `${day}T00:00:00Z`), item(`${day} 2`, `${day}T23:59:59.999Z`)]

  it.effect("days are those of a time zone, even with 23 hours, and a run resumes only in the same zone", () =>
    Effect.gen(function* () {
      const timeZone = DateTime.zoneMakeNamedUnsafe("Europe/Berlin")
      const store = NdjsonFiles.make({ rotate: "day", timeZone })
      const before = [item("first", "2026-03-28T23:00:00Z"), item("last", "2026-03-29T21:59:59.999999Z")]
      const at = (text: string) => Date.parse(text) * 1000
      let committed: Committed | undefined
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* store.sink.open(SessionSink.opening())
          yield* writer.write(batch(before))
          yield* writer.flush(Position.of(at("2026-03-29T21:59:59Z")))
          yield* writer.flush(Position.of(at("2026-03-29T21:59:59Z")))
          // The day is not over.
          assert.notInclude(store.memory.names(), "/d/calls-2026-03-29.ndjson")
          yield* writer.flush(Position.of(at("2026-03-29T22:00:00Z")))
          committed = yield* writer.flush(Position.of(at("2026-03-29T22:00:00Z")))
          assert.include(store.memory.names(), "/d/calls-2026-03-29.ndjson")
        })
      )
      for (const options of [{}, { timeZone: DateTime.zoneMakeNamedUnsafe("Asia/Kolkata") }]) {
        const other = { ...store, sink: NdjsonFiles.sinkOn(store.memory.layer, { path, rotate: "day", ...options }) }
        assert.include((yield* refusal(run(other, committed, []))).description, "another kind of output")
      }
      yield* run(store, committed, [[item("next", "2026-03-29T22:00:00Z")]])
      const ids = (day: string) => store.memory.text(`/d/calls-${day}.ndjson`)?.match(/(?<="id":")\w+/g)
      assert.deepStrictEqual(ids("2026-03-29"), ["first", "last"])
      assert.deepStrictEqual(ids("2026-03-30"), ["next"])
    })
  )

  it.effect("a day's file gets its name when a commit has passed it, and the manifest says so", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ rotate: "day" })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* store.sink.open(SessionSink.opening())
          for (const day of days) {
            yield* writer.write(batch(rowsOf(day)))
            yield* writer.flush(Position.of(Date.parse(day) * 1000 + 86_400_000_000))
          }
          yield* writer.write(batch([item("none")]))
          assert.deepStrictEqual(store.memory.names(), [
            "/d/calls-2026-07-30.ndjson",
            "/d/calls-2026-07-31.ndjson",
            "/d/calls-2026-08-01.ndjson.partial",
            "/d/calls-without-start.ndjson.partial",
            "/d/calls.manifest.json"
          ])
          assert.isUndefined(yield* store.read)
          yield* writer.flush(end)
          yield* writer.finish
        })
      )
      const { run, ...manifest } = JSON.parse(store.memory.text("/d/calls.manifest.json") ?? "") as Record<
        string,
        unknown
      >
      assert.match(String(run), /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(manifest, {
        version: 1,
        complete: true,
        files: [
          ...days.map((day) => ({
            name: `calls-${day}.ndjson`,
            rows: 2,
            bytes: store.memory.text(`/d/calls-${day}.ndjson`)?.length,
            from: `${day}T00:00:00Z`,
            to: `${day}T23:59:59.999000Z`
          })),
          { name: "calls-without-start.ndjson", rows: 1, bytes: 14, from: null, to: null }
        ]
      })
    })
  )

  it.effect("a day that comes again after its file was complete has another one", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ rotate: "day" })
      const [first = "", second = ""] = days
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* store.sink.open(SessionSink.opening())
          for (let times = 0; times < 3; times++) {
            yield* writer.write(batch(rowsOf(first)))
            yield* writer.flush(Position.of(Date.parse(second) * 1000))
          }
          yield* writer.finish
        })
      )
      assert.deepStrictEqual(
        store.memory.names().filter((name) => name.includes(first)),
        [`/d/calls-${first}-2.ndjson`, `/d/calls-${first}-3.ndjson`, `/d/calls-${first}.ndjson`]
      )
      assert.lengthOf((yield* store.read) ?? [], 6)
    })
  )

  it.effect("sessions in any order, over more days than can be open at once", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ rotate: "day" })
      const rows = Array.from({ length: 300 }, (_, index) =>
        item(String(index), new Date(Date.parse("2026-01-01") + ((index * 37) % 60) * 86_400_000).toISOString())
      )
      yield* run(
        store,
        undefined,
        Array.from({ length: 60 }, (_, at) => rows.slice(5 * at, 5 * at + 5))
      )
      assert.lengthOf((yield* store.read) ?? [], 300)
      assert.isBelow(store.memory.handles.most, 30)
      assert.strictEqual(store.memory.handles.now, 0)
      assert.isEmpty(store.memory.names().filter((name) => name.includes("partial")))
    })
  )

  it.effect("an older output is replaced only with force, and its manifest stops naming it before that", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ rotate: "day" })
      yield* run(store, undefined, [rowsOf("2026-07-30")])
      const before = store.memory.text("/d/calls.manifest.json")
      const error = yield* refusal(run(store, undefined, [rowsOf("2026-07-30")]))
      assert.include(error.description, "/d/calls.manifest.json: the file is there already")
      assert.strictEqual(store.memory.text("/d/calls.manifest.json"), before)
      const forced = {
        ...store,
        sink: NdjsonFiles.sinkOn(store.memory.layer, { path, force: true, rotate: "day", covers: () => ({}) })
      }
      const seen: Array<string | undefined> = []
      store.memory.intercept(({ method, path }) =>
        Effect.sync(() => {
          if (method === "rename" && path.endsWith("07-30.ndjson"))
            seen.push(store.memory.text("/d/calls.manifest.json"))
        })
      )
      const committed = yield* run(forced, undefined, [rowsOf("2026-07-30").slice(1)], false)
      yield* run(forced, committed, [])
      assert.lengthOf(seen, 1)
      assert.deepInclude(JSON.parse(seen[0] ?? ""), { complete: false, files: [] })
      assert.lengthOf((yield* store.read) ?? [], 1)
    })
  )
})

describe("NdjsonSink.make, by size", () => {
  it.effect("no file is larger than it may be, unless one row alone is", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({ rotate: { bytes: 100 } })
      const rows = Array.from({ length: 600 }, (_, index) => item("x".repeat((index * 7) % 60)))
      rows.splice(300, 0, item("y".repeat(1000)))
      yield* run(store, undefined, [rows])
      assert.lengthOf((yield* store.read) ?? [], 601)
      const large = store.memory.names().filter((name) => (store.memory.text(name) ?? "").length > 100)
      assert.lengthOf(large, 2, "the manifest and the row")
    })
  )

  it.effect("a size that is none is refused", () =>
    Effect.gen(function* () {
      for (const bytes of [0, -1, NaN]) {
        const error = yield* refusal(run(NdjsonFiles.make({ rotate: { bytes } }), undefined, []))
        assert.include(error.description, "rotate.bytes")
      }
    })
  )

  it.effect.each<[string, string]>([
    ["calls.ndjson", "calls-00001.ndjson"],
    ["calls.ndjson.framed", "calls-00001.ndjson.framed"],
    ["a.b.jsonl", "a.b-00001.jsonl"],
    ["calls", "calls-00001"],
    [".calls", ".calls-00001"]
  ])("%s is %s", ([name, expected]) =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const compression = name.endsWith("framed") ? NdjsonFiles.framed : undefined
      const sink = NdjsonFiles.sinkOn(memory.layer, { path: `/d/${name}`, compression, rotate: { bytes: 100 } })
      yield* run({ ...NdjsonFiles.make({}), sink }, undefined, [[item("a")]])
      assert.deepStrictEqual(memory.names()[0], `/d/${expected}`)
    })
  )
})

describe("NdjsonSink.output", () => {
  const on = (output: TextOutput, forTerminal = false) =>
    NdjsonSink.output({ name: "out", output: Effect.succeed(output), forTerminal })

  it.effect("writes lines, with harmless characters for a terminal, and does not write again", () =>
    Effect.gen(function* () {
      for (const forTerminal of [false, true]) {
        let text = ""
        let finished = 0
        const sink = on(
          {
            write: (more) => Effect.sync(() => void (text += more)),
            finish: Effect.sync(() => void finished++)
          },
          forTerminal
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.some({ at: Position.of(4), note: null })))
            assert.deepStrictEqual(yield* writer.write(batch([item("a"), item("\u202e")])), [])
            assert.lengthOf(yield* writer.write({ ...batch([]), items: [{ ...item("b"), row: 1n }] }), 1)
            assert.deepStrictEqual(yield* writer.flush(Position.of(9)), { at: Position.of(9), note: null })
            yield* writer.finish
          })
        )
        assert.strictEqual(text, `{"id":"a"}\n{"id":"${forTerminal ? "\\u202e" : "\u202e"}"}\n`)
        assert.strictEqual(finished, 1)
      }
    })
  )

  it.effect("a failure is not retryable, and keeps its code", () =>
    Effect.gen(function* () {
      for (const code of ["EPIPE", "EAGAIN"]) {
        const sink = on({ write: () => Effect.fail(fromCode("stdout", "write", code)), finish: Effect.void })
        const error = yield* Effect.scoped(
          Effect.flatMap(sink.open(SessionSink.opening()), (writer) => writer.write(batch([item("a")])))
        ).pipe(Effect.flip)
        assert.deepInclude(error, { sink: "out", operation: "write", retryable: false })
        assert.deepInclude(error.reason, { _tag: "Output", code })
      }
    })
  )
})
