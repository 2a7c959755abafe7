/** `--to` with the name of a folder: on disk and in a bucket. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as S3Server from "../../../node/test/S3Server.ts"
import * as Bucket from "../Bucket.ts"
import { alongside, folder, idsOf, simulation } from "../Callstream.ts"

const { env, store } = await Bucket.open()
const calls = { sessions: 200, span: "3 days", age: "1 day", undated: 0 } as const

describe("export --to FOLDER/", alongside, () => {
  it.live("writes a file for each day into a bucket, and resumes a finished run as one of that name", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation(calls)
      const to = ["export", "--name", "daily", "--to", `s3://${S3Server.bucket}/daily/`]
      const made = yield* run(to, { cwd, env })
      assert.strictEqual(made.code, 0, made.stderr)
      const { files } = Bucket.decodeManifest(String(store.read("daily/calls.manifest.json")))
      for (const { name } of files) assert.match(name, /^date=(\d{4}-\d\d-\d\d)\/calls-\1\.ndjson$/)
      assert.sameMembers(
        files.flatMap(({ name }) => idsOf(String(store.read(`daily/${name}`)))),
        simulator.truth().map(({ id }) => id)
      )
      const whole = [
        "export",
        "--name",
        "daily",
        "--rotate",
        "day",
        "--to",
        `s3://${S3Server.bucket}/daily/calls.ndjson`
      ]
      const again = yield* run(whole, { cwd, env })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.include(again.stderr, "finished")
    })
  )

  it.live("takes a format and a size", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation(calls)
      const made = yield* run(["export", "--to", "out/", "--format", "ndjson.gz", "--rotate", "5kB"], { cwd })
      assert.strictEqual(made.code, 0, made.stderr)
      assert.match(made.stderr, /^\d+ calls to the files that out\/calls\.manifest\.json names in /)
      // It was made, for its owner alone.
      assert.strictEqual(statSync(join(cwd, "out")).mode & 0o777, 0o700)
      const names = readdirSync(join(cwd, "out")).filter((name) => name.endsWith(".ndjson.gz"))
      assert.isAbove(names.length, 1)
      assert.sameMembers(
        names.flatMap((name) => idsOf(gunzipSync(readFileSync(join(cwd, "out", name))).toString())),
        simulator.truth().map(({ id }) => id)
      )
      yield* Effect.forEach(["csv", "parquet"], (format) =>
        Effect.gen(function* () {
          const raw = format === "csv" ? ["--csv-raw"] : []
          const ended = yield* run(["export", "--to", `${format}/`, "--format", format, ...raw], { cwd })
          assert.strictEqual(ended.code, 0, ended.stderr)
          assert.isTrue(readdirSync(join(cwd, format)).some((name) => name.endsWith(`.${format}`)))
        })
      )
    })
  )

  it.live("a pipeline has the format as a key", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation(calls)
      writeFileSync(join(cwd, "calls.yaml"), "sinks: [{ to: out/, format: csv }]\nstate: false\n")
      const made = yield* run(["run", "calls.yaml"], { cwd })
      assert.strictEqual(made.code, 0, made.stderr)
      assert.include(readdirSync(join(cwd, "out")).join(), "calls.manifest.json")
    })
  )
})
