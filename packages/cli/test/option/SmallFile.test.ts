import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as SmallFile from "../../src/option/SmallFile.ts"
import { alongside, callstream, folder, server } from "../Callstream.ts"

const limit = 1000

const read = (path: string) => Effect.provide(SmallFile.read(path, { limit }), NodeServices.layer)

describe("option/SmallFile", alongside, () => {
  it.live("reads a regular file up to the limit and refuses one byte more, without reading on", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "key")
      writeFileSync(path, "é".repeat(limit / 2))
      assert.strictEqual(yield* read(path), "é".repeat(limit / 2))
      writeFileSync(path, "")
      assert.strictEqual(yield* read(path), "")
      writeFileSync(path, "a".repeat(limit + 1))
      assert.include(yield* Effect.flip(read(path)), { _tag: "TooLarge", limit: "0.9765625 KiB" })
    })
  )

  it.live("refuses what is neither a regular file nor a pipe, or is not there", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      mkdirSync(join(cwd, "keys"))
      for (const path of ["/dev/zero", "/dev/null", join(cwd, "keys")]) {
        assert.include(yield* Effect.flip(read(path)), { _tag: "NotAFile" }, path)
      }
      assert.include(yield* Effect.flip(read(join(cwd, "none"))), { _tag: "Unreadable" })
    })
  )

  it.live("reads a pipe, whose writer comes late and writes in parts, and can be stopped before it comes", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "pipe")
      execFileSync("/bin/sh", ["-c", 'mkfifo "$0"', path])
      const reading = yield* Effect.forkChild(read(path))
      yield* Effect.sleep("60 millis")
      yield* Effect.promise(() => writeFile(path, "agni_key"))
      assert.strictEqual(yield* Fiber.join(reading), "agni_key")
      const waiting = yield* Effect.forkChild(read(path))
      yield* Effect.sleep("60 millis")
      yield* Fiber.interrupt(waiting)
    })
  )

  it.live("is how a key comes from a file: a pipe will do, and what never ends is refused at once", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const keys: Array<unknown> = []
      const { url } = yield* server((request, response) => {
        keys.push(request.headers["x-api-key"])
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ success: true, data: { callSessions: [] } }))
      })
      const env = { AGNI_BASE_URL: url, AGNI_API_KEY: undefined }
      const args = ["export", "--walk", "pages", "--api-key-file"]
      const piped = yield* callstream([...args, "/dev/stdin"], {
        env,
        cwd,
        shell: `(sleep 0.2; echo agni_piped) | "$@"`
      })
      assert.strictEqual(piped.code, 0, piped.stderr)
      assert.strictEqual(keys.at(-1), "agni_piped")
      writeFileSync(join(cwd, "large"), "a".repeat(64 * 1024 + 1))
      const asked = keys.length
      for (const [file, problem] of [
        ["/dev/zero", "--api-key-file: /dev/zero is not a file"],
        ["large", "--api-key-file: large is larger than 64 KiB"]
      ] as const) {
        const { code, stderr } = yield* callstream([...args, file], { env, cwd })
        assert.strictEqual(code, 2)
        assert.include(stderr, problem)
      }
      assert.lengthOf(keys, asked)
      const others = [
        ["run", "/dev/zero"],
        ["export", "--profile", "/dev/zero"],
        ["export", "--to", "postgres:@/dev/zero"]
      ]
      for (const other of others) {
        const { code, stderr } = yield* callstream(other, { env: { ...env, AGNI_API_KEY: "agni_key" }, cwd })
        assert.deepStrictEqual([code, stderr.includes("/dev/zero is not a file")], [2, true], stderr)
      }
    })
  )
})
