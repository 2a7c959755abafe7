/** `NdjsonSink.make` on a real file system, with real compressions. */
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Version from "@callstream/core/model/Version"
import type * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkConformance } from "@callstream/core/testing"
import * as Gzip from "@callstream/node/Gzip"
import * as Zstd from "@callstream/node/Zstd"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import * as SinkStore from "./SinkStore.ts"

type Form = [string, string, Omit<NdjsonSink.Options, "path">, (bytes: Buffer) => Buffer]

const plain = (bytes: Buffer) => bytes
const forms: ReadonlyArray<Form> = [
  ["plain", "calls.ndjson", {}, plain],
  ["gzip", "calls.ndjson.gz", { compression: Gzip.compression }, gunzipSync],
  ["zstd", "calls.ndjson.zst", { compression: Zstd.compression }, zstdDecompressSync],
  ["by size, gzip", "calls.ndjson.gz", { compression: Gzip.compression, rotate: { bytes: 600 } }, gunzipSync],
  ["by day, zstd", "calls.ndjson.zst", { compression: Zstd.compression, rotate: "day" }, zstdDecompressSync]
]

describe.each(forms)("NdjsonSink.make on disk conforms: %s", (_, name, options, decompress) => {
  const cases = SinkConformance.cases({
    store: SinkStore.make(name, options, decompress),
    delivery: "resumable",
    large: 300,
    tear: SinkStore.tear
  })
  for (const { name, notApplicable, test } of cases) {
    it.live.skipIf(notApplicable !== undefined)(name, () => test)
  }
})

const sessions = (count: number): ReadonlyArray<CallSession> =>
  Array.from({ length: count }, (_, index) => ({ id: `é${index}`, summary: "the same words again and again" }))
const batch = (rows: ReadonlyArray<CallSession>) => ({
  items: rows.map((row) => ({ id: row.id, start: undefined, row })),
  columns: [],
  observedAt: Version.of(0)
})

describe.each([
  ["gzip", Gzip.compression, "gzip", gunzipSync],
  ["zstd", Zstd.compression, "zstd", zstdDecompressSync]
] as const)("%s", (_, compression, tool, decompress) => {
  const name = `calls.ndjson${compression.extension}`

  it.live("is read by the command of that name, members, and the empty file as well", () =>
    Effect.scoped(
      Effect.gen(function* () {
        for (const count of [0, 1, 5000]) {
          const path = join(yield* SinkStore.folder, name)
          yield* Stream.run(
            Stream.rechunk(Stream.fromIterable(sessions(count)), 700),
            SessionSink.toSink(SinkStore.sinkAt({ path, compression }))
          )
          const text = execFileSync(tool, ["-dc", path], { maxBuffer: 1 << 24 }).toString()
          assert.deepStrictEqual(SinkStore.rowsIn(text), sessions(count))
          // Members of 2,000 rows at least are as good as one.
          const alone = yield* compression.encode(text)
          assert.isBelow(Fs.statSync(path).size, 1.2 * alone.length + 100)
        }
      })
    )
  )

  it.live("cut at every place, here with garbage behind and there without, is resumed exactly or refused", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, name)
        const partial = `${path}.partial`
        const sink = SinkStore.sinkAt({ path, compression, force: true })
        const begin = Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening())
            yield* writer.write(batch(sessions(3)))
            const committed = yield* writer.flush(Position.of(1))
            yield* writer.write(batch(sessions(2)))
            yield* writer.flush(Position.of(2))
            return committed
          })
        )
        const committed = yield* begin
        const { bytes } = (committed.note as { at: { bytes: number } }).at
        const left = Fs.readFileSync(partial)
        const goOn = Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
            yield* writer.write(batch(sessions(1)))
            yield* writer.flush(Position.of(2))
            yield* writer.finish
          })
        )
        let refused = 0
        // A file in memory is cut at every place; here each of the two is done at every second one.
        for (let place = 0; place <= left.length; place++) {
          // The same file again, not a copy of it.
          if (!Fs.existsSync(partial)) Fs.renameSync(path, partial)
          Fs.writeFileSync(partial, left.subarray(0, place))
          if (place % 2 === 0) Fs.appendFileSync(partial, "?!".repeat(100))
          const error = yield* Effect.match(goOn, {
            onSuccess: () => undefined,
            onFailure: (error) => error
          })
          if (place < bytes) {
            assert.match(error?.description ?? "", /shorter than|not as the earlier run left it/)
            refused++
          } else {
            assert.isUndefined(error)
            const rows = SinkStore.rowsIn(decompress(Fs.readFileSync(path)).toString())
            assert.deepStrictEqual(rows, [...sessions(3), ...sessions(1)])
          }
        }
        assert.isAbove(refused, 20)
      })
    )
  )
})

describe("NdjsonSink.make on disk", () => {
  it.live("is private to its owner, in every form, and so is the manifest", () =>
    Effect.scoped(
      Effect.gen(function* () {
        for (const [, name, options] of forms) {
          const folder = yield* SinkStore.folder
          yield* Stream.run(
            Stream.fromIterable(sessions(3)),
            SessionSink.toSink(SinkStore.sinkAt({ path: join(folder, name), ...options }))
          )
          const files = Fs.readdirSync(folder)
          assert.isAbove(files.length, options.rotate === undefined ? 0 : 1)
          for (const file of files) assert.strictEqual(Fs.statSync(join(folder, file)).mode & 0o777, 0o600)
        }
      })
    )
  )

  it.live("a copy in the partial file's place is refused, and the file itself moved elsewhere and back is not", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, "calls.ndjson")
        const partial = `${path}.partial`
        const sink = SinkStore.sinkAt({ path })
        const committed = yield* Effect.scoped(
          Effect.flatMap(sink.open(SessionSink.opening()), (writer) =>
            Effect.andThen(writer.write(batch(sessions(3))), writer.flush(Position.of(1)))
          )
        )
        const open = Effect.asVoid(Effect.scoped(sink.open(SessionSink.opening(Option.some(committed)))))
        Fs.renameSync(partial, `${partial}.moved`)
        assert.include((yield* Effect.flip(open)).description, "is not there")
        Fs.copyFileSync(`${partial}.moved`, partial)
        assert.include((yield* Effect.flip(open)).description, "not as the earlier run left it")
        Fs.rmSync(partial)
        Fs.renameSync(`${partial}.moved`, partial)
        yield* open
      })
    )
  )

  it.live.skipIf(!Fs.existsSync("/dev/full"))("a name that is a device is refused", () =>
    Effect.gen(function* () {
      const sink = SinkStore.sinkAt({ path: "/dev/full", force: true })
      const error = yield* Effect.flip(Effect.scoped(sink.open(SessionSink.opening())))
      assert.deepInclude(error, { sink: "/dev/full", operation: "open", retryable: false })
    })
  )
})
