import { type AgniError, CallSession, CallSessions } from "@callstream/effect3"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const calls: ReadonlyArray<CallSession.CallSession> = [
  { id: "1", metadata: { lead: 7 }, postCallAnalysisResult: { mood: { type: "enum", value: "good" } } },
  { id: "2", metadata: { lead: "secret words" } },
  { id: "3", metadata: null, postCallAnalysisResult: { mood: "bad" } }
]
const Mine = CallSession.schemaWith({
  metadata: Schema.Struct({ lead: Schema.Number }),
  postCallAnalysisResult: Schema.Struct({ mood: Schema.String })
})
const stream: Stream.Stream<CallSession.CallSession, AgniError> = Stream.fromChunk(Chunk.unsafeFromArray(calls))

describe("decodeWith", () => {
  it.effect("decodes chunks with a schema, the analysis without its wrapping, and gives away what it refuses", () =>
    Effect.gen(function* () {
      const refused: Array<CallSessions.RefusedCall> = []
      const chunks = yield* stream.pipe(
        CallSessions.decodeWith(Mine, { onRejected: (some) => Effect.sync(() => void refused.push(...some)) }),
        Stream.chunks,
        Stream.runCollect
      )
      const moods = Chunk.toReadonlyArray(chunks).map((chunk) =>
        Chunk.toReadonlyArray(chunk).map((call) => call.postCallAnalysisResult?.mood)
      )
      assert.deepStrictEqual(moods, [["good", "bad"]])
      assert.deepStrictEqual(
        refused.map(({ raw, reason, stage }) => [raw.id, reason, stage]),
        [["2", `your schema refused ["metadata"]["lead"]`, "schema"]]
      )
    })
  )
})
