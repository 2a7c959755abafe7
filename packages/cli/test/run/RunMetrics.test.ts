import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PlatformError from "effect/PlatformError"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as RunMetrics from "../../src/run/RunMetrics.ts"
import * as Exposition from "../../src/run/Exposition.ts"
import { alongside, folder, simulation } from "../Callstream.ts"

const read = (path: string) => {
  const families = Exposition.parse(readFileSync(path, "utf8"))
  const series = new Map([...families.values()].flatMap((family) => [...family.series]))
  return { families, value: (key: string) => series.get(key) }
}

describe("--metrics-file", alongside, () => {
  it.live("has rows, latency, requests, proof and success, adds up, and keeps success when a run fails", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, url } = yield* simulation({ sessions: 300, undated: 0 })
      const args = ["export", "--to", "a.ndjson", "--force", "--metrics-file", "m.prom", "--quiet"]
      const begin = Date.now() / 1000
      assert.strictEqual((yield* run(args, { cwd })).code, 0)
      const one = read(join(cwd, "m.prom"))
      const pipeline = 'run="m",callstream_pipeline_name="export"'
      const sink = `${pipeline},callstream_sink_name="a.ndjson"`
      const written = `callstream_sink_rows_total{${sink}}`
      const success = `callstream_last_success_timestamp_seconds{${pipeline}}`
      const sent = (status: number, more = "") =>
        `http_client_request_duration_seconds_count{run="m",http_request_method="GET",server_address="127.0.0.1",url_template="/api/v1/calling/call-sessions",callstream_client_name="default",server_port="${new URL(url).port}",http_response_status_code="${status}"${more}}`
      assert.strictEqual(one.value(written), 300)
      assert.isAbove(one.value(sent(200)) ?? 0, 3)
      assert.isAtLeast(one.value(success) ?? 0, begin)
      assert.strictEqual(one.value(`callstream_unsettled{${pipeline}}`), 0)
      const proven = one.value(`callstream_proven_until_timestamp_seconds{${pipeline}}`) ?? 0
      assert.isTrue(proven > begin - 3 * 3600 && proven < begin)
      for (const operation of ["write", "flush"]) {
        const of = `{${sink},callstream_sink_operation="${operation}"}`
        assert.isAbove(one.value(`callstream_sink_operation_duration_seconds_count${of}`) ?? 0, 0)
      }
      assert.isAtLeast(one.value(`callstream_sink_last_flush_timestamp_seconds{${sink}}`) ?? 0, begin)
      for (const [name, { help, type }] of one.families) {
        assert.match(name, /^(callstream|http_client)_[a-z_]+$/)
        assert.isAbove(help.length, 10, name)
        assert.strictEqual(name.endsWith("_total"), type === "counter", name)
      }
      assert.strictEqual(statSync(join(cwd, "m.prom")).mode & 0o444, 0o444)

      const failed = yield* run([...args, "--retries", "0"], { cwd, env: { AGNI_API_KEY: "wrong" } })
      assert.strictEqual(failed.code, 1)
      const two = read(join(cwd, "m.prom"))
      assert.strictEqual(two.value(success), one.value(success))
      assert.strictEqual(two.value(written), 300)
      assert.strictEqual(two.value(sent(401, ',error_type="401"')), 1)
      assert.strictEqual((yield* run(args, { cwd })).code, 0)
      const three = read(join(cwd, "m.prom"))
      assert.strictEqual(three.value(written), 600)
      assert.isAbove(three.value(sent(200)) ?? 0, one.value(sent(200)) ?? 0)
      assert.deepStrictEqual(
        readdirSync(cwd).filter((name) => name.includes("prom")),
        ["m.prom"]
      )
    })
  )

  it.live("of a sync has how far it is and what sinks lack, and a folder that is not there is a mistake", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 200, undated: 0 })
      const args = ["sync", "--name", "live", "--to", "sqlite:a.db", "--quiet", "--metrics-file"]
      assert.strictEqual((yield* run([...args, "s.prom"], { cwd })).code, 0)
      const { value } = read(join(cwd, "s.prom"))
      const pipeline = 'run="s",callstream_pipeline_name="live"'
      assert.strictEqual(value(`callstream_sink_rows_total{${pipeline},callstream_sink_name="sqlite:a.db"}`), 200)
      assert.strictEqual(value(`callstream_sink_lag{${pipeline},callstream_sink_name="sqlite:a.db"}`), 0)
      assert.isAbove(value(`callstream_last_success_timestamp_seconds{${pipeline}}`) ?? 0, 0)
      assert.isAbove(value(`callstream_proven_until_timestamp_seconds{${pipeline}}`) ?? 0, 0)
      const wrong = yield* run([...args, "nowhere/s.prom"], { cwd })
      assert.deepStrictEqual(
        [wrong.code, wrong.stderr.split("\n")[0]],
        [2, "error: nowhere/s.prom: the folder does not exist (ENOENT)"]
      )
    })
  )

  it.live("a disk that is full leaves the file as it was: whole, or none", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const path = join(cwd, "m.prom")
      const real = yield* FileSystem.FileSystem
      const disk = { isFull: false }
      /** What fits is written. */
      const half = (file: FileSystem.File) => (bytes: Uint8Array) =>
        Effect.andThen(
          file.writeAll(bytes.subarray(0, 10)),
          PlatformError.systemError({
            _tag: "Unknown",
            module: "FileSystem",
            method: "writeAll",
            cause: Object.assign(new Error("full"), { code: "ENOSPC" })
          })
        )
      const full = FileSystem.make({
        ...real,
        open: (name, options) =>
          Effect.map(
            real.open(name, options),
            (file) =>
              new Proxy(file, {
                get: (target, key) =>
                  key === "writeAll" && disk.isFull ? half(target) : Reflect.get(target, key, target)
              })
          )
      })
      const counter = Metric.counter("callstream_test_total", {
        description: "A counter of this test",
        incremental: true
      })
      const run = (isFull: boolean) =>
        RunMetrics.writing(
          path,
          Effect.andThen(
            Metric.update(counter, 1),
            Effect.sync(() => {
              disk.isFull = isFull
            })
          )
        ).pipe(Effect.provideService(FileSystem.FileSystem, full))
      yield* run(true)
      assert.isEmpty(readdirSync(cwd))
      const error = yield* Effect.flip(run(true))
      assert.strictEqual(error.reason._tag, "Full")
      assert.isEmpty(readdirSync(cwd))
      disk.isFull = false
      yield* run(false)
      const whole = readFileSync(path, "utf8")
      assert.include(whole, "callstream_test_total")
      yield* run(true)
      assert.include(readFileSync(path, "utf8"), 'callstream_test_total{run="m"}')
      assert.deepStrictEqual(readdirSync(cwd), ["m.prom"])
      assert.match(readFileSync(path, "utf8"), /\n$/)
    }).pipe(Effect.provide([NodeServices.layer, Layer.fresh(Layer.succeed(Metric.MetricRegistry, new Map()))]))
  )
})
