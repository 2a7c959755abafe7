import { CallSessions } from "@callstream/core"
import * as CallSession from "@callstream/core/model/CallSession"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import { clientOf, collect, session, settle } from "./history/Walking.ts"

const Crm = Schema.Struct({ source: Schema.String, score: Schema.NumberFromString })
const Analysis = Schema.Struct({ sentiment: Schema.Literals(["positive", "negative"]) })
const Mine = CallSession.schemaWith({ metadata: Crm, postCallAnalysisResult: Analysis })

const right = {
  id: "a",
  status: "completed",
  metadata: { source: "web", score: "3" },
  postCallAnalysisResult: { sentiment: { type: "enum", value: "positive" } }
}

describe("CallSession.schemaWith", () => {
  it.effect("types your own fields, decoded, and leaves all others", () =>
    Effect.gen(function* () {
      const call = yield* CallSession.decoderWith(Mine)(Object.assign({}, right, { unknown: [1] }))
      const score: number | undefined = call.metadata?.score
      const sentiment: "positive" | "negative" | undefined = call.postCallAnalysisResult?.sentiment
      const status: string | null | undefined = call.status
      assert.deepStrictEqual([score, sentiment, status], [3, "positive", "completed"])
      assert.deepStrictEqual<unknown>(Object.entries(call).at(-1), ["unknown", [1]])
      // @ts-expect-error a misspelt field does not compile
      assert.isUndefined(call.statsu)
      assert.deepStrictEqual<unknown>(yield* Schema.encodeUnknownEffect(Mine)(call), {
        ...right,
        postCallAnalysisResult: { sentiment: "positive" },
        unknown: [1]
      })
    })
  )

  it.effect("keeps each of them optional, and null", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* CallSession.decoderWith(Mine)({ id: "a" }), { id: "a" })
      assert.deepStrictEqual(yield* CallSession.decoderWith(Mine)({ id: "a", metadata: null }), {
        id: "a",
        metadata: null
      })
    })
  )

  it("is one definition of OpenAPI, with another one for the credits, wherever it is used", () => {
    const Calls = HttpApiGroup.make("calls").add(
      HttpApiEndpoint.get("one", "/one", { success: CallSession.CallSession }),
      HttpApiEndpoint.get("all", "/all", { success: Schema.Array(CallSession.CallSession) })
    )
    const { components, paths } = OpenApi.fromApi(HttpApi.make("api").add(Calls))
    assert.deepStrictEqual(Object.keys(components.schemas).sort(), ["CallSession", "CreditBreakdown"])
    assert.notInclude(JSON.stringify(paths), "startedAt")
    assert.include(JSON.stringify(Schema.toJsonSchemaDocument(Mine)), '"#/$defs/CallSession"')
  })

  it("has the schemas of the contract's fields one by one", () => {
    assert.deepStrictEqual(Object.keys(CallSession.Fields.fields), [...CallSession.fieldNames])
    const Brief = CallSession.Fields.mapFields(({ id, status }) => ({ id, status }))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Brief)(right), { id: "a", status: "completed" })
  })
})

const secret = "what a caller said"
const calls: ReadonlyArray<CallSession.CallSession> = [
  right,
  session("b", { metadata: { source: secret, score: [] } }),
  session("c")
]

describe("CallSessions.decodeWith", () => {
  it.effect("decodes in the same arrays, and gives what is refused to onRejected without its values in words", () =>
    Effect.gen(function* () {
      const refused: Array<CallSessions.RefusedCall> = []
      const onRejected = (some: ReadonlyArray<CallSessions.RefusedCall>) =>
        Effect.sync(() => void refused.push(...some))
      const stream = Stream.fromArray(calls).pipe(CallSessions.decodeWith(Mine, { onRejected }))
      const arrays = yield* Stream.runCollect(Stream.chunks(stream))
      assert.deepStrictEqual(
        arrays.map((some) => some.map(({ id, metadata }) => [id, metadata?.score])),
        [
          [
            ["a", 3],
            ["c", undefined]
          ]
        ]
      )
      assert.deepStrictEqual(
        refused.map(({ raw, reason, stage }) => [stage, reason, raw.id]),
        [["schema", 'your schema refused ["metadata"]["score"]', "b"]]
      )
    })
  )

  it.effect("runs schemas that need services, and passes on what they throw", () =>
    Effect.gen(function* () {
      class Sources extends Context.Service<Sources, { readonly known: string }>()("Sources") {}
      const Known = Schema.Struct({ source: Schema.String }).pipe(
        Schema.decodeTo(Schema.String, {
          decode: SchemaGetter.transformEffect(({ source }: { readonly source: string }) =>
            Effect.delay(
              Effect.map(Sources, ({ known }) => `${source} of ${known}`),
              1
            )
          ),
          encode: SchemaGetter.transform((source) => ({ source }))
        })
      )
      const schema = CallSession.schemaWith({ metadata: Known })
      const stream = Stream.fromArray([right]).pipe(CallSessions.decodeWith(schema), Stream.runCollect)
      const [call] = yield* settle(Effect.provideService(stream, Sources, { known: "all" }))
      const metadata: string | null | undefined = call?.metadata
      assert.strictEqual(metadata, "web of all")

      const thrown = new Error("mine")
      const Broken = Schema.Unknown.check(
        Schema.makeFilter(() => {
          throw thrown
        })
      )
      const broken = Stream.fromArray([right]).pipe(
        CallSessions.decodeWith(CallSession.schemaWith({ metadata: Broken })),
        Stream.runDrain
      )
      const exit = yield* Effect.exit(broken)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(Exit.isFailure(exit) ? exit.cause : ""), "mine")
    })
  )

  it.effect("of what a simulator sends loses no call", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 200, content: "varied" })
      const schema = CallSession.schemaWith({ metadata: Schema.Record(Schema.String, Schema.Unknown) })
      const read = CallSessions.sessions().pipe(CallSessions.decodeWith(schema))
      const { elements } = yield* settle(clientOf(simulator)(collect(read)))
      assert.isEmpty(simulator.missed(elements.map(({ id }) => id)))
    })
  )
})
