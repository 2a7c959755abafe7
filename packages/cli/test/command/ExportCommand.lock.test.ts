/** Two runs that write to one file at the same time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, simulation, until } from "../Callstream.ts"

describe("an export", alongside, () => {
  it.live("is refused while another run writes to the same file, under a name or without one, and both say so", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, start } = yield* simulation({ sessions: 300, latency: "20 millis" })
      const narrow = ["--page-size", "5", "--concurrency", "2"]
      for (const [first, second] of [
        [[], []],
        [["--name", "nightly"], []],
        [[], ["--name", "weekly"]],
        [
          ["--name", "nightly"],
          ["--name", "weekly"]
        ]
      ] as const) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const args = ["export", "--to", "calls.ndjson", "--coverage", "c.json", ...narrow]
            const { child, ended } = yield* start([...args, ...first], { cwd })
            yield* until(() => existsSync(join(cwd, "calls.ndjson.lock")))
            const other = yield* run(["export", "--to", "calls.ndjson", ...narrow, ...second], { cwd })
            assert.strictEqual(other.code, 2, other.stderr)
            assert.match(
              other.stderr,
              new RegExp(
                `^error: calls\\.ndjson: it is being written by another run: process ${child.pid} on .*\\n {2}Wait for it or stop it\\.`
              )
            )
            if (first.length === 0 && second.length === 0) {
              const coverage = ["export", "--to", "other.ndjson", "--coverage", "c.json", ...narrow]
              const same = yield* run(coverage, { cwd })
              assert.strictEqual(same.code, 2, same.stderr)
              assert.include(same.stderr, "error: c.json: it is being written by another run")
            }
            const { code, stderr } = yield* ended
            assert.strictEqual(code, 0, stderr)
          })
        )
        assert.isEmpty(readdirSync(cwd).filter((name) => name.includes(".lock")))
        for (const name of readdirSync(cwd)) rmSync(join(cwd, name), { recursive: true })
      }
      const { child, ended } = yield* start(["export", "--to", "calls.ndjson", ...narrow], { cwd })
      yield* until(() => existsSync(join(cwd, "calls.ndjson.partial")))
      child.kill("SIGKILL")
      yield* ended
      assert.isTrue(existsSync(join(cwd, "calls.ndjson.lock")))
      const next = yield* run(["export", "--to", "calls.ndjson", "--page-size", "100"], { cwd })
      assert.strictEqual(next.code, 0, next.stderr)
      assert.deepStrictEqual(readdirSync(cwd).sort(), ["calls.ndjson", "calls.ndjson.coverage.json"])
    })
  )
})
