/**
 * Calls with their owner from a CRM, in a file: `node src/enrich.ts [FOLDER]`. A call that the CRM does not know goes to
 * the dead-letter file; when the CRM is down for good the run fails, and the next one resumes.
 */
import {
  type CallSession,
  DeadLetterFile,
  FileCheckpoint,
  HistorySource,
  NdjsonSink,
  Pipeline,
  Transform
} from "@callstream/core"
import { NodeProcessOwner } from "@callstream/node"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Context, Data, Effect, Layer, Schedule } from "effect"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Agni from "./Agni.ts"

export class CrmError extends Data.TaggedError("CrmError")<{ readonly status: number }> {}

/** One request for many numbers: asked once a batch, not once a call. */
export class Crm extends Context.Service<
  Crm,
  { readonly ownersOf: (numbers: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, string>, CrmError> }
>()("examples/Crm") {
  /** A CRM that knows the numbers that end in an even digit. Another one is an HTTP client in its place. */
  static readonly layerMemory = Layer.succeed(Crm, {
    ownersOf: (numbers) =>
      Effect.succeed(
        new Map(numbers.filter((number) => Number(number.at(-1)) % 2 === 0).map((number) => [number, "Ada"]))
      )
  })
}

/** The row, with `owner`. A call without a number has none; one whose number the CRM does not know is rejected. */
const withOwner = Transform.effect({
  label: "owner from the CRM",
  columns: (columns) => [...columns, { name: "owner", type: "text" }],
  run: Effect.fnUntraced(function* (calls: ReadonlyArray<Pick<CallSession.CallSession, "id" | "callerNumber">>) {
    const crm = yield* Crm
    const numbers = new Set(calls.flatMap(({ callerNumber }) => callerNumber ?? []))
    const owners = yield* Effect.retry(crm.ownersOf([...numbers]), {
      schedule: Schedule.exponential("200 millis"),
      times: 4
    })
    return calls.map((call) => {
      const owner = owners.get(call.callerNumber ?? "")
      if (owner === undefined && typeof call.callerNumber === "string") {
        return new Transform.TransformError("the CRM does not know the caller's number")
      }
      return { ...call, owner: owner ?? null }
    })
  })
})

/** The retried request and its error are in the pipeline's type, and so is `Crm`. */
export const enrich = (folder: string) => {
  const path = join(folder, "calls-with-owners.ndjson")
  const pipeline = Pipeline.make({
    name: "enrich",
    source: HistorySource.make(),
    transform: Transform.sessions.pipe(
      Transform.where("inbound", ({ channel }) => channel === "inbound_call"),
      Transform.pick(["id", "startedAt", "callerNumber", "durationSec"]),
      Transform.andThen(withOwner)
    ),
    sinks: [NdjsonSink.make({ path })],
    deadLetters: DeadLetterFile.make(`${path}.dead-letters.ndjson`),
    maxDeadShare: 1
  })
  return { path, pipeline }
}

const program = Effect.fnUntraced(function* (folder: string) {
  const { path, pipeline } = enrich(folder)
  const { dead, finishedBefore, sinks } = yield* pipeline.run()
  const [file] = sinks
  yield* Console.log(
    finishedBefore
      ? `${path} is complete already.`
      : `${file?.written ?? 0} calls with their owners in ${path}, ${dead} that the CRM does not know beside it`
  )
})

if (import.meta.main) {
  const folder = process.argv[2] ?? join(tmpdir(), "callstream-enrich")
  const state = FileCheckpoint.layer({ folder }).pipe(Layer.provide(NodeProcessOwner.layer))
  program(folder).pipe(
    Effect.provide(Layer.mergeAll(state, Agni.layer, Crm.layerMemory).pipe(Layer.provideMerge(NodeServices.layer))),
    NodeRuntime.runMain
  )
}
