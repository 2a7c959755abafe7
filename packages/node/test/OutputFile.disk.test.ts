/** `OutputFile` on a real file system. */
import * as OutputFile from "@callstream/core/sink/OutputFile"
import { OutputError } from "@callstream/core/sink/OutputError"
import * as Gzip from "@callstream/node/Gzip"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

const platform = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "callstream-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A test with a folder of its own. */
const inFolder = <A, E>(test: (folder: string) => Effect.Effect<A, E>) => Effect.scoped(Effect.flatMap(folder, test))

const write = (options: OutputFile.Options, texts: ReadonlyArray<string> = ["a1\n", "a2\n"]) =>
  Effect.scoped(
    Effect.gen(function* () {
      const output = yield* OutputFile.open(options)
      for (const text of texts) yield* output.write(text)
      yield* output.finish
    })
  ).pipe(Effect.provide(platform))

const assertRefused = Effect.fnUntraced(function* (
  options: OutputFile.Options,
  tag: OutputError["reason"]["_tag"],
  operation: OutputError["operation"] = "open"
) {
  const error = yield* Effect.flip(write(options))
  assert.instanceOf(error, OutputError)
  assert.deepInclude(error, { target: options.path, operation })
  assert.strictEqual(error.reason._tag, tag)
})

const isRoot = process.getuid?.() === 0

describe("OutputFile on a real file system", () => {
  it.live("is there when it is finished, for its owner only, and nothing besides", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson")
        yield* write({ path })
        assert.deepStrictEqual(Fs.readdirSync(at), ["calls.ndjson"])
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "a1\na2\n")
        assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o600)
        assert.strictEqual(Fs.statSync(path).nlink, 1)
      })
    )
  )

  it.live("is only partial when it is not finished, and that is for its owner only as well", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson")
        // What an earlier run left, readable for all.
        Fs.writeFileSync(`${path}.partial`, "left over and long", { mode: 0o644 })
        yield* Effect.scoped(Effect.flatMap(OutputFile.open({ path }), (output) => output.write("half"))).pipe(
          Effect.provide(platform)
        )
        assert.deepStrictEqual(Fs.readdirSync(at), ["calls.ndjson.partial"])
        assert.strictEqual(Fs.readFileSync(`${path}.partial`, "utf8"), "half")
        assert.strictEqual(Fs.statSync(`${path}.partial`).mode & 0o777, 0o600)
      })
    )
  )

  it.live("does not overwrite, unless forced, and then gives no half to a reader", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson")
        Fs.writeFileSync(path, "precious")
        yield* assertRefused({ path }, "Exists")
        assert.deepStrictEqual(Fs.readdirSync(at), ["calls.ndjson"])
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "precious")
        const reader = Fs.openSync(path, "r")
        yield* write({ path, force: true })
        assert.strictEqual(Fs.readFileSync(reader, "utf8"), "precious")
        Fs.closeSync(reader)
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "a1\na2\n")
        assert.deepStrictEqual(Fs.readdirSync(at), ["calls.ndjson"])
      })
    )
  )

  it.live("cannot be a folder, a FIFO, in no folder, or below a file", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        Fs.mkdirSync(join(at, "folder"))
        execFileSync("mkfifo", [join(at, "fifo")])
        Fs.writeFileSync(join(at, "file"), "")
        for (const force of [false, true]) {
          yield* assertRefused({ path: join(at, "folder"), force }, "NotAFile")
          yield* assertRefused({ path: join(at, "fifo"), force }, "NotAFile")
          yield* assertRefused({ path: join(at, "nowhere", "calls"), force }, "NoFolder")
          yield* assertRefused({ path: join(at, "file", "calls"), force }, "NoFolder")
        }
        assert.deepStrictEqual(Fs.readdirSync(at).sort(), ["fifo", "file", "folder"])
      })
    )
  )

  it.live.skipIf(isRoot)("cannot be in a folder that may not be written to", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const closed = join(at, "closed")
        Fs.mkdirSync(closed, { mode: 0o500 })
        yield* assertRefused({ path: join(closed, "calls") }, "NotAllowed")
      })
    )
  )

  it.live("two writers to one place: one fails, the file is the other's whole", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson")
        const texts = (name: string) => Array.from({ length: 50 }, (_, index) => `${name}${index}\n`)
        for (let times = 0; times < 40; times++) {
          const errors = yield* Effect.forEach(
            ["a", "b", "c"],
            (name) =>
              Effect.match(write({ path, force: true }, texts(name)), {
                onSuccess: () => undefined,
                onFailure: (error) => error
              }),
            { concurrency: 3 }
          )
          const text = Fs.readFileSync(path, "utf8")
          assert.include(
            ["a", "b", "c"].map((name) => texts(name).join("")),
            text
          )
          assert.include(errors, undefined)
          for (const error of errors) if (error !== undefined) assert.strictEqual(error.reason._tag, "Replaced")
          assert.deepStrictEqual(Fs.readdirSync(at), ["calls.ndjson"])
        }
      })
    )
  )

  it.live("a file that appears meanwhile stays, and the run fails", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson")
        const error = yield* Effect.scoped(
          Effect.gen(function* () {
            const output = yield* OutputFile.open({ path })
            yield* output.write("mine")
            Fs.writeFileSync(path, "theirs")
            yield* output.finish
          })
        ).pipe(Effect.provide(platform), Effect.flip)
        assert.deepInclude(error, { operation: "finish", reason: { _tag: "Exists" } })
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "theirs")
        assert.strictEqual(Fs.readFileSync(`${path}.partial`, "utf8"), "mine")
      })
    )
  )

  it.live.skipIf(!Fs.existsSync("/dev/full"))("a full disk is said so", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        // A device is no file.
        yield* assertRefused({ path: "/dev/full", force: true }, "NotAFile")
        assert.isEmpty(Fs.readdirSync(at))
      })
    )
  )

  it.live("compressed, its members are one gzip file", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "calls.ndjson.gz")
        yield* write({ path, compression: Gzip.compression }, ["a1\n", "a2 é\n", "a3\n"])
        assert.strictEqual(gunzipSync(Fs.readFileSync(path)).toString(), "a1\na2 é\na3\n")
      })
    )
  )
})
