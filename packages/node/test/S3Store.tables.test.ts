/** Parquet and CSV in a bucket, in runs that end after each batch, read by DuckDB. */
import * as CsvSink from "@callstream/core/sink/CsvSink"
import * as Column from "@callstream/core/model/Column"
import type { CallSession } from "@callstream/core/model/CallSession"
import { startInstant } from "@callstream/core/model/CallSession"
import type { Committed } from "@callstream/core/model/Committed"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as ParquetSink from "@callstream/node/ParquetSink"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import * as Duck from "./Duck.ts"
import * as S3Server from "./S3Server.ts"
import * as S3Sinks from "./S3Sinks.ts"
import * as SinkStore from "./SinkStore.ts"

const server = await S3Server.start(S3Sinks.partBytes)
afterAll(() => server.close())

const sessions = Array.from({ length: 60 }, (_, at): CallSession => ({
  id: `session-${at}`,
  callerNumber: `+1555${at}`,
  startedAt: `2026-07-${at < 30 ? "01" : "02"}T10:${String(at % 60).padStart(2, "0")}:00Z`
}))

/** Each batch in a run of its own: what it committed is all that the next one knows, as JSON keeps it. */
const inRuns = Effect.fnUntraced(function* (sink: SessionSink.SessionSink<CallSession>) {
  let left = Option.none<Committed>()
  for (let at = 0; at <= sessions.length; at += 10) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const writer = yield* sink.open({ ...SessionSink.opening(left), covers: {} })
        const rows = sessions.slice(at, at + 10)
        const items = rows.map((row) => ({ id: row.id, start: startInstant(row), row }))
        if (rows.length > 0) yield* writer.write({ items, columns: Column.ofSession, observedAt: Version.of(1) })
        const end = items.at(-1)?.start
        const committed = yield* writer.flush(end === undefined ? "end" : Position.of(end))
        left = Option.some(JSON.parse(JSON.stringify(committed)) as Committed)
        if (rows.length === 0) yield* writer.finish
      })
    )
  }
})

/** The bucket's objects under a prefix, as files. */
const mirror = (prefix: string) =>
  Effect.map(SinkStore.folder, (folder) => {
    for (const key of server.keys().filter((key) => key.startsWith(prefix))) {
      const path = join(folder, key.slice(prefix.length))
      Fs.mkdirSync(dirname(path), { recursive: true })
      Fs.writeFileSync(path, server.read(key) ?? "")
    }
    return folder
  })

const tables: Readonly<Record<string, (at: S3Sinks.At) => ReturnType<typeof ParquetSink.make>>> = {
  parquet: (at) => ParquetSink.make({ ...at, rotate: "day" }),
  csv: (at) => CsvSink.make({ ...at, rotate: "day" })
}

describe.each(Object.entries(tables))("%s in a bucket", (format, make) => {
  it.live("in partitions of days, by runs that end after each batch, is read by a glob", () =>
    Effect.gen(function* () {
      const prefix = `${format}/`
      const store = yield* S3Sinks.bucketOf(server)
      const path = `s3://${S3Server.bucket}/${prefix}calls.${format}`
      yield* inRuns(SinkStore.provided(make({ path, store })))
      const folder = yield* mirror(prefix)
      const read = `read_${format}('${folder}/date=*/*.${format}', hive_partitioning = true)`
      const rows = yield* Effect.promise(() =>
        Duck.all(
          `SELECT date::VARCHAR AS date, count(DISTINCT id)::INTEGER AS n, count(*)::INTEGER AS all FROM ${read} GROUP BY 1 ORDER BY 1`
        )
      )
      assert.deepStrictEqual(rows, [
        { date: "2026-07-01", n: 30, all: 30 },
        { date: "2026-07-02", n: 30, all: 30 }
      ])
      assert.deepStrictEqual(
        server.keys().filter((key) => key.startsWith(prefix)),
        [
          `${prefix}calls.manifest.json`,
          `${prefix}date=2026-07-01/calls-2026-07-01.${format}`,
          `${prefix}date=2026-07-02/calls-2026-07-02.${format}`
        ]
      )
      assert.deepStrictEqual(server.uploads(), [])
      const manifest = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ complete: Schema.Boolean })))
      assert.isTrue(manifest(String(server.read(`${prefix}calls.manifest.json`))).complete)
    })
  )
})
