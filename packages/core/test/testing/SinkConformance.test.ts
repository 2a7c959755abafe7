/** The suite finds what is wrong with a sink: each way of being wrong is found by the cases that are about it. */
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { SinkConformance } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** A sink that cuts back to what was committed, in memory: the rows, and whether they have their name. */
const make = () => {
  const held = { rows: [] as ReadonlyArray<CallSession>, named: false, failures: 0 }
  const attempt = (operation: SinkError["operation"]) =>
    Effect.suspend(() =>
      held.failures-- > 0
        ? Effect.fail(
            new SinkError({
              sink: "held",
              operation,
              retryable: true,
              reason: { _tag: "Other", description: "not now" }
            })
          )
        : Effect.void
    )
  const sink: SessionSink.SessionSink<CallSession> = SessionSink.make({
    name: "held",
    delivery: "resumable",
    open: ({ from }) =>
      Effect.sync((): SessionSink.Writer<CallSession> => {
        const length = Option.match(from, { onNone: () => 0, onSome: ({ note }) => Number(note) })
        if (Option.isNone(from) || held.rows.length > length) held.named = false
        held.rows = held.rows.slice(0, length)
        return {
          committed: from,
          write: ({ items }) =>
            Effect.map(attempt("write"), () => {
              const taken = items.filter(({ row }) => row.status !== "odd")
              held.rows = [...held.rows, ...taken.map(({ row }) => row)]
              return items.filter(({ row }) => row.status === "odd").map(({ id }) => ({ id, reason: "it is odd" }))
            }),
          flush: (cursor) => Effect.map(attempt("flush"), () => ({ at: cursor, note: held.rows.length })),
          finish: Effect.sync(() => void (held.named = true))
        }
      })
  })
  return {
    held,
    sink,
    read: Effect.sync((): ReadonlyArray<unknown> | undefined => (held.named ? held.rows : undefined))
  }
}
type Held = ReturnType<typeof make>
const refused: CallSession = { id: "odd", status: "odd", callerNumber: "+15550001" }

const casesOf = (store: () => Held, options: Partial<SinkConformance.Options<Held>> = {}) =>
  SinkConformance.cases<Held>({
    store: Effect.sync(store),
    delivery: "resumable",
    large: 100,
    refused,
    tear: ({ held }) => Effect.sync(() => void (held.rows = [...held.rows, { id: "torn" }])),
    fail: ({ held }, times) => Effect.sync(() => void (held.failures = times)),
    slow: () => Effect.void,
    ...options
  })

describe("SinkConformance", () => {
  describe("a sink that does as it should", () => {
    for (const { name, notApplicable, test } of casesOf(make)) {
      it.effect.skipIf(notApplicable !== undefined)(name, () => test)
    }
  })

  const changed =
    (
      change: (writer: SessionSink.Writer<CallSession>, held: Held["held"]) => Partial<SessionSink.Writer<CallSession>>
    ) =>
    () => {
      const made = make()
      const open: Held["sink"]["open"] = (from) =>
        Effect.map(made.sink.open(from), (writer) => ({ ...writer, ...change(writer, made.held) }))
      return { ...made, sink: { ...made.sink, open } }
    }

  it.effect.each<[string, () => Held, RegExp]>([
    [
      "loses the last row of a batch",
      changed(({ write }) => ({ write: (batch) => write({ ...batch, items: batch.items.slice(0, -1) }) })),
      /^write: all rows/
    ],
    [
      "writes a row again",
      changed(({ write }) => ({
        write: (batch) => write({ ...batch, items: [...batch.items, ...batch.items.slice(0, 1)] })
      })),
      /^write: all rows/
    ],
    [
      "tells nobody what it refuses",
      changed(({ write }) => ({ write: (batch) => Effect.as(write(batch), []) })),
      /^write: a refused row/
    ],
    [
      "names a value in a reason",
      changed(({ write }) => ({
        write: (batch) =>
          Effect.map(write(batch), (all) => all.map(({ id }) => ({ id, reason: "it cannot take +15550001" })))
      })),
      /^write: a refused row/
    ],
    [
      "commits less than it has",
      changed(({ flush }, held) => ({
        flush: (cursor) => Effect.map(flush(cursor), (committed) => ({ ...committed, note: held.rows.length - 1 }))
      })),
      /^resume: what came after/
    ],
    [
      "commits what it does not say",
      changed(({ flush }) => ({
        flush: (cursor) => Effect.map(flush(cursor), (one) => ({ ...one, at: Position.of(Number(cursor) - 1) }))
      })),
      /^flush: a note/
    ],
    [
      "finishes when it flushes",
      changed(({ finish, flush }) => ({ flush: (cursor) => Effect.tap(flush(cursor), finish) })),
      /^finish: not/
    ],
    ["does not finish", changed(() => ({ finish: Effect.void })), /^finish: of a run without rows/],
    ["does not say where it stands", changed(() => ({ committed: Option.none() })), /^resume: what came after/],
    [
      "keeps half of a batch that failed",
      changed(({ write }, held) => ({
        write: (batch) =>
          Effect.tapError(write(batch), () =>
            Effect.sync(() => void (held.rows = [...held.rows, ...batch.items.slice(0, 2).map(({ row }) => row)]))
          )
      })),
      /^failing: once/
    ],
    [
      "forbids to try again",
      changed(({ write }) => ({
        write: (batch) =>
          Effect.mapError(
            write(batch),
            ({ operation, reason, sink }) => new SinkError({ sink, operation, reason, retryable: false })
          )
      })),
      /^failing: once/
    ]
  ])("finds a sink that %s", ([, store, expected]) =>
    Effect.gen(function* () {
      const failed: Array<string> = []
      for (const { name, notApplicable, test } of casesOf(store)) {
        if (notApplicable !== undefined) continue
        yield* Effect.catchTag(test, "Nonconformity", () => Effect.sync(() => void failed.push(name)))
      }
      assert.isTrue(
        failed.some((name) => expected.test(name)),
        failed.join("; ")
      )
    })
  )

  it.effect("finds a sink that does not cut back, torn or not", () =>
    Effect.gen(function* () {
      const store = () => {
        const made = make()
        const open: Held["sink"]["open"] = (opening) =>
          Effect.suspend(() => {
            const { rows } = made.held
            return Effect.map(made.sink.open(opening), (writer) => {
              if (Option.isSome(opening.from)) made.held.rows = rows
              return writer
            })
          })
        return { ...made, sink: { ...made.sink, open } }
      }
      for (const name of [
        "resume: what came after the commit is given again, and is there once",
        "resume: with a torn tail"
      ]) {
        const one = casesOf(store).find((one) => one.name === name)
        assert.isDefined(one)
        assert.match((yield* Effect.flip(one.test)).message, /^of \d+ rows .*(more than once|never written)/)
      }
    })
  )

  it.effect("gives a reason for each case that cannot run, and fails the case if it runs", () =>
    Effect.gen(function* () {
      const cases = SinkConformance.cases({ store: Effect.sync(make), delivery: "append" })
      const idle = cases.filter(({ notApplicable }) => notApplicable !== undefined)
      assert.includeMembers(
        idle.map(({ name }) => name),
        ["resume: with a torn tail", "slow: a slow store gets all of it", "failing: once, and retried"]
      )
      for (const { test } of idle) assert.match((yield* Effect.flip(test)).message, /^the case does not apply: /)
      assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
    })
  )
})
