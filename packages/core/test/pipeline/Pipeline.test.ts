import { Checkpoint } from "@callstream/core/checkpoint/Checkpoint"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import { TooManyDeadLetters } from "@callstream/core/pipeline/TooManyDeadLetters"
import { SinkError } from "@callstream/core/sink/SinkError"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Parts from "./Parts.ts"

const { begin, checkpoint, letterBox, recording, session, source, sourceOf, standing, trouble, window } = Parts

const transform = Transform.identity<CallSession>()
const name = "calls"
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String(from + at))

/** What is known when these ranges were delivered, a call a microsecond. */
const added = (...ranges: ReadonlyArray<readonly [from: number, to: number]>) =>
  ranges.reduce(
    (set, [from, to]) =>
      Result.getOrThrow(
        CoverageSet.add(set, {
          range: { from: Instant.of(begin + from), to: Instant.of(begin + to) },
          verdict: "proven",
          count: to - from,
          final: 0,
          requests: 1,
          asOf: Instant.of(begin + 1000)
        })
      ),
    CoverageSet.empty
  )

/** Runs while time passes in steps of 100 ms. */
const overTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>, steps = 400) {
  const fiber = yield* Effect.forkChild(effect)
  for (let step = 0; step < steps; step++) yield* TestClock.adjust("100 millis")
  return yield* Fiber.await(fiber)
})

const errorOf = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.isFailure(exit) ? exit.cause.reasons.map((one) => (one._tag === "Fail" ? one.error : one._tag))[0] : undefined

describe("Pipeline", () => {
  it.effect("two sinks of one name are refused before anything is opened, that of the dead letters too", () =>
    Effect.gen(function* () {
      for (const names of [
        ["a", "b", "a"],
        ["a", "letters"]
      ]) {
        const [first, ...rest] = names.map((one) => recording(one))
        assert(first !== undefined)
        const state = checkpoint()
        const pipeline = Pipeline.make({
          name,
          source: source(1).windows,
          transform,
          sinks: [first.sink, ...rest.map(({ sink }) => sink)],
          deadLetters: letterBox().sink
        })
        const error = yield* Effect.flip(state.run(pipeline))
        assert(error instanceof SinkError)
        assert.deepStrictEqual([error.sink, error.operation, error.retryable], [names.at(-1), "open", false])
        assert.deepStrictEqual([first.calls, state.saved], [[], []])
      }
    })
  )

  it.effect("a finished run is not read again", () =>
    Effect.gen(function* () {
      const state = checkpoint()
      const { asked, windows } = source(3)
      const a = recording("a")
      const pipeline = Pipeline.make({
        name,
        source: windows,
        transform,
        sinks: [a.sink],
        deadLetters: letterBox().sink
      })
      const first = yield* state.run(pipeline)
      assert.deepInclude(first, { received: 30, dead: 0, filtered: 0, finishedBefore: false })
      assert.deepStrictEqual(first.sinks, [
        { sink: "a", written: 30, refused: 0, newer: 0, notBelieved: 0, failure: undefined, replaced: [], removed: [] }
      ])
      assert.deepStrictEqual(a.calls.slice(-3), ["flush all", "finish", "close"])
      const left: Array<unknown> = []
      const lacking = Pipeline.make({
        name,
        source: windows,
        transform,
        sinks: [
          {
            ...a.sink,
            verify: (committed) =>
              Effect.suspend(() => {
                left.push(committed)
                return left.length < 3 ? Effect.fail(trouble("a", "verify", left.length < 2)) : Effect.void
              })
          }
        ],
        deadLetters: letterBox().sink
      })
      const lacks = errorOf(yield* overTime(state.run(lacking), 10))
      assert.deepInclude(lacks, { sink: "a", operation: "verify", retryable: false })
      assert.lengthOf(left, 2)
      assert.deepInclude(left[0], { at: "end" })
      assert.deepInclude(yield* state.run(lacking), { received: 0, finishedBefore: true })
      const second = yield* state.run(pipeline)
      assert.deepInclude(second, { received: 0, finishedBefore: true })
      assert.lengthOf(asked, 1)
    })
  )

  it.effect("a history without windows, one with rejected records only, and one that is filtered out", () =>
    Effect.gen(function* () {
      const rejected = { stage: "decode", reason: "no id", raw: {}, page: 1, index: 0, observedAt: Version.of(begin) }
      for (const [windows, keep, lettered] of [
        [[], true, 0],
        [[{ ...window(0, []), rejected: [rejected] }], true, 1],
        [[window(0)], false, 0]
      ] as const) {
        const state = checkpoint()
        const a = recording("a")
        const letters = letterBox()
        const { columns } = transform
        const apply = (one: CallSession) => (keep ? one : undefined)
        yield* state.run(
          Pipeline.make({
            name,
            source: sourceOf(() => Stream.fromIterable(windows)),
            transform: Transform.make({ label: "keep", columns, apply }),
            sinks: [a.sink],
            deadLetters: letters.sink
          })
        )
        assert.deepStrictEqual([a.ids.length, letters.ids.length], [0, lettered])
        assert.deepStrictEqual(a.calls.slice(-3), ["flush all", "finish", "close"])
        assert.isTrue(state.saved.at(-1)?.finished)
        // A table without rows has a header all the same.
        assert.strictEqual(a.columns.size, windows.length === 0 ? 0 : 26)
      }
    })
  )

  it.effect(
    "a transform that asks another service: rejected records, its services and its error are the pipeline's",
    () =>
      Effect.gen(function* () {
        class Crm extends Context.Service<Crm, { readonly ask: (id: string) => Effect.Effect<number, "down"> }>()(
          "Crm"
        ) {}
        const state = checkpoint()
        const a = recording("a")
        const letters = letterBox()
        const enriched = transform.pipe(
          Transform.andThen(
            Transform.effect({
              label: "crm",
              run: (rows: ReadonlyArray<CallSession>) =>
                Effect.flatMap(Crm, ({ ask }) =>
                  Effect.forEach(rows, (row) =>
                    Effect.map(ask(row.id), (place) =>
                      place === 3 ? new Transform.TransformError("unknown to the CRM") : place === 4 ? undefined : row
                    )
                  )
                )
            })
          )
        )
        const pipeline = Pipeline.make({
          name,
          source: source(2).windows,
          transform: enriched,
          sinks: [a.sink],
          deadLetters: letters.sink,
          maxDeadShare: 1
        })
        assert.include(pipeline.fingerprint["transforms"], "crm")
        let places = 0
        let limit = 15
        const crm = Crm.of({
          ask: () => Effect.suspend(() => (places >= limit ? Effect.fail("down") : Effect.succeed(places++)))
        })
        const run = Effect.provideService(state.run(pipeline), Crm, crm)
        const failure: "down" | { readonly _tag: string } = yield* Effect.flip(run)
        assert.strictEqual(failure, "down")
        assert.lengthOf(a.ids, 8)
        assert.notInclude(a.calls, "finish")
        limit = Infinity
        const summary = yield* run
        assert.deepInclude(summary, { dead: 0, filtered: 0, finishedBefore: false })
        assert.include(a.calls, "finish")
        assert.lengthOf(letters.ids, 1)
      })
  )

  it.effect("a transform that gives something else than a row ends the run, with nothing written", () =>
    Effect.gen(function* () {
      const state = checkpoint()
      const a = recording("a")
      const letters = letterBox()
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a program without types can say
      const apply = ((one: CallSession) => Effect.succeed(one)) as unknown as (one: CallSession) => CallSession
      const run = state.run(
        Pipeline.make({
          name,
          source: source(3).windows,
          transform: Transform.make({ label: "mine", columns: transform.columns, apply }),
          sinks: [a.sink],
          deadLetters: letters.sink
        })
      )
      const exit = yield* Effect.exit(run)
      assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes('the transform "mine" gave an Effect'))
      assert.deepStrictEqual([a.ids, letters.ids], [[], []])
      assert.notInclude(a.calls, "finish")
    })
  )

  describe("a sink that fails", () => {
    it.effect("a transient failure is retried at each step", () =>
      Effect.gen(function* () {
        const failing = { open: 2, write: 3, flush: 1, finish: 4 }
        const fails = (operation: keyof typeof failing) =>
          Effect.suspend(() => (failing[operation]-- > 0 ? Effect.fail(trouble("b", operation, true)) : Effect.void))
        const state = checkpoint()
        const a = recording("a")
        const b = recording("b", {
          open: fails("open"),
          write: () => Effect.as(fails("write"), []),
          flush: () => fails("flush"),
          finish: fails("finish")
        })
        const exit = yield* overTime(
          state.run(
            Pipeline.make({
              name,
              source: source(2).windows,
              transform,
              sinks: [a.sink, b.sink],
              deadLetters: letterBox().sink,
              commitEvery: "1 hour"
            })
          )
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(a.calls, ["open", "write 10", "write 10", "flush all", "finish", "close"])
        assert.deepStrictEqual(b.ids, numbers(0, 20))
        assert.deepStrictEqual(
          ["open", "write 10", "flush all", "finish"].map((call) => b.calls.filter((one) => one === call).length),
          [3, 5, 2, 5]
        )
      })
    )

    it.effect("a transient failure ends the run after five attempts", () =>
      Effect.gen(function* () {
        const b = recording("b", { write: () => Effect.fail(trouble("b", "write", true)) })
        const exit = yield* overTime(
          checkpoint().run(
            Pipeline.make({
              name,
              source: source(2).windows,
              transform,
              sinks: [b.sink],
              deadLetters: letterBox().sink
            })
          )
        )
        assert.deepInclude(errorOf(exit), { _tag: "SinkError", sink: "b", operation: "write" })
        assert.lengthOf(
          b.calls.filter((call) => call === "write 10"),
          5
        )
      })
    )

    it.effect("permanently stops the run with an error that names it, and nothing is committed", () =>
      Effect.gen(function* () {
        const state = checkpoint()
        const a = recording("a")
        const b = recording("b", {
          write: ({ items }) => (items[0]?.id === "10" ? Effect.fail(trouble("b", "write")) : Effect.succeed([]))
        })
        const error = yield* Effect.flip(
          state.run(
            Pipeline.make({
              name,
              source: source(4).windows,
              transform,
              sinks: [a.sink, b.sink],
              deadLetters: letterBox().sink
            })
          )
        )
        assert.deepInclude(error, { _tag: "SinkError", sink: "b", operation: "write" })
        assert.deepStrictEqual(state.saved, [])
        assert.notInclude(a.calls, "finish")
        assert.strictEqual(b.calls.at(-1), "close")
      })
    )

    it.effect("for good is closed and reported with `continue`, and catches up alone", () =>
      Effect.gen(function* () {
        const state = checkpoint()
        const { asked, windows } = source(4)
        let broken = true
        const a = recording("a")
        const b = recording("b", {
          write: ({ items }) =>
            items[0]?.id === "20" && broken
              ? Effect.fail(trouble("b", "write"))
              : Effect.succeed(items[0]?.id === "30" ? [{ id: "33", reason: "too long" }] : [])
        })
        const letters = letterBox({ delivery: "resumable" })
        const pipeline = Pipeline.make({
          name,
          source: windows,
          transform,
          sinks: [a.sink, b.sink],
          deadLetters: letters.sink,
          commitEvery: 0,
          onSinkFailure: "continue"
        })
        const first = yield* state.run(pipeline)
        assert.deepStrictEqual(
          first.sinks.map(({ failure, sink, written }) => [sink, written, failure?.sink]),
          [
            ["a", 40, undefined],
            ["b", 20, "b"]
          ]
        )
        assert.deepStrictEqual(b.calls.slice(-2), ["write 10", "close"])
        assert.isFalse(state.saved.at(-1)?.finished)
        assert.deepStrictEqual(a.calls.slice(-2), ["finish", "close"])
        // It may still get letters.
        assert.notInclude(letters.calls, "finish")

        broken = false
        a.calls.length = 0
        letters.calls.length = 0
        const second = yield* state.run(pipeline)
        assert.deepStrictEqual(
          second.sinks.map(({ failure, sink, written }) => [sink, written, failure]),
          [
            ["a", 0, undefined],
            ["b", 19, undefined]
          ]
        )
        assert.strictEqual(asked[1]?.from, begin + 20)
        assert.deepStrictEqual(a.calls, ["open", "finish", "close"])
        assert.deepStrictEqual(b.ids, numbers(0, 40))
        assert.deepStrictEqual(letters.calls, ["open", "write 1", "flush all", "finish", "close"])
        assert.isTrue(state.saved.at(-1)?.finished)
      })
    )

    it.effect("a closed sink releases its resources, while the others continue", () =>
      Effect.gen(function* () {
        const b = recording("b", { write: () => Effect.fail(trouble("b", "write")) })
        const seen: Array<string | undefined> = []
        const a = recording("a", {
          write: () =>
            Effect.sync(() => {
              seen.push(b.calls.at(-1))
              return []
            })
        })
        yield* checkpoint().run(
          Pipeline.make({
            name,
            source: source(2).windows,
            transform,
            sinks: [b.sink, a.sink],
            deadLetters: letterBox().sink,
            onSinkFailure: "continue"
          })
        )
        assert.strictEqual(seen.at(-1), "close")
      })
    )

    it.effect("to open is closed and reported with `continue`; when none can go on, the run fails", () =>
      Effect.gen(function* () {
        for (const operation of ["open", "write", "flush", "finish"] as const) {
          const failing = (one: string) => {
            const fails = Effect.fail(trouble(one, operation))
            return recording(one, {
              ...(operation === "open" || operation === "finish" ? { [operation]: fails } : {}),
              ...(operation === "write" || operation === "flush" ? { [operation]: () => fails } : {})
            })
          }
          const make = (a: Parts.Recording) =>
            Pipeline.make({
              name,
              source: source(2).windows,
              transform,
              sinks: [a.sink, failing("b").sink],
              deadLetters: letterBox().sink,
              onSinkFailure: "continue"
            })
          const state = checkpoint()
          const a = recording("a")
          const summary = yield* state.run(make(a))
          assert.deepStrictEqual(
            summary.sinks.map(({ failure }) => failure?.operation),
            [undefined, operation]
          )
          assert.deepStrictEqual([a.ids, state.saved.at(-1)?.finished], [numbers(0, 20), false])
          const error = yield* Effect.flip(checkpoint().run(make(failing("a"))))
          assert.deepInclude(error, { _tag: "SinkError", operation })
        }
      })
    )
  })

  describe("a run that resumes", () => {
    it.effect("starts at the lowest position, passes the others to the source, and gives each sink what it lacks", () =>
      Effect.gen(function* () {
        const state = checkpoint(standing({ a: 10, b: 30, letters: 20 }))
        const { asked, windows } = source(5)
        const [a, b] = [recording("a"), recording("b")]
        yield* state.run(
          Pipeline.make({ name, source: windows, transform, sinks: [a.sink, b.sink], deadLetters: letterBox().sink })
        )
        assert.deepEqual<unknown>(asked, [{ from: begin + 10, cuts: [begin + 30, begin + 20], ahead: begin + 30 }])
        assert.deepStrictEqual([a.ids, b.ids], [numbers(10, 50), numbers(30, 50)])
      })
    )

    it.effect("has a session that starts just at a cursor, and what has no start, once", () =>
      Effect.gen(function* () {
        const state = checkpoint(standing({ a: 10, b: 30, letters: 10 }))
        const [a, b] = [recording("a"), recording("b")]
        const undated: CallSession = { id: "99", startedAt: null }
        const page = { ...window(1, [session(29), session(30), session(31), undated]), to: Instant.of(begin + 10) }
        const last = { ...window(1, []), to: Instant.of(begin + 40) }
        yield* state.run(
          Pipeline.make({
            name,
            source: sourceOf(() => Stream.make(page, last)),
            transform,
            sinks: [a.sink, b.sink],
            deadLetters: letterBox().sink,
            commitEvery: 0
          })
        )
        assert.deepStrictEqual(
          [a.ids, b.ids],
          [
            ["29", "30", "31", "99"],
            ["30", "31", "99"]
          ]
        )
        // After the state that it begins with, the one with the source's state, and the one that reserves versions: no cursor but that of the end tells that
        // the one without a start is there.
        assert.deepStrictEqual(
          state.saved.slice(3).map(({ finished, sinks }) => [sinks["a"]?.at, finished]),
          [
            ["end", false],
            ["end", true]
          ]
        )
      })
    )

    it.effect("with everything delivered has only to finish, and asks the source for nothing", () =>
      Effect.gen(function* () {
        const state = checkpoint(standing({ a: "end", letters: "end" }))
        const { asked, windows } = source(5)
        const a = recording("a")
        yield* state.run(
          Pipeline.make({ name, source: windows, transform, sinks: [a.sink], deadLetters: letterBox().sink })
        )
        assert.deepStrictEqual([asked, a.calls], [[], ["open", "finish", "close"]])
        assert.isTrue(state.saved.at(-1)?.finished)
      })
    )

    it.effect("gives the source the state that it began with, and begins it once", () =>
      Effect.gen(function* () {
        const state = checkpoint()
        const asked: Array<unknown> = []
        let begun = 0
        const pipeline = Pipeline.make({
          name,
          source: {
            fingerprint: {},
            state: Schema.Struct({ end: Schema.Int }),
            begin: Effect.sync(() => ({ end: ++begun })),
            units: (state, at) => {
              asked.push([state, at.from, at.cuts])
              const three = source(3).windows.units(null, at)
              return asked.length === 1 ? Stream.concat(three, Stream.fail(broken)) : Stream.empty
            }
          },
          transform,
          sinks: [recording("a").sink],
          deadLetters: letterBox().sink
        })
        assert.strictEqual((yield* Effect.flip(state.run(pipeline)))._tag, "AgniError")
        // Kept before anything was read, and from then on.
        assert.deepStrictEqual(
          [...state.reserved, ...state.saved].map(({ source }) => source),
          [...state.reserved, ...state.saved].map(() => ({ end: 1 }))
        )
        yield* state.run(pipeline)
        assert.deepEqual<unknown>(asked, [
          [{ end: 1 }, undefined, []],
          [{ end: 1 }, begin + 30, []]
        ])
      })
    )

    it.effect("is refused when the state of its source cannot be read, or its range is another one", () =>
      Effect.gen(function* () {
        const sink = recording("a").sink
        const made = (range: string, end: Schema.Json) =>
          Pipeline.make({
            name,
            source: {
              fingerprint: { range },
              state: Schema.Json,
              begin: Effect.succeed(end),
              units: (_, at) => source(2).windows.units(null, at)
            },
            transform,
            sinks: [sink],
            deadLetters: letterBox().sink
          })
        const torn = checkpoint({ ...standing({ a: 10 }), source: "no number" })
        const numbered = Pipeline.make({
          name,
          source: { ...source(2).windows, state: Schema.Int, begin: Effect.succeed(1), units: () => Stream.empty },
          transform,
          sinks: [sink],
          deadLetters: letterBox().sink
        })
        const unread = yield* Effect.flip(torn.run(numbered))
        assert(unread._tag === "CheckpointError")
        assert.deepInclude(unread.reason, { _tag: "Torn" })

        yield* Effect.gen(function* () {
          yield* made("2026-07", 1).run()
          const error = yield* Effect.flip(made("2026-08", 1).run())
          assert(error._tag === "CheckpointError")
          assert.deepInclude(error.reason, {
            _tag: "Different",
            pipeline: name,
            parts: [{ name: "range", was: "2026-07", now: "2026-08" }]
          })
        }).pipe(Effect.provide(Checkpoint.layerMemory))

        // Nothing was delivered yet: the name is free, and what the other one began with is not used.
        const free = checkpoint({ ...standing({}), fingerprint: { range: "2026-08" }, source: 8 })
        yield* free.run(made("2026-07", 7))
        assert.strictEqual(free.saved.at(-1)?.source, 7)
      })
    )
  })

  describe("commits", () => {
    const saves = (commitEvery: Duration.Input | undefined) =>
      Effect.gen(function* () {
        const state = checkpoint()
        const a = recording("a")
        const { windows } = source(30, () => Effect.sleep("100 millis"))
        yield* overTime(
          state.run(
            Pipeline.make({
              name,
              source: windows,
              transform,
              sinks: [a.sink],
              deadLetters: letterBox().sink,
              commitEvery
            })
          ),
          40
        )
        return a.calls.filter((call) => call.startsWith("flush"))
      })

    it.effect("go by time, not by windows", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* saves(undefined), ["flush 100", "flush 200", "flush 300", "flush all"])
        assert.deepStrictEqual(yield* saves("2 seconds"), ["flush 200", "flush all"])
        assert.deepStrictEqual(yield* saves("1 hour"), ["flush all"])
        assert.lengthOf(yield* saves(0), 31)
      })
    )

    it.effect("are of the coverage too: what it lacks is given again to a table that is ahead", () =>
      Effect.gen(function* () {
        const run = Effect.fnUntraced(function* (states: ReadonlyArray<ReturnType<typeof standing>>) {
          const a = recording("a", { delivery: "transactional", stands: 30 })
          const state = checkpoint(...states)
          const windows = source(5)
          const { coverage } = yield* state.run(
            Pipeline.make({
              name,
              source: windows.windows,
              transform,
              sinks: [a.sink],
              deadLetters: letterBox().sink,
              commitEvery: 0
            })
          )
          return {
            asked: windows.asked.map(({ cuts, from }) => [from, cuts]),
            calls: a.calls,
            saved: state.saved
              .slice(states.length)
              .map(({ sinks: { a } }) => (a?.at === "end" ? a.at : Number(a?.at) - begin)),
            known: coverage.entries.map(({ count, range }) => [range.from - begin, range.to - begin, count])
          }
        })
        const known = added([0, 10])
        const rest = ["write 10", "flush 30", "write 10", "flush 30", "write 10", "flush 40", "write 10", "flush 50"]
        const last = ["flush all", "finish", "close"]
        // Killed when the table had committed 30, and before the checkpoint said so. The checkpoint never says more than was read.
        assert.deepEqual<unknown>(yield* run([{ ...standing({ a: 10, letters: 10 }), coverage: known }]), {
          asked: [[begin + 10, []]],
          calls: ["open", ...rest, ...last],
          saved: [10, 10, 20, 30, 40, 50, "end", "end"],
          known: [[0, 50, 50]]
        })
        assert.deepEqual<unknown>(yield* run([]), {
          asked: [[undefined, []]],
          calls: ["open", "write 10", "flush 30", ...rest, ...last],
          saved: [10, 20, 30, 40, 50, "end", "end"],
          known: [[0, 50, 50]]
        })
      })
    )

    it.effect("say nothing new of a table that was ahead and failed before it had what was read again", () =>
      Effect.gen(function* () {
        const a = recording("a", {
          delivery: "transactional",
          stands: 30,
          write: () => Effect.fail(trouble("a", "write"))
        })
        const state = checkpoint({ ...standing({ a: 10, b: 10, letters: 10 }), coverage: added([0, 10]) })
        const pipeline = Pipeline.make({
          name,
          source: source(5).windows,
          transform,
          sinks: [a.sink, recording("b").sink],
          deadLetters: letterBox().sink,
          commitEvery: 0,
          onSinkFailure: "continue"
        })
        yield* state.run(pipeline)
        assert.deepStrictEqual(
          ["a", "b"].map((sink) => state.saved.at(-1)?.sinks[sink]?.at),
          [standing({ a: 10 }).sinks["a"]?.at, "end"]
        )
      })
    )

    it.effect("give dead letters again to a store that is ahead", () =>
      Effect.gen(function* () {
        const rejected = { stage: "decode", reason: "no id", raw: {}, page: 1, index: 0, observedAt: Version.of(begin) }
        for (const [delivery, stands, count] of [
          ["transactional", 30, 1],
          ["resumable", undefined, 1],
          ["resumable", 30, 0]
        ] as const) {
          const letters = letterBox({ delivery, ...(stands === undefined ? {} : { stands }) })
          const state = checkpoint({ ...standing({ a: 10, letters: 10 }), coverage: added([0, 10]) })
          const windows = Parts.sourceOf(() => Stream.make({ ...window(1), rejected: [rejected] }))
          yield* state.run(
            Pipeline.make({
              name,
              source: windows,
              transform,
              sinks: [recording("a").sink],
              deadLetters: letters.sink,
              maxDeadShare: 1
            })
          )
          assert.lengthOf(letters.ids, count, `${delivery} at ${stands}`)
        }
      })
    )

    it.effect("before the dead letters, and save both at once", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const note = (what: string) => () => Effect.sync(() => void order.push(what))
        const a = recording("a", {
          delivery: "transactional",
          write: ({ items }) => Effect.succeed(items.slice(0, 1).map(({ id }) => ({ id, reason: "too long" }))),
          flush: note("a")
        })
        const state = checkpoint()
        const letters = letterBox({ delivery: "resumable", flush: note("letters") })
        yield* state.run(
          Pipeline.make({
            name,
            source: source(1).windows,
            transform,
            sinks: [a.sink],
            deadLetters: letters.sink
          })
        )
        assert.deepStrictEqual(order, ["a", "letters"])
        assert.deepStrictEqual(
          state.saved.map(({ sinks }) => Object.keys(sinks)),
          [
            ["a", "letters"],
            ["a", "letters"]
          ]
        )
      })
    )
  })

  describe("a run that is stopped", () => {
    const stopped = Effect.fnUntraced(function* (a: Parts.Recording, pause: (index: number) => Effect.Effect<void>) {
      const state = checkpoint()
      const b = recording("b")
      const fiber = yield* Effect.forkChild(
        state.run(
          Pipeline.make({
            name,
            source: source(4, pause).windows,
            transform,
            sinks: [a.sink, b.sink],
            deadLetters: letterBox().sink
          })
        )
      )
      yield* TestClock.adjust("5 seconds")
      const stop = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("4 seconds")
      const promptly = stop.pollUnsafe() !== undefined
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(stop.pollUnsafe() !== undefined)
      return {
        promptly,
        cursors: state.saved.map(({ sinks }) => [sinks["a"], sinks["b"]].map((one) => Number(one?.at) - begin))
      }
    })
    const hang = (index: number) => (index === 2 ? Effect.never : Effect.void)

    it.effect("between two windows commits", () =>
      Effect.gen(function* () {
        const a = recording("a")
        assert.deepStrictEqual(yield* stopped(a, hang), { promptly: true, cursors: [[20, 20]] })
        assert.deepStrictEqual(a.calls, ["open", "write 10", "write 10", "flush 20", "close"])
      })
    )

    it.effect("in the middle of a write does not", () =>
      Effect.gen(function* () {
        const a = recording("a", {
          write: ({ items }) => (items[0]?.id === "20" ? Effect.never : Effect.succeed([]))
        })
        assert.deepStrictEqual(yield* stopped(a, () => Effect.void), { promptly: true, cursors: [] })
      })
    )

    it.effect("in the middle of a flush does not call it again", () =>
      Effect.gen(function* () {
        const a = recording("a", { flush: () => Effect.never })
        const slow = (index: number) => (index === 1 ? Effect.sleep("2 seconds") : Effect.void)
        assert.deepStrictEqual(yield* stopped(a, slow), { promptly: true, cursors: [] })
        assert.deepStrictEqual(a.calls, ["open", "write 10", "write 10", "flush 20", "close"])
      })
    )

    it.effect("by a bug after a window was delivered, before it was counted, does not commit", () =>
      Effect.gen(function* () {
        const state = checkpoint()
        const a = recording("a")
        const exit = yield* Effect.exit(
          state.run(
            Pipeline.make({
              name,
              source: source(4).windows,
              transform,
              sinks: [a.sink],
              deadLetters: letterBox().sink,
              onUnit: (unit) =>
                unit._tag === "Window" && unit.range.from === begin + 20
                  ? Effect.die(new RangeError("a bug"))
                  : Effect.void
            })
          )
        )
        assert.isTrue(Exit.hasDies(exit))
        assert.deepStrictEqual([a.calls, state.saved], [["open", "write 10", "write 10", "write 10", "close"], []])
      })
    )

    it.effect("does not wait for a sink that hangs", () =>
      Effect.gen(function* () {
        const a = recording("a", { flush: () => Effect.never })
        assert.deepStrictEqual(yield* stopped(a, hang), { promptly: false, cursors: [] })
      })
    )
  })

  it.effect("the slowest sink holds the reading back", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<void>()
      const a = recording("a")
      const b = recording("b", {
        write: ({ items }) => (items[0]?.id === "20" ? Effect.as(Deferred.await(go), []) : Effect.succeed([]))
      })
      const { pulled, windows } = source(50)
      const fiber = yield* Effect.forkChild(
        checkpoint().run(
          Pipeline.make({ name, source: windows, transform, sinks: [a.sink, b.sink], deadLetters: letterBox().sink })
        )
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(pulled(), 3)
      assert.deepStrictEqual([a.ids, b.ids], [numbers(0, 30), numbers(0, 20)])
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([pulled(), b.ids.length], [50, 500])
    })
  )

  describe("dead letters", () => {
    const refusing = (sink: string, those: (id: number) => boolean) =>
      recording(sink, {
        write: ({ items }) =>
          Effect.succeed(items.filter(({ id }) => those(Number(id))).map(({ id }) => ({ id, reason: "too long" })))
      })
    const attempt = Effect.fnUntraced(function* (windows: number, those: (id: number) => boolean, share?: number) {
      const letters = letterBox()
      const state = checkpoint()
      const exit = yield* Effect.exit(
        state.run(
          Pipeline.make({
            name,
            source: source(windows).windows,
            transform,
            sinks: [refusing("a", those).sink, refusing("b", those).sink, recording("c").sink],
            deadLetters: letters.sink,
            maxDeadShare: share
          })
        )
      )
      return { error: errorOf(exit), letters, saved: state.saved.length }
    })

    it.effect("of more than a tenth of at least 100 records stop the run, counted by record", () =>
      Effect.gen(function* () {
        assert.isUndefined((yield* attempt(9, () => true)).error)
        const tenth = yield* attempt(20, (id) => id % 10 === 7)
        assert.isUndefined(tenth.error)
        assert.deepStrictEqual([tenth.letters.ids.length, tenth.saved], [40, 2])
        assert.deepInclude((yield* attempt(20, (id) => id % 10 === 7 || id === 42)).error, { dead: 11, of: 100 })
        // The first ones were too few to tell, and then there are no more.
        assert.deepInclude((yield* attempt(20, (id) => id < 90)).error, { dead: 90, of: 100 })
      })
    )

    it.effect("too many: the dead letters are safe, and nothing is committed", () =>
      Effect.gen(function* () {
        const { error, letters, saved } = yield* attempt(20, () => true)
        assert.deepInclude(error, { _tag: "TooManyDeadLetters", dead: 100, of: 100 })
        assert(error instanceof TooManyDeadLetters)
        assert.deepStrictEqual(error.most, { stage: "sink", sink: "a", reason: "too long", letters: 100 })
        assert.strictEqual(error.message, "100 of 100 records were rejected, most by a: too long")
        assert.deepStrictEqual(
          letters.calls.slice(-2).map((call) => call.split(" ")[0]),
          ["flush", "close"]
        )
        assert.strictEqual(saved, 0)
      })
    )

    it.effect("as many as one likes", () =>
      Effect.gen(function* () {
        assert.isUndefined((yield* attempt(20, () => true, 1)).error)
        assert.deepInclude((yield* attempt(20, (id) => id === 0, 0)).error, {
          _tag: "TooManyDeadLetters",
          dead: 1,
          of: 100
        })
      })
    )

    it.effect("are reported when they are saved, and the listener may stop the run", () =>
      Effect.gen(function* () {
        const heard: Array<unknown> = []
        const letters = letterBox()
        const pipeline = Pipeline.make({
          name,
          source: source(3).windows,
          transform,
          sinks: [refusing("a", (id) => id === 4 || id === 17).sink],
          deadLetters: letters.sink,
          onRejected: (rows) =>
            Effect.suspend(() => {
              heard.push([letters.ids.length, rows.map(({ reason, row, sink, stage }) => [stage, sink, reason, row])])
              return heard.length < 2 ? Effect.void : Effect.fail("enough" as const)
            })
        })
        const state = checkpoint()
        assert.strictEqual(yield* Effect.flip(state.run(pipeline)), "enough")
        assert.deepStrictEqual(heard, [
          [1, [["sink", "a", "too long", session(4)]]],
          [2, [["sink", "a", "too long", session(17)]]]
        ])
        assert.deepStrictEqual(state.saved, [])
      })
    )

    it.effect("that cannot be kept stop the run", () =>
      Effect.gen(function* () {
        const letters = letterBox({
          write: ({ items }) => Effect.succeed(items.map(({ id }) => ({ id, reason: "not JSON" })))
        })
        const error = yield* Effect.flip(
          checkpoint().run(
            Pipeline.make({
              name,
              source: source(1).windows,
              transform,
              sinks: [refusing("a", (id) => id === 1).sink],
              deadLetters: letters.sink
            })
          )
        )
        assert.deepInclude(error, { _tag: "SinkError", sink: "letters", operation: "write" })
      })
    )

    it.effect("that an earlier run has written are not written again", () =>
      Effect.gen(function* () {
        const letters = letterBox()
        const rejected = { stage: "decode", reason: "no id", raw: {}, page: 1, index: 0, observedAt: Version.of(begin) }
        yield* checkpoint(standing({ a: 10, letters: 30 })).run(
          Pipeline.make({
            name,
            source: sourceOf(() =>
              Stream.make(1, 2, 3).pipe(Stream.map((at) => ({ ...window(at), rejected: [rejected] })))
            ),
            transform,
            sinks: [recording("a").sink],
            deadLetters: letters.sink
          })
        )
        assert.lengthOf(letters.ids, 1)
      })
    )
  })
})

const broken = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Unreachable" } }),
  request: "GET /",
  attempts: 1,
  elapsed: Duration.zero
})
