/** What machines read: `--log json` and `--json`. */
import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, lines, server, simulation } from "./Callstream.ts"

const types = (text: string) => lines(text).map(({ type }) => type)

describe("callstream --log json", alongside, () => {
  it.live("prints the summary as a line of JSON on stderr, with and without --json", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, undated: 0 })
      const one = yield* run(["export", "--log", "json", "--to", "a.ndjson"], { cwd })
      assert.deepStrictEqual([one.code, one.stdout, types(one.stderr)], [0, "", ["summary"]], one.stderr)
      assert.deepInclude(lines(one.stderr)[0], { sessions: 300, to: "a.ndjson" })
      assert.match(String(lines(one.stderr)[0]?.["time"]), /^\d{4}-.*Z$/)
      const both = yield* run(["export", "--log=json", "--json", "--to", "b.ndjson"], { cwd })
      assert.deepStrictEqual(types(both.stderr), ["summary"])
      assert.deepInclude(lines(both.stdout)[0], { sessions: 300, to: "b.ndjson" })
      assert.notProperty(lines(both.stdout)[0], "type")
      const sync = yield* run(["sync", "--log", "json", "--to", "sqlite:c.db"], { cwd })
      assert.deepStrictEqual([sync.code, sync.stdout, types(sync.stderr)], [0, "", ["summary"]], sync.stderr)
    })
  )

  it.live("has the facts of a log as attributes", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 60, undated: 0 })
      simulator.failNext(1, Fault.status(503))
      const { stderr } = yield* run(["export", "--log", "json", "--debug", "--to", "a.ndjson"], { cwd })
      const attributes = lines(stderr).map(({ attributes }) => attributes)
      const retry = { "callstream.retry.reason": "Unavailable", "error.type": "503", "http.request.resend_count": 1 }
      assert.deepInclude(attributes, { "callstream.client.name": "default", ...retry })
      const windows = attributes.filter(
        (one) => typeof one === "object" && one !== null && "callstream.window.verdict" in one
      )
      assert.isNotEmpty(windows)
    })
  )

  it.live("leaves stdout to calls, also to those of another pipeline", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 60, undated: 0 })
      const one = yield* run(["export", "--json"], { cwd })
      assert.lengthOf(lines(one.stdout), 60)
      assert.deepInclude(lines(one.stderr)[0], { sessions: 60, to: "stdout" })
      const log = yield* run(["export", "--json", "--log", "json"], { cwd })
      assert.deepStrictEqual([lines(log.stdout).length, types(log.stderr)], [60, ["summary"]])
      writeFileSync(
        join(cwd, "two.yaml"),
        "pipelines:\n  - { name: a, state: false, sinks: ['-'] }\n  - { name: b, state: false, sinks: [b.ndjson] }\n"
      )
      const two = yield* run(["run", "two.yaml", "--json"], { cwd })
      assert.lengthOf(lines(two.stdout), 60)
      assert.sameDeepMembers(
        lines(two.stderr).map(({ pipeline }) => pipeline),
        ["a", "b", undefined]
      )
      writeFileSync(
        join(cwd, "files.yaml"),
        "pipelines:\n  - { name: a, state: false, sinks: [c.csv] }\n  - { name: b, state: false, sinks: [d.csv] }\n"
      )
      const files = yield* run(["run", "files.yaml", "--json"], { cwd })
      assert.strictEqual(files.stderr, "")
      assert.lengthOf(lines(files.stdout), 3)
    })
  )

  it.live("reports errors as JSON, of the command line, of files and of the API, with the exit code", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      for (const flags of [["--log", "json"], ["--json"]]) {
        const typed = yield* callstream(["export", "--sinc", "7d", ...flags], { cwd })
        assert.strictEqual(typed.code, 2)
        assert.deepInclude(lines(typed.stderr)[0], {
          type: "error",
          error: "UsageError",
          message: "there is no flag --sinc",
          exitCode: 2
        })
      }
      writeFileSync(join(cwd, "bad.yaml"), "source: { since: 7x, rate: 0 }\nsinks: ['-']\n")
      const file = yield* callstream(["run", "bad.yaml", "--json"], { cwd })
      assert.deepStrictEqual(
        lines(file.stderr).map(({ column, error, file, line }) => [error, file, line, column]),
        [
          ["PipelineFileError", "bad.yaml", 1, 18],
          ["PipelineFileError", "bad.yaml", 1, 28]
        ]
      )
      const { url } = yield* server((_, response) => {
        response.statusCode = 401
        response.end()
      })
      const refused = yield* callstream(["export", "--base-url", url, "--log", "json"], { cwd })
      assert.strictEqual(refused.code, 1)
      assert.deepStrictEqual(
        lines(refused.stderr).map(({ error, exitCode, reason, type }) => [type, error, reason, exitCode]),
        [["error", "AgniError", "Unauthorized", 1]]
      )
    })
  )

  it.live("prints warnings and what --debug shows as JSON too", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 30, undated: 0 })
      const args = ["export", "--log", "json", "--to", "a.ndjson", "--redact", "phone", "--dead-letters-raw", "--debug"]
      const { stderr } = yield* run(args, { cwd })
      const all = lines(stderr)
      assert.includeMembers(
        all.map(({ type }) => type),
        ["warning", "debug", "summary"]
      )
      assert.isTrue(all.every(({ time, type }) => typeof time === "string" && typeof type === "string"))
    })
  )
})
