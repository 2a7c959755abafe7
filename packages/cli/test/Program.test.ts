import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, start } from "./Callstream.ts"

const before = (code: string): string => `--import=data:text/javascript,${encodeURIComponent(code)}`

/** Says when somebody calls it. */
const spied = `import { writeSync } from "node:fs"
const { exit } = process
process.exit = (code) => { writeSync(1, "process.exit"); exit(code) }`

describe("how callstream ends", alongside, () => {
  for (const [code, args] of [
    [0, ["export", "--help"]],
    [2, ["exprot"]]
  ] as const) {
    it.live(`by itself, with ${code}, where nothing is left to do`, () =>
      Effect.gen(function* () {
        const { ended } = yield* start(args, { env: { NODE_OPTIONS: before(spied) } })
        const { code: was, stdout } = yield* ended
        assert.strictEqual(was, code)
        assert.notInclude(stdout, "process.exit")
      })
    )
  }

  it.live("nevertheless, where something is left", () =>
    Effect.gen(function* () {
      const NODE_OPTIONS = before(`${spied}\nsetInterval(() => {}, 1e6)`)
      const { ended } = yield* start(["exprot"], { env: { NODE_OPTIONS } })
      const { code, stdout } = yield* ended
      assert.strictEqual(code, 2)
      assert.include(stdout, "process.exit")
    })
  )

  it.live("not before its output was read", () =>
    Effect.gen(function* () {
      const slow = `import { writeSync } from "node:fs"
let looks = 0
Object.defineProperty(process.stdout, "writableLength", { get: () => (++looks < 3 ? 1 : 0) })
const { exit } = process
process.exit = (code) => { writeSync(1, "process.exit after " + looks); exit(code) }
setInterval(() => {}, 1e6)`
      const { ended } = yield* start(["exprot"], { env: { NODE_OPTIONS: before(slow) } })
      const { code, stdout } = yield* ended
      assert.strictEqual(code, 2)
      assert.include(stdout, "process.exit after 3")
    })
  )
})
