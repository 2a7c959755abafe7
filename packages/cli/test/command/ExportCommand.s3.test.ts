/** `--to s3://…`: an export to a real S3 server, killed several times. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as S3Server from "../../../node/test/S3Server.ts"
import * as Bucket from "../Bucket.ts"
import { folder, idsOf, simulation, start } from "../Callstream.ts"

const { env, store } = await Bucket.open()
const idsIn = (prefix: string) =>
  Bucket.decodeManifest(String(store.read(`${prefix}calls.manifest.json`))).files.flatMap(({ name }) =>
    idsOf(gunzipSync(store.read(`${prefix}${name}`) ?? "").toString())
  )

describe("export --to s3://", () => {
  for (const rotate of ["day", "40kB"]) {
    it.live(`holds exactly the truth after any kill, with --rotate ${rotate}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const cwd = yield* folder
          const { simulator, url } = yield* simulation({ sessions: 900, span: "4 days", age: "1 day", undated: 0 })
          const prefix = `killed/${rotate}/`
          const run = (kill: (line: string) => boolean) =>
            Effect.scoped(
              Effect.gen(function* () {
                const args = ["export", "--name", "killed", "--base-url", url, "--state", ".callstream"]
                const to = ["--to", `s3://${S3Server.bucket}/${prefix}calls.ndjson.gz`, "--rotate", rotate]
                const more = ["--commit-every", "20ms", "--page-size", "40"]
                const { child, ended } = yield* start([...args, ...to, ...more], { cwd, env })
                store.settings.onRequest = (line) => {
                  if (kill(line)) child.kill("SIGKILL")
                }
                return yield* ended
              })
            )
          let kills = 0
          for (const [what, nth] of [
            ["PUT /calls/killed", 3],
            ["PUT /calls/killed", 8],
            [".ndjson.gz", 12],
            ["manifest.json", 2],
            ["DELETE", 2]
          ] as const) {
            let seen = 0
            const { code } = yield* run((line) => line.includes(what) && ++seen === nth)
            if (code === null) kills++
          }
          const ended = yield* run(() => false)
          assert.strictEqual(ended.code, 0, ended.stderr)
          assert.isAbove(kills, 1)
          const truth = simulator.truth().map(({ id }) => id)
          assert.deepStrictEqual(idsIn(prefix).map(String).toSorted(), truth.map(String).toSorted())
          const left = store.keys().filter((key) => key.startsWith(prefix) && key.includes("_partial"))
          assert.deepStrictEqual(left, [])
          assert.isFalse(existsSync(join(cwd, "s3:")))
        })
      )
    )
  }

  it.live("is written in stretches, a partition a day", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 900, span: "4 days", age: "1 day", undated: 3 })
      const args = ["export", "--stretches", "3", "--page-size", "20", "--to", "s3://calls/beside/calls.ndjson.gz"]
      const done = yield* run([...args, "--rotate", "day"], { cwd, env })
      assert.strictEqual(done.code, 0, done.stderr)
      const truth = simulator.truth().map(({ id }) => id)
      assert.deepStrictEqual(idsIn("beside/").map(String).toSorted(), truth.toSorted())
      const one = yield* run(args, { cwd, env })
      assert.strictEqual(one.code, 2, one.stderr)
      assert.match(one.stderr, /--stretches cannot be used with s3:.*\n.*Add --rotate/)
    })
  )

  it.live("holds the changes of a sync", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 40, span: "2 days", age: "1 day", undated: 0 })
      const args = ["sync", "--name", "log", "--since", "30d", "--to", "s3://calls/log/calls.ndjson", "--rotate", "5kB"]
      const first = yield* run(args, { cwd, env })
      assert.strictEqual(first.code, 0, first.stderr)
      const again = yield* run(args, { cwd, env })
      assert.strictEqual(again.code, 0, again.stderr)
      // What fills no part yet waits beside those that do.
      const named = Bucket.decodeManifest(String(store.read("log/calls.manifest.json"))).files.map(
        ({ name }) => `log/${name}`
      )
      assert.isAbove(named.length, 1)
      const waiting = store.keys().filter((key) => /^log\/_partial\/.*\/piece-[^/]+$/.test(key))
      const events = [...named, ...waiting].flatMap((key) => String(store.read(key)).split("\n").slice(0, -1))
      const calls = events.map((event) => /"sessionId":"([^"]+)"/.exec(event)?.[1])
      assert.strictEqual(new Set(calls).size, 40)
    })
  )

  it.live("says what is missing, and refuses what a bucket cannot have", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 10 })
      const to = (text: string) => ["export", "--to", text]
      const noKeys = yield* run(to("s3://calls/none/calls.csv"), {
        cwd,
        env: { AWS_ENDPOINT_URL_S3: store.endpoint, HOME: cwd }
      })
      assert.notStrictEqual(noKeys.code, 0)
      assert.include(noKeys.stderr, "there are no keys for the store")
      assert.include(noKeys.stderr, "Set AWS_ACCESS_KEY_ID")
      const noAddress = yield* run(to("s3://calls/none/calls.csv"), {
        cwd,
        env: { ...env, AWS_ENDPOINT_URL_S3: "localhost:9000" }
      })
      assert.strictEqual(noAddress.code, 2, noAddress.stderr)
      assert.include(noAddress.stderr, "the address of the store is no URL")
      assert.include(noAddress.stderr, "Set AWS_ENDPOINT_URL_S3 to a URL")
      const noBucket = yield* run(to("s3://no-such-bucket/calls.csv"), { cwd, env })
      assert.include(noBucket.stderr, "the bucket does not exist")
      assert.include(noBucket.stderr, "Make the bucket first")
    })
  )
})
