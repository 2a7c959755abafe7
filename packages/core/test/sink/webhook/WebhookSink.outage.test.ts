/** The receiver is down for a day, and what nobody may read stays unread. */
import * as Position from "@callstream/core/model/Position"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { failed } from "../file/MemoryFileSystem.ts"
import * as Disk from "./Disk.ts"
import * as Receiver from "./Receiver.ts"
import { batch, ids, inTime, item, observedAt, run, settle } from "./run.ts"

const day = 86_400_000

describe("WebhookSink, while the receiver is down for a day", () => {
  it.effect("holds little, asks seldom, says it once, and comes back slowly with everything", () =>
    Effect.gen(function* () {
      const receiver = Receiver.make()
      const disk = Disk.make()
      const failures: ReadonlyArray<Receiver.Reply> = ["reset", 503, "hang", 500, { code: "ECONNREFUSED" }, 503, 502]
      receiver.delay(40)
      receiver.answer(({ at, number }) =>
        at > 1000 && at < 1000 + day ? (failures[number % failures.length] ?? 503) : 204
      )
      const statuses: Array<WebhookSink.Status> = []
      const windows = 20
      const sessions = 400
      let written = 0
      const history = run(
        { disk, receiver },
        Effect.fnUntraced(function* (writer) {
          for (let w = 0; w < windows; w++) {
            const rows = Array.from({ length: sessions }, (_, at) => item(`w${w}-${at}`, { w, at }))
            assert.deepStrictEqual(yield* writer.write(batch(rows, observedAt + w)), [])
            yield* writer.flush(Position.of(observedAt + w))
            written++
          }
        }),
        { batchSize: 10, onStatus: (status) => Effect.sync(() => statuses.push(status)) }
      )
      const fiber = yield* Effect.forkChild(history)
      const step = (duration: Duration.Input) => Effect.andThen(settle, TestClock.adjust(duration))
      yield* Effect.repeat(step("20 millis"), { times: 54 })
      const before = receiver.taken.length
      const writtenBefore = written
      assert.isAbove(before, 40)

      yield* Effect.repeat(step("1 minute"), { times: 60 * 24 - 2 })
      const asked = receiver.messages.length - before
      assert.isAbove(asked, 400)
      assert.isBelow(asked, 1600)
      assert.strictEqual(receiver.taken.length, before)
      assert.strictEqual(written, writtenBefore)
      assert.isAtMost(disk.most(), 4)
      assert.lengthOf(disk.names(), 4)
      assert.deepStrictEqual(
        statuses.map(({ _tag }) => _tag),
        ["Waiting"]
      )

      for (let times = 0; times < 5000 && fiber.pollUnsafe() === undefined; times++) yield* step("40 millis")
      for (let times = 0; times < 5000 && fiber.pollUnsafe() === undefined; times++) yield* step("1 second")
      yield* Fiber.join(fiber)
      const back = receiver.taken.slice(before).map(({ at }) => at)
      const within = (millis: number) => back.filter((at) => at - (back[0] ?? 0) < millis).length
      assert.isAtLeast(back[0] ?? 0, 1000 + day)
      // At most a minute and a time-out late.
      assert.isAtMost(back[0] ?? 0, 1000 + day + 100_000)
      assert.isAtMost(within(1000), 2)
      assert.isAtMost(within(5000), 9)
      assert.isAtMost(within(9000), 30)
      assert.deepStrictEqual(
        statuses.map(({ _tag }) => _tag),
        ["Waiting", "Back"]
      )
      assert.strictEqual(receiver.state().size, windows * sessions)
      assert.isAtMost(disk.most(), 4)
      assert.deepStrictEqual(disk.names(), [])
      assert.strictEqual(receiver.most(), 4)
    })
  )
})

describe("WebhookSink keeps to itself", () => {
  const canary = {
    secret: "Q0FOQVJZU0VDUkVUQ0FOQVJZU0VDUkVU",
    path: "canarypath7f3a",
    query: "canaryquery9b2c",
    user: "canaryuser",
    password: "canarypassword",
    phone: "+15550199777",
    recording: "canaryrecording5d1e"
  }
  const url = `https://${canary.user}:${canary.password}@hooks.example.com/${canary.path}?t=${canary.query}`
  const row = {
    id: "a",
    callerNumber: canary.phone,
    recordingUrl: `https://media.example.com/a?token=${canary.recording}`
  }

  /** Everything that somebody could read, and the files by themselves. */
  const told = (
    answer: (message: Receiver.Message) => Receiver.Reply,
    setUp: (disk: Disk.Disk) => void = () => {},
    more: Partial<WebhookSink.Options> = {}
  ) =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const disk = Disk.make()
      setUp(disk)
      const receiver = Receiver.make(answer)
      const logger = Logger.make((options) => {
        said.push(Inspectable.toStringUnknown({ ...options, fiber: undefined }), String(options.message))
      })
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const spans: Array<Tracer.NativeSpan> = []
      const options: Partial<WebhookSink.Options> = {
        url: Redacted.make(url),
        secrets: Redacted.make(`whsec_${canary.secret}`),
        giveUpAfter: "2 minutes",
        ...more
      }
      const result = yield* inTime(
        Effect.result(run({ disk, receiver }, (writer) => writer.write(batch([item("a", row), "b"])), options))
      ).pipe(
        Effect.withSpan("test"),
        Effect.provide(
          Layer.mergeAll(
            Logger.layer([logger]),
            Layer.succeed(References.MinimumLogLevel, "All"),
            Layer.succeed(Tracer.Tracer, tracer)
          )
        )
      )
      if (result._tag === "Failure") {
        const error = result.failure
        said.push(error.message, String(error.stack), JSON.stringify(error), Inspectable.toStringUnknown(error))
      } else said.push(JSON.stringify(result.success))
      for (const { attributes, events, name } of spans) said.push(JSON.stringify([name, [...attributes], events]))
      const sink = WebhookSink.make({ organization: "o", spool: "/s", ...options } as WebhookSink.Options)
      said.push(sink.name, ...disk.names(), ...disk.folders().map(([name]) => name))
      return { said, files: disk.texts(), receiver }
    })

  it.effect.each<readonly [string, Receiver.Reply]>([
    ["a success", 204],
    ["an outage", 503],
    ["no host", { code: "ENOTFOUND" }],
    ["a refusal of the signature", 401],
    ["a refusal of the record", 422],
    ["a redirect", { status: 302, headers: { location: `${url}/elsewhere` } }],
    ["a certificate", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }]
  ])("at %s", ([, reply]) =>
    Effect.gen(function* () {
      const { files, receiver, said } = yield* told(() => reply)
      assert.isNotEmpty(receiver.messages)
      assert.isAbove(said.length, 3)
      for (const [name, value] of Object.entries(canary)) {
        for (const text of said) assert.notInclude(text, value, name)
      }
      for (const text of files) {
        for (const name of ["secret", "path", "query", "user", "password"] as const) {
          assert.notInclude(text, canary[name], name)
        }
      }
    })
  )

  it.effect("at a full disk and a wrong secret", () =>
    Effect.gen(function* () {
      const full = yield* told(
        () => 204,
        (disk) =>
          disk.intercept(({ method, path }) =>
            method === "writeAll" ? Effect.fail(failed(method, path, "ENOSPC")) : Effect.void
          )
      )
      assert.match(full.said.join(), /ENOSPC/)
      for (const value of Object.values(canary)) assert.notInclude(full.said.join("\n"), value)
      const wrong = yield* told(() => 204, undefined, { secrets: Redacted.make(canary.secret) })
      assert.match(wrong.said.join(), /does not begin with whsec_/)
      assert.notInclude(wrong.said.join("\n"), canary.secret)
    })
  )

  it.effect("says that the receiver is down as a warning, without an option", () =>
    Effect.gen(function* () {
      const { said } = yield* told(({ at }) => (at < 60_000 ? 503 : 204), undefined, { giveUpAfter: "1 hour" })
      assert.match(said.join("\n"), /answered 503: the run waits/)
      assert.match(said.join("\n"), /is back after/)
    })
  )

  it.effect("has all of a long list of sessions", () =>
    Effect.gen(function* () {
      const receiver = Receiver.make()
      yield* run({ receiver, disk: Disk.make() }, (writer) => writer.write(batch(ids(2000))))
      assert.strictEqual(receiver.state().size, 2000)
    })
  )
})
