/** `TrustedFile` on a real file system, and on those that keep no modes, no owners, or know no way past links. */
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const unix = it.live.skipIf(process.platform === "win32")

const inFolder = <A, E>(test: (folder: string) => Effect.Effect<A, E>) =>
  Effect.scoped(
    Effect.flatMap(
      Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "callstream-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
      ),
      test
    )
  )

/** The real one, but for what is given. */
const changed = (change: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>) =>
  Effect.map(FileSystem.FileSystem, (fs): FileSystem.FileSystem => ({ ...fs, ...change(fs) })).pipe(
    Effect.provide(NodeFileSystem.layer)
  )
const real = changed(() => ({}))

const append = (path: string, fs: typeof real = real) =>
  Effect.gen(function* () {
    const file = yield* TrustedFile.open(path, { flag: "a", mode: 0o600 })
    yield* file.writeAll(new TextEncoder().encode("more"))
  }).pipe(Effect.scoped, Effect.provideServiceEffect(FileSystem.FileSystem, fs))

const problemOf = (error: PlatformError.PlatformError) => TrustedFile.refusalOf(error)?.predicate

const changing = (fs: FileSystem.FileSystem, change: (info: FileSystem.File.Info) => FileSystem.File.Info) => ({
  lstat: (path: string) => Effect.map(fs.lstat(path), change),
  open: (path: string, options?: Parameters<typeof fs.open>[1]) =>
    Effect.map(fs.open(path, options), (file) =>
      Object.create(file, { stat: { get: () => Effect.map(file.stat, change) } })
    )
})

describe("TrustedFile", () => {
  unix("makes a private file, and appends to it", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "letters")
        yield* append(path)
        yield* append(path)
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "moremore")
        assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o600)
        assert.deepStrictEqual(Fs.readdirSync(at), ["letters"])
      })
    )
  )

  unix("does not follow a link that is put there between the look and the opening", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const victim = join(at, "victim")
        Fs.writeFileSync(victim, "mine", { mode: 0o600 })
        for (const target of [victim, join(at, "nowhere")]) {
          for (const noFollow of [true, false]) {
            const path = join(at, `letters-${noFollow}-${Fs.existsSync(target)}`)
            let swapped = false
            const swapping = changed((fs) => ({
              lstat: (looked) => {
                const found = fs.lstat(looked)
                if (swapped) return found
                swapped = true
                return Effect.tap(
                  Effect.ensuring(
                    found,
                    Effect.sync(() => Fs.symlinkSync(target, path))
                  ),
                  Effect.void
                )
              },
              open: (opened, options) =>
                !noFollow && options?.noFollow === true
                  ? Effect.fail(PlatformError.badArgument({ module: "FileSystem", method: "open" }))
                  : fs.open(opened, options)
            }))
            assert.strictEqual(problemOf(yield* Effect.flip(append(path, swapping))), "is a symbolic link")
            assert.isTrue(swapped)
            // Without the system's help the file behind a link to nothing is made, and nothing is written to it.
            if (noFollow) assert.isFalse(Fs.existsSync(join(at, "nowhere")))
          }
        }
        assert.strictEqual(Fs.readFileSync(victim, "utf8"), "mine")
        assert.include(
          ["", undefined],
          Fs.existsSync(join(at, "nowhere")) ? Fs.readFileSync(join(at, "nowhere"), "utf8") : undefined
        )
      })
    )
  )

  unix("a disk that shows one owner and mode for all files is accepted; a real 0666 is not", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "letters")
        yield* append(path)
        const flat = changed((fs) =>
          changing(fs, (info) => ({
            ...info,
            mode: info.mode | 0o777,
            uid: Option.some(54_321),
            gid: Option.some(54_322)
          }))
        )
        yield* append(path, flat)
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "moremore")
        Fs.chmodSync(path, 0o666)
        const error = yield* Effect.flip(append(path))
        assert.strictEqual(problemOf(error), "can be written to by others (mode 0666)")
        assert.deepStrictEqual(TrustedFile.refusalOf(error)?.problem, { _tag: "WritableByOthers", mode: 0o666 })
        assert.deepStrictEqual(Fs.readdirSync(at), ["letters"])
      })
    )
  )

  unix("where files have no owners only links are refused", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "letters")
        Fs.writeFileSync(path, "")
        Fs.chmodSync(path, 0o666)
        const nobody = Effect.provideService(TrustedFile.User, () => undefined)
        yield* nobody(append(path))
        Fs.symlinkSync(path, join(at, "link"))
        assert.strictEqual(problemOf(yield* Effect.flip(nobody(append(join(at, "link"))))), "is a symbolic link")
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "more")
      })
    )
  )

  unix("reads all of a file that is longer than one read", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const path = join(at, "long")
        const text = "0123456789".repeat(20_000)
        Fs.writeFileSync(path, text, { mode: 0o600 })
        const read = Effect.provideServiceEffect(TrustedFile.readString(path), FileSystem.FileSystem, real)
        assert.strictEqual(yield* read, text)
      })
    )
  )
})
