import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, simulation, until } from "../Callstream.ts"

const taken = (option: string, path: string) =>
  `error: ${option}: ${path} is there already, and is not a coverage report\n` +
  "  Move it away, name another file with --coverage, or add --force to replace it.\n"

describe("a file in place of a coverage report", alongside, () => {
  for (const [kind, text] of [
    ["text", "mine\n"],
    ["an empty file", ""],
    ["JSON of another program", '{"windows":[]}'],
    ["the calls of another export", '{"id":"1"}\n']
  ] as const)
    it.live(`${kind} is refused before anything is read, and stays as it is`, () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator } = yield* simulation()
        writeFileSync(join(cwd, "mine.json"), text)
        writeFileSync(join(cwd, "calls.ndjson.coverage.json"), text)
        for (const [args, option, path] of [
          [["--coverage", "mine.json"], "--coverage", "mine.json"],
          [["--coverage", "mine.json", "--name", "calls"], "--coverage", "mine.json"],
          [[], "--to", "calls.ndjson.coverage.json"],
          [["--name", "calls"], "--to", "calls.ndjson.coverage.json"]
        ] as const) {
          const { code, stderr } = yield* run(["export", "--to", "calls.ndjson", ...args], { cwd })
          assert.deepStrictEqual({ code, stderr }, { code: 2, stderr: taken(option, path) })
        }
        assert.strictEqual(simulator.requests.length, 0)
        assert.strictEqual(readFileSync(join(cwd, "mine.json"), "utf8"), text)
        assert.strictEqual(readFileSync(join(cwd, "calls.ndjson.coverage.json"), "utf8"), text)
        assert.isFalse(existsSync(join(cwd, "calls.ndjson")))
      })
    )

  it.live("is replaced with --force, and a coverage report without it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      const at = (name: string) => join(cwd, name)
      const reported = (name: string) => JSON.parse(readFileSync(at(name), "utf8")).of
      writeFileSync(at("a.ndjson.coverage.json"), "mine")
      const forced = yield* run(["export", "--to", "a.ndjson", "--force"], { cwd })
      assert.deepStrictEqual([forced.code, reported("a.ndjson.coverage.json")], [0, 25])
      for (const args of [[], ["--name", "b"]]) {
        const to = `${args.length}.ndjson`
        writeFileSync(at(`${to}.coverage.json`), readFileSync(at("a.ndjson.coverage.json")))
        writeFileSync(at("c.json"), readFileSync(at("a.ndjson.coverage.json")))
        const beside = yield* run(["export", "--to", to, "--since", "2d", ...args], { cwd })
        assert.strictEqual(beside.code, 0, beside.stderr)
        assert.notStrictEqual(reported(`${to}.coverage.json`), 25)
        const named = args.length === 0 ? [] : ["--name", "c"]
        const own = yield* run(["export", "--coverage", "c.json", "--since", "2d", ...named], { cwd })
        assert.strictEqual(own.code, 0, own.stderr)
        assert.notStrictEqual(reported("c.json"), 25)
      }
    })
  )

  it.live("is not replaced either when it appears while the calls are read", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { start } = yield* simulation({ latency: "100 millis" })
      const args = ["export", "--to", "calls.ndjson", "--name", "calls", "--coverage", "mine.json"]
      const { ended } = yield* start(args, { cwd })
      yield* until(() => existsSync(join(cwd, ".callstream")))
      writeFileSync(join(cwd, "mine.json"), "mine")
      const { code, stderr } = yield* ended
      assert.strictEqual(code, 1)
      assert.include(stderr, "mine.json: the file is there already")
      assert.strictEqual(readFileSync(join(cwd, "mine.json"), "utf8"), "mine")
      assert.isTrue(existsSync(join(cwd, "calls.ndjson")))
    })
  )

  it.live("has no say where no report is written beside the calls", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      writeFileSync(join(cwd, "calls.ndjson.coverage.json"), "mine")
      for (const args of [
        ["--rotate", "day"],
        ["--walk", "pages"],
        ["--coverage", "c.json", "--force"]
      ]) {
        const { code, stderr } = yield* run(["export", "--to", "calls.ndjson", ...args], { cwd })
        assert.strictEqual(code, 0, stderr)
      }
      assert.strictEqual(readFileSync(join(cwd, "calls.ndjson.coverage.json"), "utf8"), "mine")
    })
  )
})
