import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as NdjsonFiles from "./file/NdjsonFiles.ts"

const session = (id: number): CallSession => ({ id: String(id), startedAt: `2026-07-30T10:00:${10 + (id % 50)}Z` })
const sessions = Array.from({ length: 40 }, (_, id) => session(id))

/** A sink that tells what it was asked to do. */
const telling = (refuse: (id: string) => boolean = () => false) => {
  const calls: Array<string> = []
  const sink: SessionSink.SessionSink<CallSession> = SessionSink.make({
    name: "told",
    delivery: "append",
    open: ({ from }) =>
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => void calls.push(`open ${from._tag}`)),
          () => Effect.sync(() => void calls.push("close"))
        ),
        {
          committed: from,
          write: ({ columns, items }) =>
            Effect.sync(() => {
              calls.push(`write ${items.length}`)
              assert.lengthOf(columns, 26)
              for (const { id, row, start } of items) assert.deepStrictEqual([row.id, start === undefined], [id, false])
              return items.filter(({ id }) => refuse(id)).map(({ id }) => ({ id, reason: "it is odd" }))
            }),
          flush: (cursor) =>
            Effect.sync(() => {
              calls.push("flush")
              return { at: cursor, note: null }
            }),
          finish: Effect.sync(() => void calls.push("finish"))
        }
      )
  })
  return { calls, sink }
}

describe("SessionSink.toSink", () => {
  it.effect("writes an array as one batch, flushes and finishes once, and counts", () =>
    Effect.gen(function* () {
      const { calls, sink } = telling()
      const stream = Stream.rechunk(Stream.fromIterable(sessions), 15)
      assert.strictEqual(yield* Stream.run(stream, SessionSink.toSink(sink)), 40)
      assert.deepStrictEqual(calls, ["open None", "write 15", "write 15", "write 10", "flush", "finish", "close"])
    })
  )

  it.effect("can be run again, from the beginning", () =>
    Effect.gen(function* () {
      const { calls, sink } = telling()
      const into = SessionSink.toSink(sink)
      assert.strictEqual(yield* Stream.run(Stream.empty, into), 0)
      assert.strictEqual(yield* Stream.run(Stream.make(session(1)), into), 1)
      assert.deepStrictEqual(calls.join(), "open None,write 0,flush,finish,close,open None,write 1,flush,finish,close")
    })
  )

  it.effect("a stream that fails, or is interrupted, closes the sink without finish", () =>
    Effect.gen(function* () {
      const failing = telling()
      const broken = Stream.concat(Stream.make(session(1)), Stream.fail("gone"))
      assert.strictEqual(yield* Effect.flip(Stream.run(broken, SessionSink.toSink(failing.sink))), "gone")
      assert.deepStrictEqual(failing.calls, ["open None", "write 1", "close"])

      const endless = telling()
      const reached = yield* Deferred.make<void>()
      const stream = Stream.concat(
        Stream.make(session(1)),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      )
      const fiber = yield* Effect.forkChild(Stream.run(stream, SessionSink.toSink(endless.sink)))
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(endless.calls, ["open None", "write 1", "close"])
    })
  )

  it.effect("a refused row fails the stream, unless somebody takes it", () =>
    Effect.gen(function* () {
      const odd = (id: string) => Number(id) % 10 === 3
      const strict = telling(odd)
      const error = yield* Effect.flip(Stream.run(Stream.fromIterable(sessions), SessionSink.toSink(strict.sink)))
      assert.instanceOf(error, SinkError)
      assert.strictEqual(error.message, "told: 4 rows were refused: it is odd")
      assert.notInclude(strict.calls, "finish")

      const lenient = telling(odd)
      const refused: Array<string> = []
      const into = SessionSink.toSink(lenient.sink, {
        onRejected: (these) => Effect.sync(() => refused.push(...these.flatMap(({ id = "none" }) => [id])))
      })
      assert.strictEqual(yield* Stream.run(Stream.fromIterable(sessions), into), 36)
      assert.deepStrictEqual(refused, ["3", "13", "23", "33"])

      const picky = SessionSink.toSink(telling(odd).sink, { onRejected: () => Effect.fail("no") })
      assert.strictEqual(yield* Effect.flip(Stream.run(Stream.fromIterable(sessions), picky)), "no")
    })
  )

  it.effect("a file exists when the stream has ended, and not before, in every form", () =>
    Effect.gen(function* () {
      for (const options of Object.values(NdjsonFiles.forms)) {
        const store = NdjsonFiles.make(options)
        const broken = Stream.concat(Stream.fromIterable(sessions), Stream.fail("gone"))
        yield* Effect.flip(Stream.run(broken, SessionSink.toSink(store.sink)))
        assert.isUndefined(yield* store.read)
        yield* Stream.run(Stream.rechunk(Stream.fromIterable(sessions), 7), SessionSink.toSink(store.sink))
        assert.deepStrictEqual(yield* store.read, sessions)
      }
    })
  )

  it.effect("what the sink fails with, the stream fails with", () =>
    Effect.gen(function* () {
      const store = NdjsonFiles.make({})
      for (const [method, operation] of [
        ["open", "open"],
        ["file.writeAll", "write"],
        ["file.sync", "flush"],
        ["link", "finish"]
      ] as const) {
        store.fail("EIO", 1, [method])
        const error = yield* Effect.flip(Stream.run(Stream.fromIterable(sessions), SessionSink.toSink(store.sink)))
        assert.deepInclude(error, { sink: NdjsonFiles.path, operation })
        assert.deepInclude(error.reason, { _tag: "Output", code: "EIO" })
        assert.isUndefined(yield* store.read)
      }
    })
  )
})

describe("SessionSink.make", () => {
  class Shop extends Context.Service<Shop, { readonly sell: (id: string) => Effect.Effect<void> }>()("Shop") {}

  const batch = (...ids: ReadonlyArray<string>) => ({
    items: ids.map((id) => ({ id, start: undefined, row: { id } })),
    columns: [{ name: "id", type: "text" as const }],
    observedAt: Version.of(1)
  })
  const sold: Array<string> = []
  const layer = Layer.effect(
    Shop,
    Effect.acquireRelease(
      Effect.sync(() => {
        sold.push("built")
        return Shop.of({ sell: (id) => Effect.sync(() => void sold.push(id)) })
      }),
      () => Effect.sync(() => void sold.push("closed"))
    )
  )
  const shop = SessionSink.make({
    name: "shop",
    delivery: "idempotent",
    write: ({ items }: SessionSink.Batch<{ readonly id: string }>) =>
      Effect.forEach(items, ({ row }) => Effect.flatMap(Shop, ({ sell }) => sell(row.id)), { discard: true })
  })
  const committed = { at: Position.of(7), note: "there" }

  it.effect("needs no more than write: the rest is where it was opened, and nothing", () =>
    Effect.gen(function* () {
      sold.length = 0
      const sink = SessionSink.provide(shop, layer)
      assert.deepStrictEqual([sink.name, sink.delivery, sink.verify], ["shop", "idempotent", undefined])
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
          assert.deepStrictEqual(writer.committed, Option.some(committed))
          assert.deepStrictEqual(yield* writer.write(batch("1", "2")), [])
          assert.deepStrictEqual(yield* writer.flush(Position.of(9)), { at: Position.of(9), note: null })
          yield* writer.finish
          assert.deepStrictEqual([writer.replaced, writer.compared], [undefined, undefined])
        })
      )
      assert.deepStrictEqual(sold, ["built", "1", "2", "closed"])
    })
  )

  it.effect("keeps what its opening gives, and asks verify with the services too", () =>
    Effect.gen(function* () {
      sold.length = 0
      const refused = [{ id: "1", reason: "no" }]
      const sink = SessionSink.make({
        name: "shop",
        delivery: "resumable",
        open: ({ from }) =>
          Effect.map(Shop, ({ sell }) => ({
            committed: Option.map(from, ({ note }) => ({ at: Position.of(8), note })),
            write: (_: SessionSink.Batch<object>) => Effect.succeed(refused),
            flush: (at) => Effect.as(sell("flush"), { at, note: "here" }),
            finish: sell("finish"),
            replaced: () => ({ replaced: ["a"], removed: [] }),
            compared: () => ({ newer: 1, notBelieved: 0 })
          })),
        verify: ({ note }, { pipeline }) =>
          Effect.flatMap(Shop, ({ sell }) => sell(`verify ${note === "there"} ${pipeline}`))
      }).pipe(SessionSink.provide(layer))
      yield* Effect.scoped(
        sink.verify?.(committed, { ...SessionSink.opening(), pipeline: "calls" }) ?? Effect.die("no verify")
      )
      const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
      assert.deepStrictEqual(writer.committed, Option.some({ at: Position.of(8), note: "there" }))
      assert.deepStrictEqual(yield* writer.write(batch("1")), refused)
      assert.deepStrictEqual(yield* writer.flush(Position.of(9)), { at: Position.of(9), note: "here" })
      yield* writer.finish
      assert.deepStrictEqual(
        [writer.replaced?.(), writer.compared?.()],
        [
          { replaced: ["a"], removed: [] },
          { newer: 1, notBelieved: 0 }
        ]
      )
      assert.deepStrictEqual(sold, ["built", "verify true calls", "closed", "built", "flush", "finish"])
    }).pipe(Effect.scoped)
  )

  it.effect("fails as a sink when its services cannot be built", () =>
    Effect.gen(function* () {
      const broken = Layer.effect(Shop, Effect.fail({ description: "the shop is closed" }))
      const opened = SessionSink.provide(shop, broken).open(SessionSink.opening())
      const error = yield* Effect.flip(Effect.scoped(opened))
      assert.deepInclude(error, {
        sink: "shop",
        operation: "open",
        retryable: false,
        description: "the shop is closed"
      })
    })
  )

  it.effect("takes other rows through mapInput, with the columns that those have", () =>
    Effect.gen(function* () {
      const given: Array<SessionSink.Batch<{ readonly id: string }>> = []
      const sink = SessionSink.make({
        name: "mapped",
        delivery: "append",
        write: (batch: SessionSink.Batch<{ readonly id: string }>) => Effect.sync(() => void given.push(batch))
      }).pipe(
        SessionSink.mapInput(
          ({ number }: { readonly number: number }) => ({ id: String(number) }),
          () => [{ name: "id", type: "text" }]
        )
      )
      const writer = yield* sink.open(SessionSink.opening())
      yield* writer.write({
        items: [{ id: "a", start: Instant.of(5), version: Version.of(6), row: { number: 4 } }],
        columns: [{ name: "number", type: "integer" }],
        observedAt: Version.of(3)
      })
      assert.deepStrictEqual(given, [
        {
          items: [{ id: "a", start: Instant.of(5), version: Version.of(6), row: { id: "4" } }],
          columns: [{ name: "id", type: "text" }],
          observedAt: Version.of(3)
        }
      ])
    }).pipe(Effect.scoped)
  )
})
