import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import { alongside, callstream, folder, simulation } from "../Callstream.ts"

describe("export --stretches", alongside, () => {
  it.live("one file, stdout and what has no range are refused with exit code 2: which, and what instead", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const run = (...args: ReadonlyArray<string>) =>
        callstream(["export", "--stretches", "2", "--base-url", "http://127.0.0.1:9", ...args], { cwd })
      const [file, stdout, sheet, newest, pages] = yield* Effect.all(
        [
          run("--to", "calls.ndjson"),
          run(),
          run("--to", "calls.xlsx"),
          run("--to", "sqlite:calls.db", "--newest", "5"),
          run("--to", "sqlite:calls.db", "--walk", "pages")
        ],
        { concurrency: 2 }
      )
      for (const one of [file, stdout, sheet, newest, pages]) assert.strictEqual(one.code, 2, one.stderr)
      assert.match(file.stderr, /--stretches cannot be used with calls\.ndjson.*\n.*Add --rotate/)
      assert.match(stdout.stderr, /--stretches cannot be used with stdout.*\n.*a database or a webhook/)
      assert.notInclude(sheet.stderr, "--rotate")
      assert.match(newest.stderr, /--stretches cannot be combined with --newest/)
      assert.match(pages.stderr, /--stretches cannot be combined with --walk pages/)
    })
  )

  it.live("brings the calls, the verdict and nearly the requests of an export in one piece", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 2000, span: "20 days", age: "3 hours" })
      const args = ["export", "--until", "1d", "--page-size", "20", "--json"]
      const whole = yield* run([...args, "--to", "sqlite:whole.db"], { cwd })
      const requests = simulator.requests.length
      const parts = yield* run([...args, "--to", "sqlite:parts.db", "--stretches", "3", "--name", "parts"], { cwd })
      assert.strictEqual(whole.code, 0, whole.stderr)
      assert.strictEqual(parts.code, 0, parts.stderr)
      const ask = (file: string, sql: string) => {
        const database = new DatabaseSync(join(cwd, file))
        try {
          return database.prepare(sql).all()
        } finally {
          database.close()
        }
      }
      const ids = (file: string) => ask(file, "SELECT id FROM call_sessions ORDER BY id")
      assert.deepStrictEqual(ids("parts.db"), ids("whole.db"))
      assert.isAbove(ids("parts.db").length, 1500)
      // Only the whole keeps an offset in the end.
      assert.strictEqual(ask("parts.db", "SELECT name FROM callstream_commits").length, 1)
      assert.isAtMost(simulator.requests.length - requests, 1.35 * requests)
      const again = yield* run([...args, "--to", "sqlite:parts.db", "--stretches", "3", "--name", "parts"], { cwd })
      assert.include(again.stderr + again.stdout, "finished")
    })
  )
})
