/**
 * A run by several processes into a bucket, drawn from a seed: any of them is killed or frozen at any request, another one takes
 * its part, and the frozen one wakes up later and goes on.
 */
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import { Manifest } from "@callstream/core/sink/Manifest"
import type * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { ObjectStoreError } from "@callstream/core/sink/ObjectStore"
import type { RunPart } from "@callstream/core/sink/SessionSink"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { random } from "../../torture/Histories.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as MemoryObjectStore from "./MemoryObjectStore.ts"
import { type Kind, unframe } from "./NdjsonFiles.ts"

export interface Result {
  readonly wrong: ReadonlyArray<string>
  readonly processes: number
  readonly told: string
}

const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)
const day = 86_400_000_000
const run = "3f9a1c2e-0000-4000-8000-000000000001"
const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))
const decodeNote = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ id: Schema.String })))
const decodeRow = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String, summary: Schema.String }))
type Found = ReturnType<typeof decodeRow>

type Row = Item<{ readonly id: string; readonly startedAt: string | null; readonly summary: string }>

/** A stretch, or the ending: its units of rows, and what is known of it where its commits are kept. */
interface Part {
  readonly name: string
  readonly units: ReadonlyArray<{ readonly rows: ReadonlyArray<Row>; readonly to: Position.Cursor }>
  epoch: number
  committed: Committed | undefined
  /** Units that are committed, and of each what its rows were when they were written. */
  reached: number
  readonly letters: Array<string>
  finished: boolean
}

type Chance = ReturnType<typeof random>

const partsOf = ({ chance, next, pick }: Chance): ReadonlyArray<Part> => {
  const stretches = pick(1, 2, 3, 4)
  const days = pick(1, 2, 4)
  const rowOf = (id: string, start: number | undefined): Row => {
    const at = start === undefined ? undefined : Instant.of(Math.floor(start))
    const row = {
      id,
      startedAt: at === undefined ? null : Instant.format(at),
      summary: "x".repeat(1 + Math.floor(next() * 150))
    }
    return { id, start: at, row, ...(at === undefined && chance(0.7) ? { created: begin } : {}) }
  }
  const part = (name: string, from: number, length: number): Part => {
    const count = chance(0.1) ? 0 : pick(1, 2, 3, 5)
    return {
      name,
      epoch: 0,
      committed: undefined,
      reached: 0,
      letters: [],
      finished: false,
      units: Array.from({ length: count }, (_, unit) => ({
        rows: Array.from({ length: pick(0, 1, 4, 12) }, (_, row) =>
          rowOf(`${name}-${unit}-${row}`, length === 0 ? undefined : from + ((unit + next()) * length) / count)
        ).toSorted((left, right) => (left.start ?? 0) - (right.start ?? 0)),
        to: unit === count - 1 ? "end" : Position.of(Instant.of(Math.floor(from + ((unit + 1) * length) / count)))
      }))
    }
  }
  const length = (days * day) / stretches
  return [
    ...Array.from({ length: stretches }, (_, nth) => part(String(nth), begin + nth * length, length)),
    part("end", begin, 0)
  ]
}

interface World {
  readonly drawn: Chance
  readonly bucket: MemoryObjectStore.Bucket
  readonly sink: (store: NdjsonSink.Options["store"]) => ReturnType<Kind["file"]>
  readonly parts: ReadonlyArray<Part>
  readonly wrong: Array<string>
  /** Uploads that can be found: a process that is killed before it notes its upload leaves one that cannot. */
  readonly noted: Set<string>
  /** Processes that are frozen. */
  readonly frozen: Array<{ readonly thaw: Deferred.Deferred<void>; wakes: number }>
  requests: number
  processes: number
}

/** Another reading has other content, of the same length. */
const readAs = (letter: string, rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.map((item) => ({ ...item, row: { ...item.row, summary: letter.repeat(item.row.summary.length) } }))

/** What becomes of a process: at which of its requests, before or after the store did it. */
interface Fate {
  readonly what: "lives" | "killed" | "frozen"
  readonly at: number
  readonly isDone: boolean
}

const seen = (world: World, fate: Fate, gone: Deferred.Deferred<void>) => {
  let requests = 0
  let isKilled = false
  const { chance, next } = world.drawn
  return <A>(request: Effect.Effect<A, ObjectStoreError>): Effect.Effect<A, ObjectStoreError> =>
    Effect.gen(function* () {
      const isDue = ++requests === fate.at && fate.what !== "lives"
      world.requests++
      for (const one of world.frozen) if (one.wakes <= world.requests) yield* Deferred.succeed(one.thaw, undefined)
      const end = Effect.gen(function* () {
        yield* Deferred.succeed(gone, undefined)
        if (fate.what === "killed") {
          isKilled = true
          return
        }
        const thaw = yield* Deferred.make<void>()
        world.frozen.push({ thaw, wakes: world.requests + Math.floor(next() * 60) })
        yield* Deferred.await(thaw)
      })
      if (isDue && !fate.isDone) yield* end
      if (isKilled) return yield* Effect.never
      for (let yields = chance(0.5) ? Math.floor(next() * 4) : 0; yields > 0; yields--) yield* Effect.yieldNow
      const exit = yield* Effect.exit(request)
      if (isDue && fate.isDone) yield* end
      if (isKilled) return yield* Effect.never
      return yield* exit
    })
}

class Fenced extends Data.TaggedError("Fenced")<{ readonly part: string }> {}

/** A process that has a part: it reads on from the last commit, and commits as long as nobody else took the part. */
const process = Effect.fnUntraced(function* (
  world: World,
  part: Part,
  role: RunPart,
  fate: Fate,
  gone: Deferred.Deferred<void>
) {
  const { chance } = world.drawn
  const epoch = ++part.epoch
  const letter = String.fromCharCode(97 + (epoch % 26))
  const scope = yield* Scope.make()
  const commit = (change: () => void) =>
    part.epoch === epoch ? Effect.sync(change) : Effect.fail(new Fenced({ part: part.name }))
  const work = Effect.gen(function* () {
    const from = Option.fromUndefinedOr(part.committed)
    let unit = part.reached
    const sink = world.sink(MemoryObjectStore.seenBy(world.bucket.store, seen(world, fate, gone)))
    const writer = yield* sink.open({ pipeline: part.name, fingerprint: {}, from, epoch, part: role })
    while (unit < part.units.length || part.committed?.at !== "end") {
      const { rows = [], to = "end" } = part.units[unit++] ?? {}
      if (rows.length > 0) {
        yield* writer.write({ items: readAs(letter, rows), columns: Column.ofSession, observedAt: Version.of(0) })
      }
      if (to !== "end" && chance(0.3)) continue
      const committed = yield* writer.flush(to)
      yield* commit(() => {
        part.committed = JSON.parse(JSON.stringify(committed)) as Committed
        const reached = Math.min(unit, part.units.length)
        for (let one = part.reached; one < reached; one++) part.letters[one] = letter
        part.reached = reached
      })
    }
    yield* writer.finish
    yield* commit(() => {
      part.finished = true
    })
  })
  const exit = yield* Effect.exit(Scope.provide(work, scope))
  yield* Scope.close(scope, exit)
  if (Exit.isFailure(exit) && part.epoch === epoch) {
    world.wrong.push(`${part.name}, epoch ${epoch}: ${String(exit.cause)}`)
    part.finished = true
  }
  yield* Deferred.succeed(gone, undefined)
})

/** Processes take a part one after the other until it is finished. */
const finished = Effect.fnUntraced(function* (
  world: World,
  part: Part,
  role: () => RunPart,
  layer: MemoryFileSystem.MemoryFileSystem["layer"]
) {
  const { chance, next, pick } = world.drawn
  for (let turn = 0; !part.finished; turn++) {
    world.processes++
    const gone = yield* Deferred.make<void>()
    const fate: Fate = {
      what: turn < 4 && chance(0.7) ? pick("killed", "frozen") : "lives",
      at: 1 + Math.floor(next() * pick(6, 20, 60)),
      isDone: chance(0.5)
    }
    yield* Effect.forkDetach(Effect.provide(process(world, part, role(), fate, gone), layer))
    if (Option.isNone(yield* Effect.timeoutOption(Deferred.await(gone), "20 seconds"))) {
      world.wrong.push(`${part.name} hangs`)
      return
    }
  }
})

const noteUploads = ({ bucket, noted }: World) => {
  for (const [key, { bytes }] of bucket.objects) {
    if (/\/upload-[^/]+$/.test(key)) noted.add(decodeNote(new TextDecoder().decode(bytes)).id)
  }
}

const isData = (key: string): boolean => !key.includes("_partial/") && !key.endsWith(".manifest.json")

/** What all that reads by a glob finds: only what is committed, each row once. */
const look = (world: World, rowsIn: (bytes: Uint8Array) => ReadonlyArray<Found>) => {
  const { bucket, parts, wrong } = world
  const committed = new Map(
    parts.flatMap(({ letters, reached, units }) =>
      units.slice(0, reached).flatMap(({ rows }, unit) => rows.map(({ id }) => [id, letters[unit]] as const))
    )
  )
  const found = new Set<string>()
  for (const [key, { bytes }] of bucket.objects) {
    if (!isData(key)) continue
    for (const { id, summary } of rowsIn(bytes)) {
      if (committed.get(id) !== summary[0]) wrong.push(`${id} is in ${key}, and not committed so`)
      if (found.has(id)) wrong.push(`${id} is in ${key}, and in another object`)
      found.add(id)
    }
  }
  return found
}

export const play = Effect.fnUntraced(function* (
  seed: number,
  kind: Kind,
  options: Partial<NdjsonSink.Options>
): Effect.fn.Return<Result> {
  const drawn = random(seed)
  const parts = partsOf(drawn)
  const { layer } = MemoryFileSystem.make()
  const decoder = new TextDecoder()
  const rowsIn = (bytes: Uint8Array) => {
    const text = decoder.decode(bytes)
    return kind.parse(options.compression === undefined ? text : unframe(text)).map((row) => decodeRow(row))
  }
  const path = `s3://calls/out/${kind.path.slice("/d/".length)}${options.compression?.extension ?? ""}`
  const world: World = {
    drawn,
    bucket: MemoryObjectStore.make(drawn.pick(150, 400, 1000), (key) => {
      if (isData(key)) look(world, rowsIn)
      else if (/\/upload-[^/]+$/.test(key)) noteUploads(world)
    }),
    sink: (store) => kind.file({ ...options, path, store }),
    parts,
    wrong: [],
    noted: new Set(),
    frozen: [],
    requests: 0,
    processes: 0
  }
  const { bucket, frozen, wrong } = world
  const settle = Effect.gen(function* () {
    for (const { thaw } of frozen) yield* Deferred.succeed(thaw, undefined)
    for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
  })
  const stretches = parts.slice(0, -1)
  yield* Effect.forEach(stretches, (part, nth) => finished(world, part, () => ({ _tag: "Stretch", run, nth }), layer), {
    concurrency: drawn.pick(1, 2, 4)
  })
  const sleepsLong = drawn.chance(0.5)
  if (!sleepsLong) yield* settle
  const before = frozen.length
  const left = () => stretches.flatMap(({ committed }) => (committed === undefined ? [] : [committed]))
  for (const part of parts.slice(-1)) {
    yield* finished(world, part, () => ({ _tag: "Ending", run, left: left() }), layer)
  }
  yield* settle

  const expected = parts.flatMap(({ units }) => units.flatMap(({ rows }) => rows.map(({ id }) => id))).toSorted()
  const manifest = decodeManifest(decoder.decode(bucket.objects.get("out/calls.manifest.json")?.bytes))
  const named = manifest.files.flatMap(({ bytes, name, rows }) => {
    const object = bucket.objects.get(`out/${name}`)
    const found = object === undefined ? [] : rowsIn(object.bytes)
    if (object?.bytes.length !== bytes || found.length !== rows) wrong.push(`${name} is not as the manifest says`)
    return found.map(({ id }) => id)
  })
  if (named.toSorted().join() !== expected.join()) wrong.push("the manifest names other rows than were delivered")
  if ([...look(world, rowsIn)].toSorted().join() !== expected.join()) wrong.push("a glob finds other rows")
  if (!manifest.complete || manifest.run !== run) wrong.push("the manifest is not of the whole run")
  const waits = [...bucket.objects.keys()].filter((key) => key.includes("_partial/"))
  const isAwake = !sleepsLong && frozen.length === before
  const uploads = [...bucket.uploads.keys()].filter((id) => world.noted.has(id))
  if (isAwake && waits.length + uploads.length > 0) wrong.push(`left over: ${[...waits, ...uploads].join()}`)
  return {
    wrong,
    processes: world.processes,
    told: JSON.stringify({ seed, form: path, stretches: stretches.length, keys: [...bucket.objects.keys()] }, null, 2)
  }
})
