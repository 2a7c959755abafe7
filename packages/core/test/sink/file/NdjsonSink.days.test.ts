/** Days of an earlier output, and runs that read other ranges over it: no call that was there is lost. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { SinkError } from "@callstream/core/sink/SinkError"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { Manifest } from "@callstream/core/sink/Manifest"
import type { Options } from "@callstream/core/sink/NdjsonSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as NdjsonFiles from "./NdjsonFiles.ts"

const { path } = NdjsonFiles
const manifestPath = "/d/calls.manifest.json"
const hour = 3_600_000_000
const begin = Instant.parse("2026-07-27T00:00:00Z") ?? Instant.of(0)
const at = (hours: number) => begin + hours * hour
const rowAt = (hours: number): CallSession => ({ id: String(hours), startedAt: Instant.format(Instant.of(at(hours))) })

/** One call an hour, five days long, and then it is noon of the sixth. */
const hours = 5 * 24
const noon = TestClock.setTime(at(hours + 12) / 1000)

interface Asked {
  /** In hours; none for no bound. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** After so many windows it ends. */
  readonly stop?: number | undefined
  /** Calls without a start, one each five hours: whether the API shows when they were created, or the run skips them. */
  readonly loose?: "shown" | "hidden" | "skip" | undefined
  readonly options?: Partial<Options & NdjsonFiles.Covered>
}

const covers = ({ from, loose, to }: Asked): SessionSink.Covers => ({
  from: from === undefined ? undefined : Instant.of(at(from)),
  to: to === undefined ? undefined : Instant.of(at(to)),
  withoutStart: loose === "skip" ? "skip" : "include"
})

/** Those that a run brings: all of a history, and of a range those that were created in it. */
const looseOf = ({ from, loose, to }: Asked) => {
  const whole = from === undefined && to === undefined
  if (loose === undefined || (!whole && loose !== "shown")) return []
  const all = Array.from({ length: Math.ceil(hours / 5) }, (_, n) => 5 * n + 2)
  return all
    .filter((hour) => whole || (hour >= (from ?? 0) && hour < (to ?? hours)))
    .map((hour) => ({ id: `u${hour}`, start: undefined, created: Instant.of(at(hour)), row: { id: `u${hour}` } }))
}

/** A run with force; a window is eight hours long. */
const run = (store: NdjsonFiles.Store, asked: Asked) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { from = 0, options = {}, stop = Infinity, to = hours } = asked
      const sink = NdjsonFiles.sinkOn(store.memory.layer, {
        path,
        rotate: "day",
        force: true,
        covers: () => covers(asked),
        ...options
      })
      const hasWithoutStart = Effect.succeed(asked.loose === "shown")
      const writer = yield* sink.open({ ...SessionSink.opening(), hasWithoutStart })
      let windows = 0
      for (let next = from; next < to; next += 8) {
        if (windows++ >= stop) return writer
        const rows = Array.from({ length: Math.min(8, to - next) }, (_, n) => rowAt(next + n))
        const items = rows.map((row) => ({ id: row.id, start: Instant.parse(row.startedAt ?? ""), row }))
        yield* writer.write({ items, columns: [], observedAt: Version.of(0) })
        yield* writer.flush(Position.of(at(next + 8)))
      }
      const loose = looseOf(asked)
      if (loose.length > 0) yield* writer.write({ items: loose, columns: [], observedAt: Version.of(0) })
      yield* writer.flush("end")
      yield* writer.finish
      return writer
    })
  )

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))
const manifestOf = (store: NdjsonFiles.Store) => decode(store.memory.text(manifestPath) ?? "")

const idsIn = (store: NdjsonFiles.Store, name: string) =>
  (store.memory.text(name) ?? "").split("\n").flatMap((line) => /"id":"(u?\d+)"/.exec(line)?.[1] ?? [])

/** What is in files that have their names. */
const onDisk = (store: NdjsonFiles.Store): ReadonlySet<string> =>
  new Set(store.memory.names().flatMap((name) => (name.endsWith(".partial") ? [] : idsIn(store, name))))

/** What a reader of the manifest finds. */
const named = (store: NdjsonFiles.Store) => manifestOf(store).files.flatMap(({ name }) => idsIn(store, `/d/${name}`))

const refusal = (store: NdjsonFiles.Store, asked: Asked) =>
  Effect.gen(function* () {
    const before = store.memory.names().map((name) => [name, store.memory.text(name)])
    const error = yield* Effect.flip(run(store, asked))
    assert.strictEqual(error.operation, "open")
    assert.deepStrictEqual(
      store.memory.names().map((name) => [name, store.memory.text(name)]),
      before
    )
    return error
  })

const whole = Effect.gen(function* () {
  yield* noon
  const store = NdjsonFiles.make({})
  yield* run(store, {})
  return store
})

const gapOf = ({ reason }: SinkError) =>
  reason._tag === "Output" && reason.reason._tag === "Uncovered" ? reason.reason.gap : undefined

const missing = (error: SinkError) => {
  const gap = gapOf(error)
  return gap?._tag === "Partly" ? gap.missing : undefined
}

/** One run. */
const Step = Schema.Struct({
  from: Schema.Literals([0, 24, 30, 48, 72, 90]),
  length: Schema.Literals([6, 24, 30, 48, 72, 200]),
  stop: Schema.Literals([0, 1, 4, 7, 99, 99, 99]),
  bounded: Schema.Literals([true, true, true, false]),
  compressed: Schema.Literals([false, false, true]),
  loose: Schema.Literals(["shown", "shown", "hidden", "skip"])
})

const compressed = { compression: NdjsonFiles.framed, path: `${path}${NdjsonFiles.framed.extension}` }

/** Runs one after the other over one folder; nothing that was there is lost, and a complete manifest names it once. */
const assertHeld = Effect.fnUntraced(function* (steps: ReadonlyArray<typeof Step.Type>) {
  yield* noon
  const store = NdjsonFiles.make({})
  let held: ReadonlySet<string> = new Set()
  for (const { bounded, from, length, loose, stop, ...step } of steps) {
    const to = Math.min(hours, from + length)
    const asked = { ...(bounded ? { from, to } : {}), loose, stop, options: step.compressed ? compressed : {} }
    const result = yield* Effect.result(run(store, asked))
    const now = onDisk(store)
    for (const id of held) assert.isTrue(now.has(id), `hour ${id} is lost by ${JSON.stringify(asked)}`)
    held = now
    if (result._tag === "Failure") {
      assert.include(result.failure.description, "it holds the calls from")
      continue
    }
    if (store.memory.text(manifestPath) === undefined || !manifestOf(store).complete) continue
    const ids = named(store)
    assert.strictEqual(new Set(ids).size, ids.length, "a call is named twice")
    assert.deepStrictEqual(new Set(ids), held, "the manifest names all that there is")
  }
  return store
})

describe("NdjsonSink.make, by day and with force", () => {
  it.effect.prop(
    "after runs over any ranges, some of them stopped, every call that was there is there, and once in a complete output",
    [Schema.Array(Step).check(Schema.isMinLength(1), Schema.isMaxLength(7))],
    ([steps]) => assertHeld(steps),
    { arbitrary: { runs: 150 } }
  )

  it.effect("two runs that were stopped and replaced a day under two names leave a third one a single file of it", () =>
    Effect.gen(function* () {
      const step = { from: 48, length: 200, bounded: true, compressed: false, loose: "shown" } as const
      const store = yield* assertHeld([
        { ...step, stop: 99, compressed: true },
        { ...step, stop: 4 },
        { ...step, stop: 7, bounded: false },
        { ...step, from: 24, length: 24, stop: 7 }
      ])
      assert.isTrue(manifestOf(store).complete)
      assert.isUndefined(store.memory.text(`/d/calls-2026-07-29.ndjson${NdjsonFiles.framed.extension}`))
    })
  )

  it.effect("days that are not read stay, and the manifest still names them with their range", () =>
    Effect.gen(function* () {
      const store = yield* whole
      const { run: first } = manifestOf(store)
      const writer = yield* run(store, { from: 48, to: 96 })
      const { complete, files, replaces } = manifestOf(store)
      assert.isTrue(complete)
      assert.isUndefined(replaces)
      assert.deepStrictEqual(
        files.map(({ covers, name, run }) => [name, covers?.from, covers?.to, run === first]),
        ["27", "28", "31", "29", "30"].map((day) => [
          `calls-2026-07-${day}.ndjson`,
          `2026-07-${day}T00:00:00Z`,
          day === "31" ? "2026-08-01T00:00:00Z" : `2026-07-${Number(day) + 1}T00:00:00Z`,
          !["29", "30"].includes(day)
        ])
      )
      assert.deepStrictEqual(writer.replaced?.(), {
        replaced: ["/d/calls-2026-07-29.ndjson", "/d/calls-2026-07-30.ndjson"],
        removed: []
      })
      assert.lengthOf(named(store), hours)
    })
  )

  it.effect("a day that is read only in part is refused before anything is written, with what would do", () =>
    Effect.gen(function* () {
      const store = yield* whole
      const late = yield* refusal(store, { from: 30 })
      assert.strictEqual(
        late.message,
        "/d/calls.ndjson: /d/calls-2026-07-28.ndjson: it holds the calls from 2026-07-28T00:00:00Z to 2026-07-29T00:00:00Z, and this run reads those from 2026-07-28T06:00:00Z to 2026-08-01T12:00:00Z"
      )
      assert.deepStrictEqual(missing(late), { from: true, to: false })
      const early = yield* refusal(store, { from: 24, to: 60 })
      assert.deepStrictEqual(missing(early), { from: false, to: true })
      const inside = yield* refusal(store, { from: 30, to: 40 })
      assert.deepStrictEqual(missing(inside), { from: true, to: true })
      // Fewer calls of the same day are fewer calls.
      const filtered = yield* refusal(store, { options: { covers: () => ({ filters: "status=failed" }) } })
      assert.include(filtered.message, "it holds calls that this run leaves out (status=failed)")
      const unknown = yield* refusal(store, { options: { covers: undefined } })
      assert.include(unknown.message, "this run may not read all of them")
      const bySize = yield* refusal(store, { from: 96, options: { rotate: { bytes: 1000 } } })
      assert.include(bySize.message, "/d/calls-2026-07-27.ndjson: it holds the calls from")
      yield* run(store, { options: { rotate: { bytes: 1000 } } })
      assert.notInclude(store.memory.names().join(), "2026")
    })
  )

  it.effect("the last day, of which the first run had a part, is replaced by one that has more of it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(at(100) / 1000)
      const store = NdjsonFiles.make({})
      yield* run(store, { to: 100 })
      assert.strictEqual(manifestOf(store).files.at(-1)?.covers?.to, "2026-07-31T04:00:00Z")
      yield* noon
      yield* run(store, { from: 96 })
      assert.strictEqual(manifestOf(store).files.at(-1)?.covers?.to, "2026-08-01T00:00:00Z")
      assert.lengthOf(named(store), hours)
    })
  )

  it.effect("a day that has no calls any more is removed, and said to be", () =>
    Effect.gen(function* () {
      const store = yield* whole
      const sink = NdjsonFiles.sinkOn(store.memory.layer, {
        path,
        rotate: "day",
        force: true,
        covers: () => covers({ from: 24, to: 48 })
      })
      const writer = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          yield* writer.flush("end")
          yield* writer.finish
          return writer
        })
      )
      assert.deepStrictEqual(writer.replaced?.(), { replaced: [], removed: ["/d/calls-2026-07-28.ndjson"] })
      assert.lengthOf(named(store), hours - 24)
      assert.strictEqual(onDisk(store).size, hours - 24)
    })
  )

  it.effect("a day's file that no manifest names is replaced by a whole day only", () =>
    Effect.gen(function* () {
      yield* noon
      const store = NdjsonFiles.make({})
      const mine = "/d/calls-2026-07-28.ndjson"
      store.memory.add(mine, "File", "mine")
      const error = yield* refusal(store, { from: 30 })
      assert.include(error.message, `${mine}: no manifest says what it holds`)
      assert.deepStrictEqual(gapOf(error), { _tag: "ByHand", from: "2026-07-28T00:00:00Z" })
      yield* run(store, { from: 48 })
      assert.strictEqual(store.memory.text(mine), "mine")
      const writer = yield* run(store, { from: 24 })
      assert.isTrue(writer.replaced?.().replaced.includes(mine))
      assert.lengthOf(idsIn(store, mine), 24)
    })
  )

  const looseFiles = (days: ReadonlyArray<number>) => days.map((day) => `calls-2026-07-${day}-without-start.ndjson`)
  const looseIn = (store: NdjsonFiles.Store) =>
    manifestOf(store).files.flatMap(({ covers, name, run }) =>
      name.includes("without-start") ? [{ name, covers: covers?.from, run }] : []
    )

  it.effect(
    "calls without a start time have files by the day of their creation, which a run that reads them replaces",
    () =>
      Effect.gen(function* () {
        yield* noon
        const store = NdjsonFiles.make({})
        yield* run(store, { loose: "shown" })
        const all = looseFiles([27, 28, 29, 30, 31])
        assert.sameMembers(
          looseIn(store).map(({ name }) => name),
          all
        )
        assert.deepStrictEqual(idsIn(store, `/d/${all[1] ?? ""}`), ["u27", "u32", "u37", "u42", "u47"])
        const { run: first } = manifestOf(store)
        const writer = yield* run(store, { from: 24, to: 72, loose: "shown" })
        assert.includeMembers([...(writer.replaced?.().replaced ?? [])], [`/d/${all[1]}`, `/d/${all[2]}`])
        assert.isEmpty(writer.replaced?.().removed)
        assert.deepStrictEqual(
          looseIn(store)
            .toSorted((left, right) => (left.name < right.name ? -1 : 1))
            .map(({ covers, run }) => [covers, run === first]),
          [27, 28, 29, 30, 31].map((day) => [`2026-07-${day}T00:00:00Z`, day < 28 || day > 29])
        )
        assert.lengthOf(named(store), hours + 24)
      })
  )

  it.effect("where the API does not show which they are, or they are skipped, their files stay as they were", () =>
    Effect.gen(function* () {
      for (const loose of ["hidden", "skip"] as const) {
        yield* noon
        const store = NdjsonFiles.make({})
        yield* run(store, { loose: "shown" })
        const before = looseIn(store).map(({ name }) => [name, store.memory.text(`/d/${name}`)])
        const { run: first } = manifestOf(store)
        const writer = yield* run(store, { from: 24, to: 72, loose })
        assert.deepStrictEqual(writer.replaced?.().removed, [])
        assert.sameDeepMembers(
          looseIn(store).map(({ name }) => [name, store.memory.text(`/d/${name}`)]),
          before
        )
        assert.isTrue(looseIn(store).every(({ covers, run }) => run === first && covers !== undefined))
        // A part of their day: too little for a run that reads them, and nothing to one that skips them.
        const file = `/d/${looseFiles([31])[0]}`
        const manifest = manifestOf(store)
        const others = manifest.files.filter(({ name }) => name !== "calls-2026-07-31.ndjson")
        store.memory.add(manifestPath, "File", JSON.stringify({ ...manifest, files: others }))
        store.memory.remove("/d/calls-2026-07-31.ndjson")
        if (loose === "skip") yield* run(store, { from: 100, loose })
        else assert.include((yield* refusal(store, { from: 100, loose })).message, file)
        assert.lengthOf(idsIn(store, file), 5)
      }
    })
  )

  it.effect("a day without such calls any more loses its file, where the run has read them", () =>
    Effect.gen(function* () {
      const store = yield* whole
      const name = looseFiles([28])[0] ?? ""
      store.memory.add(`/d/${name}`, "File", "mine")
      const manifest = manifestOf(store)
      const files = [...manifest.files, { name, rows: 1, bytes: 4, from: null, to: null }]
      store.memory.add(manifestPath, "File", JSON.stringify({ ...manifest, files }))
      const hidden = yield* run(store, { from: 24, to: 48, loose: "hidden" })
      assert.deepStrictEqual(hidden.replaced?.().removed, [])
      assert.strictEqual(store.memory.text(`/d/${name}`), "mine")
      const sink = NdjsonFiles.sinkOn(store.memory.layer, {
        path,
        rotate: "day",
        force: true,
        covers: () => covers({ from: 24, to: 48 })
      })
      const writer = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open({ ...SessionSink.opening(), hasWithoutStart: Effect.succeed(true) })
          yield* writer.flush("end")
          yield* writer.finish
          return writer
        })
      )
      assert.sameMembers([...(writer.replaced?.().removed ?? [])], ["/d/calls-2026-07-28.ndjson", `/d/${name}`])
    })
  )

  it.effect("calls that do not say when they were created have one file, which stays until a run without bounds", () =>
    Effect.gen(function* () {
      const store = yield* whole
      const undated = "/d/calls-without-start.ndjson"
      store.memory.add(undated, "File", "mine")
      const manifest = manifestOf(store)
      const files = [...manifest.files, { name: "calls-without-start.ndjson", rows: 1, bytes: 4, from: null, to: null }]
      store.memory.add(manifestPath, "File", JSON.stringify({ ...manifest, files }))
      yield* run(store, { from: 24, loose: "shown" })
      assert.strictEqual(store.memory.text(undated), "mine")
      assert.include(
        manifestOf(store).files.map(({ name }) => name),
        "calls-without-start.ndjson"
      )
      const writer = yield* run(store, {})
      assert.include(writer.replaced?.().removed ?? [], undated)
    })
  )
})
