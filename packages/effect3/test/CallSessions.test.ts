import {
  type AgniClient,
  type AgniError,
  CallSession,
  CallSessions,
  Coverage,
  Instant,
  Ledger,
  StoredLedger
} from "@callstream/effect3"
import { AgniSimulator } from "@callstream/effect3/testing"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const small: AgniSimulator.Options = { sessions: 105, content: "minimal", undated: 0 }
const layer = (options: AgniSimulator.Options = {}) => AgniSimulator.layerClient({ ...small, ...options })
const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.map(Stream.runCollect(stream), (chunk) => Chunk.toReadonlyArray(chunk))
const idsOf = (calls: ReadonlyArray<{ readonly id: string }>) => calls.map(({ id }) => id)

/** Takes the ids of some calls away. */
const withoutIds = HttpClient.transformResponse(
  Effect.flatMap((response) =>
    Effect.map(response.text, (text) =>
      HttpClientResponse.fromWeb(response.request, new Response(text.replaceAll(/"id":"[0-3]/g, '"no":"'), response))
    )
  )
)

/** The messages that are logged. */
const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    lines.push(`${logLevel.label} ${Array.isArray(message) ? message.join(" ") : String(message)}`)
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
}

describe("sessions", () => {
  it.effect("reads every call once, in chunks of a window", () =>
    Effect.gen(function* () {
      const chunks = yield* collect(Stream.chunks(CallSessions.sessions()))
      const ids = chunks.flatMap((chunk) => idsOf(Chunk.toReadonlyArray(chunk)))
      const simulator = yield* AgniSimulator.AgniSimulator
      assert.strictEqual(new Set(ids).size, 1005)
      assert.lengthOf(ids, 1005)
      assert.deepStrictEqual(simulator.missed(ids), [])
      assert.isBelow(chunks.length, 20)
    }).pipe(Effect.provide(layer({ sessions: 1005 })))
  )

  it.effect("reads a range, and a filter", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const [agentId = ""] = simulator.agentIds
      const from = new Date(Date.parse(simulator.now()) - 10 * 86_400_000)
      const calls = yield* collect(CallSessions.sessions({ from, agentId }))
      assert.isAbove(calls.length, 0)
      assert.sameMembers(idsOf(calls), idsOf(simulator.truth({ from, agentId })))
    }).pipe(Effect.provide(layer({ sessions: 300 })))
  )

  it.effect("gives rejected records and windows to their callbacks, before the calls", () =>
    Effect.gen(function* () {
      const rejected: Array<string> = []
      const verdicts: Array<string> = []
      const calls = yield* collect(
        CallSessions.sessions({
          onRejected: (some) => Effect.sync(() => void rejected.push(...some.map(({ stage }) => stage))),
          onWindow: ({ coverage }) => Effect.sync(() => void verdicts.push(Coverage.verdict(coverage)))
        })
      )
      assert.strictEqual(calls.length + rejected.length, 105)
      assert.include(rejected, "decode")
      assert.include(verdicts, "provisional")
    }).pipe(Effect.provide(AgniSimulator.layerClient(small, { transformClient: withoutIds })))
  )

  it.effect("logs what was left out and what is not proven, by the app's logger", () => {
    const log = logged()
    return Effect.gen(function* () {
      yield* Stream.runDrain(CallSessions.sessions())
      assert.isTrue(
        log.lines.some((line) => line.startsWith("WARN not proven complete: ")),
        log.lines.join("\n")
      )
    }).pipe(Effect.provide(layer({ filterAfterPaging: "all" })), Effect.provide(log.layer))
  })

  it.effect("asks for nothing before it runs, and not much ahead of a consumer that stops", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const stream = CallSessions.sessions({ pageSize: 20 })
      assert.isEmpty(simulator.requests)
      const seen: Array<number> = []
      yield* stream.pipe(
        Stream.take(1),
        Stream.runForEach(() =>
          Effect.promise(async () => {
            for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setTimeout(resolve))
            seen.push(simulator.requests.length)
          })
        )
      )
      const [ahead = Infinity] = seen
      assert.isBelow(ahead, 200)
      assert.isBelow(simulator.requests.length - ahead, 10)
    }).pipe(Effect.provide(layer({ sessions: 10_000 })))
  )

  it.effect("begins with the call that started last, where it is asked to", () =>
    Effect.gen(function* () {
      const calls = yield* collect(CallSessions.sessions({ order: "newest" }))
      const starts = calls.map((call) => CallSession.startInstant(call) ?? 0)
      assert.lengthOf(starts, 1005)
      assert.deepStrictEqual(
        starts,
        starts.toSorted((left, right) => right - left)
      )
    }).pipe(Effect.provide(layer({ sessions: 1005 })))
  )

  it.effect("refuses a profile that is none", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const error = yield* Effect.flip(Stream.runDrain(CallSessions.sessions({ profile: { version: 7 } })))
      assert.deepInclude(error.reason, { _tag: "InvalidRequest", parameter: "profile" })
      assert.isEmpty(simulator.requests)
    }).pipe(Effect.provide(layer()))
  )

  for (const order of ["oldest", "newest"] as const) {
    it.effect(`resumes after errors, ${order} first: each call comes once`, () =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.AgniSimulator
        const heard: Array<string> = []
        const retry = Schedule.spaced("1 minute").pipe(
          Schedule.tapInput((error: AgniError) => Effect.sync(() => void heard.push(error.reason._tag)))
        )
        const calls = yield* AgniSimulator.inTime(collect(CallSessions.sessions({ order, pageSize: 20, retry })))
        assert.isAbove(heard.length, 1)
        assert.strictEqual(new Set(idsOf(calls)).size, calls.length)
        assert.deepStrictEqual(simulator.missed(idsOf(calls)), [])
      }).pipe(
        Effect.provide(AgniSimulator.layerClient({ ...small, sessions: 405, faultRate: 0.1 }, { retry: { tries: 1 } }))
      )
    )
  }

  it.effect("does not resume after an error that does not pass, nor beyond its schedule", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const heard: Array<string> = []
      const retry = Schedule.recurs(3).pipe(
        Schedule.tapInput((error: AgniError) => Effect.sync(() => void heard.push(error.reason._tag)))
      )
      const read = Effect.flip(Stream.runDrain(CallSessions.sessions({ retry })))
      simulator.failNext(1, { _tag: "Status", status: 403 })
      assert.strictEqual((yield* AgniSimulator.inTime(read)).reason._tag, "Forbidden")
      assert.isEmpty(heard)
      simulator.failNext(100, { _tag: "Status", status: 503 })
      assert.strictEqual((yield* AgniSimulator.inTime(read)).reason._tag, "Unavailable")
      assert.lengthOf(heard, 4)
    }).pipe(Effect.provide(AgniSimulator.layerClient(small, { retry: { tries: 1 } })))
  )

  it.effect("fails with an AgniError whose reasons are tagged errors", () =>
    Effect.gen(function* () {
      const failed = CallSessions.sessions({ pageSize: -1 })
      const whole = yield* Stream.runCount(failed).pipe(
        Effect.catchTag("AgniError", ({ reason }) => Effect.succeed(reason._tag))
      )
      assert.strictEqual(whole, "InvalidRequest")
      const parameter = yield* Stream.runCount(failed).pipe(
        Effect.mapError(({ reason }) => reason),
        Effect.catchTags({ InvalidRequest: ({ parameter }) => Effect.succeed(parameter) })
      )
      assert.strictEqual(parameter, "pageSize")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("has types that say what it needs and how it fails", () => {
    const typed: Stream.Stream<CallSession.CallSession, AgniError, AgniClient> = CallSessions.sessions()
    return Effect.map(Effect.provide(Stream.runCount(typed), layer()), (count) => assert.strictEqual(count, 105))
  })
})

describe("windows", () => {
  it.effect("have the shapes of core, and the errors of this package", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      for (const { id } of simulator.truth().slice(0, 1)) simulator.poison(id)
      const windows = yield* collect(CallSessions.windows({}, { keepGoing: true, horizon: "1 hour" }))
      const errors = windows.flatMap(({ coverage }) => (coverage._tag === "Gap" ? [coverage.error] : []))
      assert.isAbove(errors.length, 0)
      assert.isTrue(errors.every(({ _tag, reason }) => _tag === "AgniError" && reason._tag === "Unavailable"))
      const [first] = windows
      assert.match(first === undefined ? "" : Instant.format(first.from), /^\d{4}-\d\d-\d\dT/)
      assert.strictEqual(
        windows.reduce((sum, { rows }) => sum + rows.sessions().length, 0),
        104
      )
    }).pipe(AgniSimulator.inTime, Effect.provide(layer()))
  )
})

describe("pages", () => {
  it.effect("are in the server's order", () =>
    Effect.gen(function* () {
      const pages = yield* collect(CallSessions.pages({ pageSize: 50 }))
      assert.deepStrictEqual(
        pages.map(({ rows }) => rows.length),
        [50, 50, 5]
      )
    }).pipe(Effect.provide(layer()))
  )
})

describe("changes", () => {
  const changes = CallSessions.changes({ name: "copy", from: "2020-01-01" })

  it.effect("come until they are acknowledged", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const first = yield* collect(changes)
      assert.sameMembers(idsOf(first), idsOf(simulator.truth()))
      const copy = new Map<string, CallSession.CallSession>()
      yield* Stream.runForEach(changes, ({ acknowledge, id, session }) =>
        Effect.zipRight(
          Effect.sync(() => session && copy.set(id, session)),
          acknowledge
        )
      )
      assert.strictEqual(copy.size, 105)
      assert.lengthOf(yield* collect(changes), 0)
      const id = simulator.add()
      assert.deepStrictEqual(idsOf(yield* collect(changes)), [id])
    }).pipe(Effect.provide(layer()), Effect.provide(Ledger.layerMemory))
  )

  it.effect("are acknowledged before their stream ends", () =>
    Effect.gen(function* () {
      const late = Option.getOrThrow(yield* Stream.runLast(changes))
      const error = yield* Effect.flip(late.acknowledge)
      assert.deepInclude(error, { _tag: "LedgerError" })
      assert.deepStrictEqual(error.reason, { _tag: "LoopEnded" })
    }).pipe(Effect.provide(layer()), Effect.provide(Ledger.layerMemory))
  )

  it.effect("report looks, and hold their ledger", () =>
    Effect.gen(function* () {
      const looks: Array<string> = []
      const stream = CallSessions.changes({
        name: "copy",
        from: "2020-01-01",
        onLook: ({ why }) => Effect.sync(() => void looks.push(why))
      })
      const held = yield* Stream.runHead(Stream.mapEffect(stream, () => Effect.flip(Stream.runCount(changes))))
      const error = Option.getOrThrow(held)
      assert.deepStrictEqual(error._tag === "LedgerError" && error.reason._tag, "Held")
      assert.include(looks, "new")
    }).pipe(Effect.provide(layer()), Effect.provide(Ledger.layerMemory))
  )

  it.effect("keep a ledger in a store of one's own, whose failures are theirs", () => {
    const kept = new Map<string, string>()
    const broken = { isBroken: false }
    const store = StoredLedger.layer({
      name: "the map",
      read: () => Effect.succeed(kept),
      write: (_, { put, remove }) =>
        Effect.suspend(() => {
          if (broken.isBroken) return Effect.fail({ message: "no space left" })
          for (const [key, value] of put) kept.set(key, value)
          for (const key of remove) kept.delete(key)
          return Effect.void
        })
    })
    return Effect.gen(function* () {
      yield* Stream.runForEach(changes, ({ acknowledge }) => acknowledge)
      assert.isAbove(kept.size, 100)
      broken.isBroken = true
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.add()
      const error = yield* Effect.flip(Stream.runDrain(changes))
      assert.strictEqual(error._tag, "LedgerError")
      assert.include(error.message, "no space left")
    }).pipe(Effect.provide(Layer.merge(layer(), store)))
  })
})

describe("a call", () => {
  it.effect("has a schema, also with your own fields", () =>
    Effect.gen(function* () {
      const [call] = yield* collect(Stream.take(CallSessions.sessions(), 1))
      assert.isTrue(Schema.is(CallSession.CallSession)(call))
      const Mine = CallSession.schemaWith({ metadata: Schema.Struct({ source: Schema.String }) })
      const decoded = Schema.decodeUnknownSync(Mine)({ id: "a", metadata: { source: "crm" }, more: 1 })
      const source: string | undefined = decoded.metadata?.source
      assert.strictEqual(source, "crm")
      assert.strictEqual(Schema.decodeUnknownEither(Mine)({ id: "a", metadata: { source: 1 } })._tag, "Left")
      assert.strictEqual(Schema.decodeUnknownEither(Mine)({ id: "a", metadata: null })._tag, "Right")
    }).pipe(Effect.provide(layer({ content: "varied" })))
  )
})
