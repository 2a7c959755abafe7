import * as OutputFile from "@callstream/core/sink/OutputFile"
import { OutputError } from "@callstream/core/sink/OutputError"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NdjsonFiles from "./NdjsonFiles.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"

const path = "/d/calls.ndjson"
const partial = "/d/calls.ndjson.partial"

/** A whole run: two pieces of text, and the end. What it fails with, and `undefined` where it does not. */
const run = (
  memory: MemoryFileSystem.MemoryFileSystem,
  options: Partial<OutputFile.Options> = {},
  name = "a",
  between: Effect.Effect<void> = Effect.void
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const output = yield* OutputFile.open({ path, ...options })
      yield* output.write(`${name}1\n`)
      yield* between
      yield* output.write(`${name}2\n`)
      yield* output.finish
    })
  ).pipe(Effect.provide(memory.layer), Effect.match({ onSuccess: () => undefined, onFailure: (error) => error }))

const whole = (name: string) => `${name}1\n${name}2\n`

const assertFailed = (error: unknown, expected: Partial<Pick<OutputError, "operation" | "reason" | "code">>) => {
  assert.instanceOf(error, OutputError)
  assert.deepInclude(error, { target: path, ...expected })
  assert.match(error instanceof OutputError ? error.message : "", /^\/d\/calls\.ndjson: [a-z/]/)
}

describe("OutputFile", () => {
  it.effect("has its name only when it is finished, whole and synced, and nothing else is left", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const output = yield* OutputFile.open({ path })
          assert.deepStrictEqual(memory.names(), [partial])
          yield* output.write("a1\n")
          yield* output.write("")
          yield* output.write("a2 ü\n")
          assert.deepStrictEqual(memory.names(), [partial])
          yield* output.finish
          assert.deepStrictEqual(memory.names(), [path])
        })
      ).pipe(Effect.provide(memory.layer))
      assert.strictEqual(memory.text(path), "a1\na2 ü\n")
      assert.isTrue(memory.node(path)?.synced)
      assert.isTrue(memory.node("/d")?.synced)
      assert.strictEqual(memory.node(path)?.mode, 0o600)
      const order = memory.calls.map(({ method }) => method)
      assert.isBelow(order.indexOf("file.sync"), order.indexOf("rename"))
      assert.isBelow(order.lastIndexOf("rename"), order.lastIndexOf("file.sync"))
    })
  )

  it.effect("stays partial when the scope is closed without finish, and the next run replaces that", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* Effect.scoped(Effect.flatMap(OutputFile.open({ path }), (output) => output.write("half"))).pipe(
        Effect.provide(memory.layer)
      )
      assert.deepStrictEqual(memory.names(), [partial])
      assert.isUndefined(yield* run(memory))
      assert.deepStrictEqual(memory.names(), [path])
      assert.strictEqual(memory.text(path), whole("a"))
    })
  )

  it.effect("leaves nothing when the scope is closed before anything was written", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* Effect.scoped(OutputFile.open({ path })).pipe(Effect.provide(memory.layer))
      assert.deepStrictEqual(memory.names(), [])
    })
  )

  it.effect("stays partial when it is interrupted", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        run(memory, {}, "a", Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      )
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(memory.names(), [partial])
    })
  )

  it.effect("does not touch a file that is there", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.add(path, "File", "precious")
      assertFailed(yield* run(memory), { operation: "open", reason: { _tag: "Exists" } })
      assert.deepStrictEqual(memory.names(), [path])
      assert.strictEqual(memory.text(path), "precious")
    })
  )

  it.effect("replaces it at the end, when forced", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.add(path, "File", "old")
      const seen: Array<string | undefined> = []
      const look = Effect.sync(() => {
        seen.push(memory.text(path))
      })
      assert.isUndefined(yield* run(memory, { force: true }, "a", look))
      assert.deepStrictEqual(seen, ["old"])
      assert.deepStrictEqual(memory.names(), [path])
      assert.strictEqual(memory.text(path), whole("a"))
    })
  )

  it.effect("leaves the old file when forced and not finished", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.add(path, "File", "old")
      yield* Effect.scoped(
        Effect.flatMap(OutputFile.open({ path, force: true }), (output) => output.write("half"))
      ).pipe(Effect.provide(memory.layer))
      assert.strictEqual(memory.text(path), "old")
    })
  )

  it.effect("refuses a link in place of the file, and of the partial one", () =>
    Effect.gen(function* () {
      for (const name of [path, partial]) {
        for (const force of [false, true]) {
          const memory = MemoryFileSystem.make()
          memory.add("/e", "Directory")
          memory.add("/e/real", "File", "old")
          memory.add(name, "SymbolicLink", "", 0o777, "/e/real")
          const error = yield* run(memory, { force })
          assertFailed(error, { operation: "open" })
          assert.strictEqual(error instanceof OutputError ? error.reason._tag : "", "Untrusted")
          assert.deepStrictEqual(memory.names(), [name, "/e/real"])
          assert.strictEqual(memory.text("/e/real"), "old")
        }
      }
    })
  )

  it.effect.each<[string, (memory: MemoryFileSystem.MemoryFileSystem) => void, OutputError["reason"]]>([
    ["a folder", (memory) => memory.add(path, "Directory"), { _tag: "NotAFile" }],
    ["a FIFO", (memory) => memory.add(path, "FIFO"), { _tag: "NotAFile" }],
    ["a folder that takes nothing", (memory) => memory.intercept(denies("EACCES")), { _tag: "NotAllowed" }],
    ["a read-only file system", (memory) => memory.intercept(denies("EROFS")), { _tag: "NotAllowed" }],
    ["a full disk", (memory) => memory.intercept(denies("ENOSPC")), { _tag: "Full" }],
    ["an odd problem", (memory) => memory.intercept(denies("EMFILE")), { _tag: "Other" }]
  ])("cannot be opened in place of %s", ([, prepare, reason]) =>
    Effect.gen(function* () {
      for (const force of [false, true]) {
        const memory = MemoryFileSystem.make()
        prepare(memory)
        assertFailed(yield* run(memory, { force }), { operation: "open", reason })
        assert.notInclude(memory.names(), partial)
      }
    })
  )

  it.effect("cannot be opened in a folder that is not there, or is none", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.add("/d/file", "File")
      for (const target of ["/nowhere/calls.ndjson", "/d/file/calls.ndjson"]) {
        const error = yield* run(memory, { path: target })
        assert.instanceOf(error, OutputError)
        assert.deepInclude(error, { target, operation: "open", reason: { _tag: "NoFolder" } })
      }
    })
  )

  it.effect("each text is a member of the compression, and all of them are read again before there is a name", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* run(memory, { compression: NdjsonFiles.framed })
      assert.strictEqual(memory.text(path), "#3\na1\n#3\na2\n")
      const never = { ...NdjsonFiles.framed, verify: () => Effect.succeed(false) }
      const error = yield* run(memory, { compression: never, force: true })
      assert.instanceOf(error, OutputError)
      assert.deepInclude(error, { target: `${path}.partial`, operation: "finish", reason: { _tag: "Foreign" } })
      assert.strictEqual(memory.text(path), "#3\na1\n#3\na2\n")
    })
  )

  it.effect("a full disk while writing is said so, and there is no file", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.intercept(({ method, path: at }) =>
        method === "file.writeAll" ? Effect.fail(MemoryFileSystem.failed(method, at, "ENOSPC")) : Effect.void
      )
      const error = yield* run(memory)
      assertFailed(error, { operation: "write", reason: { _tag: "Full" }, code: "ENOSPC" })
      assert.deepStrictEqual(memory.names(), [partial])
    })
  )

  it.effect.each(["EPERM", "EACCES", "EISDIR", "EINVAL"])(
    "a folder that cannot be synced (%s) does not matter",
    (code) =>
      Effect.gen(function* () {
        const memory = MemoryFileSystem.make()
        memory.intercept(({ method, path: at }) =>
          method === "open" && at === "/d" ? Effect.fail(MemoryFileSystem.failed(method, at, code)) : Effect.void
        )
        assert.isUndefined(yield* run(memory))
        assert.strictEqual(memory.text(path), whole("a"))
      })
  )
})

const denies =
  (code: string) =>
  ({ method, path: at }: MemoryFileSystem.Call) =>
    method === "open" ? Effect.fail(MemoryFileSystem.failed(method, at, code)) : Effect.void

/** How many calls a run makes that nothing disturbs. */
const callsOf = Effect.fnUntraced(function* (options: Partial<OutputFile.Options>, prepare: Prepare) {
  const memory = MemoryFileSystem.make()
  prepare(memory)
  assert.isUndefined(yield* run(memory, options))
  return memory.calls.length
})

type Prepare = (memory: MemoryFileSystem.MemoryFileSystem) => void

const nothing: Prepare = () => {}
const old: Prepare = (memory) => {
  memory.add(path, "File", "old")
}

describe("OutputFile: any one call that goes wrong", () => {
  it.effect.each<[string, Partial<OutputFile.Options>, Prepare, ReadonlyArray<string | undefined>]>([
    ["where there was nothing", {}, nothing, [undefined, whole("a")]],
    ["with force, over an old file", { force: true }, old, ["old", whole("a")]]
  ])("is an OutputError or no harm, and the name is never on a half: %s", ([, options, prepare, allowed]) =>
    Effect.gen(function* () {
      const calls = yield* callsOf(options, prepare)
      assert.isAbove(calls, 8)
      for (const code of ["ENOSPC", "EIO", "EPERM", "ENOENT", "EEXIST"]) {
        for (let number = 1; number <= calls; number++) {
          const memory = MemoryFileSystem.make()
          prepare(memory)
          let where = ""
          memory.intercept((call) => {
            if (call.number !== number) return Effect.void
            where = `${code} at call ${number}, ${call.method} ${call.path}`
            return Effect.fail(MemoryFileSystem.failed(call.method, call.path, code))
          })
          const error = yield* run(memory, options)
          assert.notStrictEqual(where, "")
          assert.include(allowed, memory.text(path), where)
          if (error === undefined) assert.strictEqual(memory.text(path), whole("a"), where)
          else assertFailed(error, {})
          if (error?.operation === "open") assert.strictEqual(memory.text(path), allowed[0], where)
        }
      }
    })
  )

  it.effect("a process that ends at any call leaves the old file or the new one", () =>
    Effect.gen(function* () {
      const calls = yield* callsOf({ force: true }, old)
      for (let number = 1; number <= calls; number++) {
        const memory = MemoryFileSystem.make()
        old(memory)
        const dead = yield* Deferred.make<void>()
        memory.intercept((call) =>
          call.number >= number ? Effect.andThen(Deferred.succeed(dead, undefined), Effect.never) : Effect.void
        )
        const fiber = yield* Effect.forkDetach(run(memory, { force: true }))
        yield* Deferred.await(dead)
        assert.include(["old", whole("a")], memory.text(path), `call ${number}`)
        fiber.interruptUnsafe()
      }
    })
  )
})

describe("OutputFile: others at the same time", () => {
  it.effect("two writers: one fails with replaced, the file is the other's whole", () =>
    Effect.gen(function* () {
      for (const force of [false, true]) {
        const memory = MemoryFileSystem.make()
        let inner: OutputError | undefined
        const second = Effect.map(run(memory, { force }, "b"), (error) => {
          inner = error
        })
        const outer = yield* run(memory, { force }, "a", second)
        assert.isUndefined(inner)
        assertFailed(outer, { operation: "finish", reason: { _tag: "Replaced" } })
        assert.strictEqual(memory.text(path), whole("b"))
      }
    })
  )

  it.effect("a second writer at any call of the first: the file is one of them whole", () =>
    Effect.gen(function* () {
      for (const options of [{ force: false }, { force: true }]) {
        const calls = yield* callsOf(options, nothing)
        for (let number = 1; number <= calls; number++) {
          const memory = MemoryFileSystem.make()
          let second: OutputError | undefined
          let where = ""
          memory.intercept((call) => {
            if (where !== "" || call.number !== number) return Effect.void
            where = `call ${number}, ${call.method} ${call.path}`
            return Effect.map(run(memory, options, "b"), (error) => {
              second = error
            })
          })
          const first = yield* run(memory, options, "a")
          assert.notStrictEqual(where, "")
          const text = memory.text(path)
          assert.include([whole("a"), whole("b")], text, where)
          assert.isTrue(first === undefined || second === undefined, where)
          // Without force, who is told that it went well finds its own file.
          if (!options.force) {
            if (first === undefined) assert.strictEqual(text, whole("a"), where)
            if (second === undefined) assert.strictEqual(text, whole("b"), where)
          }
        }
      }
    })
  )

  it.effect("a second writer that begins at any call of the first and dies: no half of it gets the name", () =>
    Effect.gen(function* () {
      for (const options of [{ force: false }, { force: true }]) {
        const calls = yield* callsOf(options, nothing)
        for (let number = 1; number <= calls; number++) {
          const memory = MemoryFileSystem.make()
          let where = ""
          memory.intercept((call) => {
            if (where !== "" || call.number !== number) return Effect.void
            where = `call ${number}, ${call.method} ${call.path}`
            return Effect.scoped(
              Effect.flatMap(OutputFile.open({ path, ...options }), (output) => output.write("half"))
            ).pipe(Effect.provide(memory.layer), Effect.ignore)
          })
          const error = yield* run(memory, options, "a")
          assert.include([undefined, whole("a")], memory.text(path), where)
          if (error === undefined) assert.strictEqual(memory.text(path), whole("a"), where)
        }
      }
    })
  )

  it.effect("a file that appears at any call, without force, is not overwritten", () =>
    Effect.gen(function* () {
      const calls = yield* callsOf({}, nothing)
      let told = 0
      for (let number = 1; number <= calls; number++) {
        const memory = MemoryFileSystem.make()
        let finished = false
        let where = ""
        memory.intercept((call) => {
          if (call.number !== number) return Effect.void
          where = `call ${number}, ${call.method} ${call.path}`
          finished = memory.text(path) !== undefined
          if (!finished) memory.add(path, "File", "foreign")
          return Effect.void
        })
        const error = yield* run(memory)
        if (finished) continue
        assertFailed(error, { reason: { _tag: "Exists" } })
        assert.strictEqual(memory.text(path), "foreign", where)
        if (error?.operation === "finish") told++
      }
      assert.isAbove(told, 3)
    })
  )

  it.effect("reports a partial file that somebody removes", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      memory.intercept(({ method }) =>
        Effect.sync(() => {
          if (method === "file.sync") memory.remove(partial)
        })
      )
      assertFailed(yield* run(memory), { operation: "finish", reason: { _tag: "Replaced" } })
      assert.isEmpty(memory.names())
    })
  )
})
