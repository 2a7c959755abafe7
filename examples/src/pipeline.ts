/**
 * Last week's longer calls, without phone numbers and addresses, in a file: `node src/pipeline.ts [FOLDER]`. Kill it and
 * start it again: it goes on where it was.
 */
import { DeadLetterFile, FileCheckpoint, HistorySource, NdjsonSink, Pipeline, Transform } from "@callstream/core"
import { NodeProcessOwner } from "@callstream/node"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, DateTime, Effect, Layer } from "effect"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Agni from "./Agni.ts"

const transform = Transform.sessions.pipe(
  Transform.where("durationSec >= 60", ({ durationSec }) => (durationSec ?? 0) >= 60),
  Transform.redact({ phone: "mask", email: "mask", recording: "drop" })
)

/** The seven days before a date, whenever it runs: a range that moves could not be gone on with. */
export const week = (folder: string, before: DateTime.DateTime) => {
  const range = { from: DateTime.subtract(before, { days: 7 }), to: before }
  const name = `week-before-${DateTime.formatIsoDateUtc(before)}`
  const path = join(folder, `${name}.ndjson`)
  const pipeline = Pipeline.make({
    name,
    source: HistorySource.make(range),
    transform,
    sinks: [NdjsonSink.make({ path })],
    deadLetters: DeadLetterFile.make(`${path}.dead-letters.ndjson`)
  })
  return { path, pipeline }
}

const program = Effect.fnUntraced(function* (folder: string) {
  const today = DateTime.startOf(yield* DateTime.now, "day")
  const { path, pipeline } = week(folder, today)
  const { dead, filtered, finishedBefore, received } = yield* pipeline.run()
  yield* Console.log(
    finishedBefore
      ? `Nothing is left to do: ${path} is complete.`
      : `${received} calls read, ${filtered} of them too short, ${dead} put aside: ${path}`
  )
})

if (import.meta.main) {
  const folder = process.argv[2] ?? join(tmpdir(), "callstream-pipeline")
  const state = FileCheckpoint.layer({ folder }).pipe(Layer.provide(NodeProcessOwner.layer))
  program(folder).pipe(
    Effect.provide(Layer.merge(state, Agni.layer).pipe(Layer.provideMerge(NodeServices.layer))),
    NodeRuntime.runMain
  )
}
