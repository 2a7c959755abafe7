import type { SinkError } from "@callstream/core/sink/SinkError"
/** Two runs to one file: the second does not begin, whatever the file is. */
import { opening } from "@callstream/core/sink/SessionSink"
import { ProcessOwner } from "@callstream/core/checkpoint/ProcessOwner"
import type { Committed } from "@callstream/core/model/Committed"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as CsvSink from "@callstream/core/sink/CsvSink"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import * as OutputLockFile from "@callstream/core/pipeline/OutputLockFile"
import * as Gzip from "@callstream/node/Gzip"
import * as ParquetSink from "@callstream/node/ParquetSink"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { join } from "node:path"
import * as SinkStore from "./SinkStore.ts"

type Sink = SessionSink<CallSession, FileSystem.FileSystem | Path.Path>

const platform = Layer.merge(NodeFileSystem.layer, NodePath.layer)

/** Processes that are made up: which of them have ended is said here. */
const processes = () => {
  const ended = new Set<number>()
  const of = (pid: number, host = "here") =>
    Layer.provide(
      OutputLockFile.layer,
      Layer.succeed(ProcessOwner, {
        self: { host, pid },
        judge: (owner) =>
          Effect.sync(() => (owner.host !== host ? "elsewhere" : ended.has(owner.pid) ? "gone" : "alive"))
      })
    )
  return { ended, of }
}

const open = (sink: Sink, locks: Layer.Layer<never>, from?: Committed) =>
  Effect.provide(sink.open(opening(Option.fromUndefinedOr(from))), Layer.merge(platform, locks))

const batchOf = (id: string) => ({
  items: [{ id, start: Instant.of(Date.UTC(2026, 6, 31, 10) * 1000), row: { id, startedAt: "2026-07-31T10:00:00Z" } }],
  columns: [{ name: "id", type: "text" as const }],
  observedAt: Version.of(0)
})
const batch = batchOf("a")

const kinds: Readonly<Record<string, { readonly make: (folder: string) => Sink; readonly lock: string }>> = {
  NDJSON: { make: (folder) => NdjsonSink.make({ path: join(folder, "calls.ndjson") }), lock: "calls.ndjson.lock" },
  CSV: { make: (folder) => CsvSink.make({ path: join(folder, "calls.csv") }), lock: "calls.csv.lock" },
  Parquet: { make: (folder) => ParquetSink.make({ path: join(folder, "calls.parquet") }), lock: "calls.parquet.lock" },
  "by day": {
    make: (folder) => NdjsonSink.make({ path: join(folder, "calls.ndjson"), rotate: "day" }),
    lock: "calls.manifest.json.lock"
  },
  "by size": {
    make: (folder) => ParquetSink.make({ path: join(folder, "calls.parquet"), rotate: { bytes: 9000 } }),
    lock: "calls.manifest.json.lock"
  }
}

const outputReason = ({ reason }: SinkError) => (reason._tag === "Output" ? reason.reason._tag : undefined)

const heldIn = ({ reason }: SinkError) =>
  reason._tag === "Output" && reason.reason._tag === "Locked" ? reason.reason.held : undefined

describe("OutputLockFile", () => {
  it.live.each(Object.entries(kinds))(
    "%s: the second run is refused at its start, and the first not disturbed",
    ([, kind]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* SinkStore.folder
          const { of } = processes()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const writer = yield* open(kind.make(folder), of(11))
              assert.deepStrictEqual(
                Fs.readdirSync(folder).filter((name) => name.endsWith(".lock")),
                [kind.lock]
              )
              assert.strictEqual(Fs.statSync(join(folder, kind.lock)).mode & 0o777, 0o600)
              yield* writer.write(batch)
              const before = Fs.readdirSync(folder)
              for (const pid of [12, 11]) {
                const error = yield* Effect.flip(Effect.scoped(open(kind.make(folder), of(pid))))
                assert.deepInclude(error, { operation: "open", retryable: false })
                const who = pid === 11 ? "in this process" : "process 11 on here"
                assert.include(error.message, "it is being written by another run")
                assert.include(error.message, who)
                assert.strictEqual(heldIn(error)?._tag, "Running")
              }
              const elsewhere = yield* Effect.flip(Effect.scoped(open(kind.make(folder), of(11, "there"))))
              assert.deepInclude(heldIn(elsewhere), {
                _tag: "Elsewhere",
                place: { _tag: "File", path: join(folder, kind.lock) }
              })
              assert.deepStrictEqual(Fs.readdirSync(folder), before)
              yield* writer.flush("end")
              yield* writer.finish
            })
          )
          assert.isEmpty(Fs.readdirSync(folder).filter((name) => name.includes(".lock") || name.includes(".partial")))
        })
      )
  )

  it.live.each(Object.entries(kinds))(
    "%s: a run that another one took over gives nothing a name, and disturbs nothing that the other one has",
    ([, kind]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* SinkStore.folder
          const { ended, of } = processes()
          const named = () =>
            Fs.readdirSync(folder).filter((name) => !name.includes(".partial") && !name.includes(".lock"))
          const first = yield* open(kind.make(folder), of(11))
          yield* first.write(batch)
          const committed = yield* first.flush("end")
          yield* first.write(batchOf("lost"))
          // It was not ended, only frozen.
          ended.add(11)
          const scope = yield* Scope.make()
          const second = yield* Scope.provide(open(kind.make(folder), of(12), committed), scope)
          for (const step of [first.flush("end"), first.finish, first.flush("end")]) {
            const error = yield* Effect.flip(step)
            assert.strictEqual(outputReason(error), "Fenced")
            assert.include(error.message, "another run took over it: process 12 on here")
            assert.isFalse(error.retryable)
          }
          assert.isEmpty(named())
          yield* second.write(batchOf("b"))
          yield* second.flush("end")
          yield* second.finish
          yield* Scope.close(scope, Exit.void)
          const contents = () =>
            Fs.readdirSync(folder).map((name) => [name, Fs.readFileSync(join(folder, name))] as const)
          const left = contents()
          assert.isNotEmpty(left)
          const ids = left.flatMap(([name, bytes]) =>
            name.endsWith(".ndjson")
              ? SinkStore.rowsIn(bytes.toString()).map((row) => (row as { readonly id: string }).id)
              : []
          )
          if (left.some(([name]) => name.endsWith(".ndjson"))) assert.sameMembers(ids, ["a", "b"])
          // The other one has finished, and its lock is gone.
          assert.strictEqual(outputReason(yield* Effect.flip(first.finish)), "Locked")
          assert.deepStrictEqual(contents(), left)
        })
      )
  )

  it.live("what a killed process left is taken over, and cleared up", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* SinkStore.folder
        const { ended, of } = processes()
        const sink = NdjsonSink.make({ path: join(folder, "calls.ndjson") })
        const killed = yield* Scope.make()
        yield* Scope.provide(open(sink, of(11)), killed)
        ended.add(11)
        const litter = `calls.ndjson.lock.${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`
        for (const name of [`${litter}.next`, `${litter}.3.tmp`, "calls.ndjson.lock.mine"]) {
          Fs.writeFileSync(join(folder, name), "")
        }
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* open(sink, of(12))
            yield* writer.flush("end")
            yield* writer.finish
          })
        )
        assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.ndjson", "calls.ndjson.lock.mine"])
        yield* Scope.close(killed, Exit.void)
      })
    )
  )

  it.live("a folder that is not there is said to be missing, not locked; another compression shares the manifest", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* SinkStore.folder
        const { of } = processes()
        const nowhere = NdjsonSink.make({ path: join(folder, "none", "calls.ndjson") })
        const error = yield* Effect.flip(Effect.scoped(open(nowhere, of(11))))
        assert.include(error.message, "the folder does not exist")
        const path = join(folder, "calls.ndjson")
        yield* open(NdjsonSink.make({ path, rotate: "day" }), of(11))
        const packed = NdjsonSink.make({ path: `${path}.gz`, rotate: "day", compression: Gzip.compression })
        assert.include((yield* Effect.flip(Effect.scoped(open(packed, of(12))))).message, "written by another run")
        yield* Effect.scoped(open(NdjsonSink.make({ path }), of(12)))
      })
    )
  )
})
