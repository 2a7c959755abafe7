import * as AgniClient from "@callstream/core/client/AgniClient"
import { type Lease, State } from "@callstream/core/checkpoint/Checkpoint"
import * as Checkpoint from "@callstream/core/checkpoint/Checkpoint"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as PipelineParts from "@callstream/core/pipeline/PipelineParts"
import type * as Position from "@callstream/core/model/Position"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import * as HistorySource from "@callstream/core/source/HistorySource"
import * as PagesSource from "@callstream/core/source/PagesSource"
import type { Source } from "@callstream/core/source/Source"
import type { AgniError } from "@callstream/core/model/AgniError"
import { AgniSimulator } from "@callstream/core/testing"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as MemoryTable from "./MemoryTable.ts"

const StateJson = Schema.fromJsonString(State)
const CutJson = Schema.fromJsonString(PipelineParts.Cut)

/** What a database keeps of leases. */
const leases = () => {
  const saved = new Map<string, string>()
  const stateOf = (key: string) => {
    const text = saved.get(key)
    return text === undefined ? undefined : Schema.decodeUnknownSync(StateJson)(text)
  }
  return {
    stateOf,
    /** @param most The process is killed when it commits more often. */
    open: (key: string, most = Infinity): Lease => {
      let commits = 0
      return {
        epoch: 1,
        state: Option.fromUndefinedOr(stateOf(key)),
        commit: (state) =>
          ++commits > most
            ? Effect.die("killed")
            : Effect.sync(() => void saved.set(key, Schema.encodeSync(StateJson)(state)))
      }
    }
  }
}

const options: HistorySource.Options = { pageSize: 10, pagesPerWindow: 2, stretchSize: 60 }

const world = Effect.fnUntraced(function* () {
  const simulator = yield* AgniSimulator.make({
    wire: "seen",
    content: "minimal",
    sessions: 300,
    undated: 0.05,
    span: "9 days",
    age: "1 day",
    seed: 3
  })
  const counting = { requests: 0 }
  const http = HttpClient.transform(simulator.httpClient, (answer) =>
    Effect.suspend(() => {
      counting.requests++
      return answer
    })
  )
  /** One of as many processes as there are calls of it. */
  const pipelineOf = <S>(sink: SessionSink.SessionSink<unknown>, source: Source<S, AgniError, AgniClient.AgniClient>) =>
    Pipeline.make({
      name: "nightly",
      source,
      transform: Transform.sessions,
      sinks: [sink],
      deadLetters: MemoryTable.make("letters").sink,
      commitEvery: 0
    })
  const connected = <A, E, R>(effect: Effect.Effect<A, E, R | AgniClient.AgniClient>) =>
    Effect.provideServiceEffect(
      effect,
      AgniClient.AgniClient,
      Effect.provideService(
        AgniClient.AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }),
        HttpClient.HttpClient,
        http
      )
    )
  return {
    simulator,
    counting,
    connected,
    pipelineOf,
    history: (sink: SessionSink.SessionSink<unknown>) => pipelineOf(sink, HistorySource.make({}, options))
  }
})

const verdictOf = ({ entries, withoutStart }: CoverageSet.CoverageSet) => ({
  proven: entries.every(({ verdict }) => verdict === "proven" || verdict === "provisional"),
  withoutStart: withoutStart?.verdict,
  calls: entries.reduce((sum, { count = NaN }) => sum + count, 0)
})

describe("Pipeline.parts", () => {
  it.effect(
    "stretches in any order, one killed and resumed, and the ending come to what one run delivers and proves",
    () =>
      Effect.gen(function* () {
        const { connected, history, simulator } = yield* world()
        const one = MemoryTable.make("table")
        const whole = yield* connected(history(one.sink).run()).pipe(Effect.provide(Checkpoint.Checkpoint.layerMemory))
        const { cursors, done, ids, sink } = MemoryTable.make("table")
        const { open, stateOf } = leases()
        const parts = () => history(sink).parts
        const cut = yield* Effect.map(connected(parts().cut({ readers: 3 })), (cut) =>
          Schema.decodeUnknownSync(CutJson)(Schema.encodeSync(CutJson)(cut))
        )
        assert.isAtLeast(cut.stretches.length, 3)
        const order = cut.stretches.map((_, nth) => nth).toReversed()
        for (const nth of order) {
          if (nth === 1) {
            const exit = yield* Effect.exit(connected(parts().stretch(cut, nth, open("1", 2))))
            assert.isTrue(Exit.hasDies(exit))
          }
          yield* connected(parts().stretch(cut, nth, open(String(nth))))
          const again = yield* connected(parts().stretch(cut, nth, open(String(nth))))
          assert.isTrue(again.finishedBefore)
        }
        const proofs = cut.stretches.flatMap((range, nth) => {
          const state = stateOf(String(nth))
          return state === undefined ? [] : [PipelineParts.deliveredOf(range, state)]
        })
        assert.lengthOf(cursors, cut.stretches.length)
        const end = yield* connected(parts().ending(cut, proofs, open("ending")))
        const truth = simulator.truth().map(({ id }) => id)
        assert.deepStrictEqual(ids().toSorted(), truth.toSorted())
        assert.deepStrictEqual(one.ids().toSorted(), truth.toSorted())
        assert.deepStrictEqual(verdictOf(end.coverage), verdictOf(whole.coverage))
        assert.strictEqual(end.coverage.withoutStart?.verdict, "proven")
        assert.deepStrictEqual([...cursors.keys()], ["nightly"])
        assert.strictEqual(done.at(-1), "nightly")
        assert.isTrue(stateOf("ending")?.finished)
      })
  )

  it.effect("at each commit of a part, the last event has the totals of that state", () =>
    Effect.gen(function* () {
      const { connected, history } = yield* world()
      const { parts } = history(MemoryTable.make("table").sink)
      const cut = yield* connected(parts.cut({ readers: 2 }))
      const seen = { delivered: 0 }
      const commits: Array<readonly [noted: number, committed: number]> = []
      const lease: Lease = {
        epoch: 1,
        state: Option.none(),
        commit: ({ coverage = CoverageSet.empty }) =>
          Effect.sync(() => void commits.push([seen.delivered, verdictOf(coverage).calls]))
      }
      yield* connected(
        parts.stretch(cut, 0, lease, ({ totals }) => Effect.sync(() => void (seen.delivered = totals.delivered)))
      )
      assert.isAbove(commits.length, 2)
      for (const [noted, committed] of commits) assert.strictEqual(noted, committed)
    })
  )

  it.effect("a source that is read in one piece is read by the ending", () =>
    Effect.gen(function* () {
      const { connected, pipelineOf, simulator } = yield* world()
      const { ids, sink } = MemoryTable.make("table")
      const { open } = leases()
      const { parts } = pipelineOf(sink, PagesSource.make({}, { pageSize: 50 }))
      const cut = yield* connected(parts.cut({ readers: 2 }))
      assert.lengthOf(cut.stretches, 0)
      yield* connected(parts.ending(cut, [], open("ending")))
      assert.deepStrictEqual(
        ids().toSorted(),
        simulator
          .truth()
          .map(({ id }) => id)
          .toSorted()
      )
    })
  )

  it.effect("a stretch that was not read is a hole in the coverage, and nothing is proven of the sum", () =>
    Effect.gen(function* () {
      const { connected, history } = yield* world()
      const { sink } = MemoryTable.make("table")
      const { open, stateOf } = leases()
      const { parts } = history(sink)
      const cut = yield* connected(parts.cut({ readers: 2 }))
      const [first] = cut.stretches
      assert(first !== undefined)
      yield* connected(parts.stretch(cut, 0, open("0")))
      const state = stateOf("0")
      assert(state !== undefined)
      const { coverage } = yield* connected(
        parts.ending(cut, [PipelineParts.deliveredOf(first, state)], open("ending"))
      )
      assert.strictEqual(coverage.entries[0]?.verdict, "proven")
      assert.strictEqual(coverage.entries.at(-1)?.verdict, "unprovable")
      assert.strictEqual(coverage.withoutStart?.verdict, "provisional")
    })
  )

  it.effect(
    "a sink that shares its parts gets the part that it is for, and the ending gets what each stretch left",
    () =>
      Effect.gen(function* () {
        const { connected, history } = yield* world()
        const openings: Array<SessionSink.Opening> = []
        const verified: Array<SessionSink.RunPart | undefined> = []
        let refuses = true
        const sink = SessionSink.make<unknown>({
          name: "bucket",
          delivery: "resumable",
          shares: "parts",
          open: (opening) =>
            Effect.suspend(() => {
              const { part } = opening
              if (refuses)
                return Effect.fail(
                  new SinkError({
                    sink: "bucket",
                    operation: "open",
                    retryable: false,
                    reason: { _tag: "Other", description: "full" }
                  })
                )
              openings.push(opening)
              return Effect.succeed({
                write: () => Effect.void,
                flush: (at: Position.Cursor) =>
                  Effect.succeed({ at, note: part?._tag === "Stretch" ? part.nth : "the end" })
              })
            }),
          verify: (_, { part }) => Effect.sync(() => void verified.push(part))
        })
        const { open, stateOf } = leases()
        const { parts } = history(sink)
        // Before anything is read.
        assert.strictEqual((yield* Effect.flip(connected(parts.cut({ readers: 2 }))))._tag, "SinkError")
        refuses = false
        const cut = yield* connected(parts.cut({ readers: 2 }))
        const partOf = (nth: number): SessionSink.RunPart => ({ _tag: "Stretch", run: cut.id, nth })
        const all = cut.stretches.map((_, nth) => nth)
        for (const nth of all) yield* connected(parts.stretch(cut, nth, open(String(nth))))
        yield* connected(parts.stretch(cut, 1, open("1")))
        const delivered = cut.stretches.flatMap((range, nth) => {
          const state = stateOf(String(nth))
          return state === undefined ? [] : [PipelineParts.deliveredOf(range, state)]
        })
        yield* connected(parts.ending(cut, delivered, open("ending")))
        const left = all.map((nth) => ({ at: "end", note: nth }))
        assert.deepStrictEqual<unknown>(
          openings.map(({ part }) => part),
          [{ _tag: "Ending", run: cut.id, left: [] }, ...all.map(partOf), { _tag: "Ending", run: cut.id, left }]
        )
        assert.deepStrictEqual(verified, [partOf(1)])
        const again = yield* connected(parts.cut({ readers: 2 }))
        assert.notStrictEqual(again.id, cut.id)
      })
  )

  it.effect("a sink that one process must write is refused by name; so is what another pipeline cut or committed", () =>
    Effect.gen(function* () {
      const { connected, counting, history } = yield* world()
      for (const shares of ["together", undefined] as const) {
        const { sink } = MemoryTable.make("file", shares)
        const error = yield* Effect.flip(connected(history({ ...sink, shares }).parts.cut({ readers: 2 })))
        assert(error._tag === "SinkError")
        assert.deepStrictEqual([error.sink, error.reason._tag], ["file", "OneProcess"])
      }
      assert.strictEqual(counting.requests, 0)
      const { sink } = MemoryTable.make("table")
      const { open } = leases()
      const { parts } = history(sink)
      const cut = yield* connected(parts.cut({ readers: 2 }))
      const other = { ...cut, fingerprint: { ...cut.fingerprint, filters: "status=failed" } }
      const error = yield* Effect.flip(connected(parts.stretch(other, 0, open("0"))))
      assert(error._tag === "CheckpointError")
      assert.strictEqual(error.reason._tag, "Different")
      const state: State = {
        version: 2,
        fingerprint: other.fingerprint,
        sinks: { table: { at: "end", note: null } },
        finished: true
      }
      const held: Lease = { epoch: 1, state: Option.some(state), commit: () => Effect.void }
      const again = yield* Effect.flip(connected(parts.stretch(cut, 0, held)))
      assert(again._tag === "CheckpointError")
      assert.strictEqual(again.reason._tag, "Different")
    })
  )
})
