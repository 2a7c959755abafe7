/** Runs that are killed at a commit and resume: what the answers of the second process show counts for what the first one wrote. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { Checkpoint, State } from "@callstream/core/checkpoint/Checkpoint"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import type * as Position from "@callstream/core/model/Position"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as HistorySource from "@callstream/core/source/HistorySource"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import * as ListServer from "../history/ListServer.ts"
import { settle } from "../history/Walking.ts"
import * as Parts from "../pipeline/Parts.ts"
import * as HistoryCase from "../torture/HistoryCase.ts"

const decodeState = Schema.decodeUnknownSync(Schema.fromJsonString(State))

/** Kills the run at its nth commit, before or after the state is saved. */
interface Kill {
  readonly commit: number
  readonly before: boolean
}

/** A table that keeps how far each of its writers is, in one step with the rows. */
const makeTable = () => {
  const rows: Array<string> = []
  const cursors = new Map<string, Position.Cursor>()
  const sink = SessionSink.make<unknown>({
    name: "table",
    delivery: "transactional",
    shares: "each",
    open: ({ pipeline }) =>
      Effect.sync(() => {
        let waiting: ReadonlyArray<string> = []
        const at = cursors.get(pipeline)
        return {
          committed: at === undefined ? Option.none() : Option.some({ at, note: null }),
          write: ({ items }) =>
            Effect.sync(() => {
              waiting = [...waiting, ...items.map(({ id }) => id)]
              return []
            }),
          flush: (at) =>
            Effect.sync(() => {
              rows.push(...waiting)
              waiting = []
              cursors.set(pipeline, at)
              return { at, note: null }
            }),
          finish: Effect.void
        }
      })
  })
  return { rows, cursors, sink }
}

const world = () => {
  let saved: string | undefined
  const table = makeTable()
  const listed = new Set<string>()
  const checkpoint = (kill: Kill | undefined): Checkpoint["Service"] => {
    let commits = 0
    return {
      open: () =>
        Effect.succeed({
          epoch: 1,
          state: saved === undefined ? Option.none<State>() : Option.some(decodeState(saved)),
          commit: (state: State) => {
            commits++
            const save = Effect.sync(() => void (saved = JSON.stringify(state)))
            if (commits !== kill?.commit) return save
            return kill.before ? Effect.die("killed") : Effect.andThen(save, Effect.die("killed"))
          }
        })
    }
  }
  const run = Effect.fnUntraced(function* (
    server: ReturnType<typeof ListServer.make>,
    source: HistorySource.Options,
    range: Parameters<typeof HistorySource.make>[0],
    stretches: number,
    kill?: Kill
  ) {
    const made = yield* Effect.provideService(
      AgniClient.make({ apiKey: Redacted.make("key") }),
      HttpClient.HttpClient,
      server.client
    )
    const client = AgniClient.of({
      ...made,
      list: (...asked) =>
        Effect.tap(made.list(...asked), ({ rows }) =>
          Effect.sync(() => {
            for (const { id } of Rows.items(rows)) listed.add(id)
          })
        )
    })
    const pipeline = Pipeline.make({
      name: "calls",
      source: HistorySource.make(range, source),
      transform: Transform.identity<CallSession>(),
      sinks: [table.sink],
      deadLetters: Parts.letterBox().sink,
      stretches,
      commitEvery: 0
    })
    const exit = yield* settle(
      Effect.exit(pipeline.run()).pipe(
        Effect.provideService(AgniClient, client),
        Effect.provideService(Checkpoint, checkpoint(kill)),
        Random.withSeed(1)
      )
    )
    return { exit, requests: server.requests() }
  })
  const lose = (field: keyof State) => {
    saved = JSON.stringify(Struct.omit(decodeState(saved ?? ""), [field]))
  }
  return { run, table, listed, saved: () => saved ?? "", lose }
}

const horizon = ListServer.now * 1000 - 2 * 3_600_000_000

/** Of all that is old enough. */
const verdictOf = ({ entries, withoutStart }: CoverageSet.CoverageSet) =>
  [
    ...entries.filter(({ range }) => range.from < horizon),
    ...(withoutStart === undefined ? [] : [withoutStart])
  ].reduce<CoverageSet.Verdict>((sum, { verdict }) => CoverageSet.weaker(sum, verdict), "proven")

/** What changes between the first process and the second one. */
type Change = "nothing" | "one comes" | "one leaves" | "one leaves and another one comes"

interface History {
  readonly rows: ReadonlyArray<ListServer.Row>
  readonly withoutStart: ReadonlyArray<string>
  readonly range: { readonly from?: Instant.Instant | undefined; readonly to?: Instant.Instant | undefined }
  readonly stretches: number
  readonly source: HistorySource.Options
}

const drawn = ({ chance, next, pick }: ReturnType<typeof HistoryCase.random>): History => {
  const rows = ListServer.rowsOf(120 + Math.floor(next() * 240), pick("same", "queued"))
  const startOf = (share: number) => Instant.of((rows[Math.floor(share * rows.length)]?.start ?? 0) * 1000)
  const isBounded = chance(0.5)
  const withoutStart = chance(0.4) ? [5, 40, 41].map((at) => `call-${at}`) : []
  return {
    rows,
    withoutStart,
    range: isBounded ? { from: startOf(0.1), to: startOf(0.9) } : {},
    stretches: pick(1, 1, 2),
    source: { pageSize: 10, pagesPerWindow: 2, stretchSize: 60, concurrency: pick(1, 4) }
  }
}

/** The calls that a run is to bring. */
const meantOf = ({ range: { from, to }, rows, withoutStart }: History) => {
  const isIn = (at: number) => at * 1000 >= (from ?? -Infinity) && at * 1000 < (to ?? Infinity)
  return rows.filter(({ created, id, start }) => isIn(withoutStart.includes(id) ? created : start))
}

/** What is wrong with what the table has, and what was said of it. */
const wrongOf = (
  history: History,
  held: ReadonlyArray<string>,
  listed: ReadonlySet<string>,
  verdict: CoverageSet.Verdict,
  gone: string | undefined
) => {
  const meant = meantOf(history)
  const missing = meant.filter(({ id }) => id !== gone && listed.has(id) && !held.includes(id))
  return [
    ...(new Set(held).size === held.length ? [] : ["a call came twice"]),
    ...(verdict === "proven" && missing.length > 0 ? [`proven, and ${missing.length} are missing`] : [])
  ]
}

const first = Number(process.env["SEED"] ?? 1)
const count = 16

describe("a run that is killed at a commit and resumes", () => {
  for (const change of [
    "nothing",
    "one comes",
    "one leaves",
    "one leaves and another one comes"
  ] satisfies ReadonlyArray<Change>)
    it.effect(`${change}: ${count} histories from seed ${first}`, () =>
      Effect.gen(function* () {
        const tally = { runs: 0, shown: 0, late: 0, proven: 0, most: 0 }
        for (let seed = first; seed < first + count; seed++) {
          yield* TestClock.setTime(ListServer.now)
          const chances = HistoryCase.random(seed)
          const history = drawn(chances)
          const { range, rows, source, stretches, withoutStart } = history
          const one = world()
          const [some, other] = [0.15, 0.7].map(
            (share) => rows[Math.floor((share + 0.1 * chances.next()) * rows.length)]?.id
          )
          const comes = change === "one comes" || change === "one leaves and another one comes" ? some : undefined
          const gone = change === "one leaves" || change === "one leaves and another one comes" ? other : undefined
          const whole = yield* world().run(ListServer.make(rows, { withoutStart }), source, range, stretches)
          const [before, after] = [comes, gone].map((lacks) =>
            ListServer.make(
              rows.filter(({ id }) => id !== lacks),
              { withoutStart }
            )
          )
          if (before === undefined || after === undefined) return
          const kill = { commit: 2 + Math.floor(chances.next() * 12), before: chances.chance(0.3) }
          const killed = yield* one.run(before, source, range, stretches, kill)
          if (Exit.isSuccess(killed.exit)) continue
          const resumed = yield* one.run(after, source, range, stretches)
          if (Exit.isFailure(resumed.exit)) return yield* Effect.failCause(resumed.exit.cause)
          const verdict = verdictOf(resumed.exit.value.coverage)
          const about = JSON.stringify({
            seed,
            kill,
            verdict,
            coverage: resumed.exit.value.coverage,
            range,
            stretches,
            rows: rows.length,
            withoutStart
          })
          assert.deepStrictEqual(wrongOf(history, one.table.rows, one.listed, verdict, gone), [], about)
          const isLate = comes !== undefined && one.listed.has(comes) && meantOf(history).some(({ id }) => id === comes)
          if (isLate) assert.include(one.table.rows, comes, about)
          tally.runs++
          if (verdict === "proven") tally.proven++
          if (comes !== undefined && one.listed.has(comes)) tally.shown++
          if (comes !== undefined && one.table.rows.includes(comes) && verdict !== "proven") tally.late++
          tally.most = Math.max(tally.most, resumed.requests - whole.requests)
          if (change === "nothing") {
            assert.strictEqual(verdict, "proven", about)
            assert.isAtMost(resumed.requests, whole.requests + 16, about)
            assert.strictEqual(one.table.rows.length, meantOf(history).length, about)
          }
        }
        console.log(change, JSON.stringify(tally))
        assert.isAtLeast(tally.runs, 0.7 * count)
      })
    )

  for (const stretches of [1, 2]) {
    const rows = ListServer.rowsOf(200, "same")
    const range = { from: Instant.of((rows[0]?.start ?? 0) * 1000), to: Instant.of((rows[199]?.start ?? 0) * 1000 + 1) }
    const source = { pageSize: 10, pagesPerWindow: 2, stretchSize: 60, concurrency: 1 }
    const killed = Effect.fnUntraced(function* () {
      yield* TestClock.setTime(ListServer.now)
      const one = world()
      const { exit } = yield* one.run(ListServer.make(rows), source, range, stretches, { commit: 4, before: false })
      assert.isTrue(Exit.isFailure(exit))
      assert.isAbove(one.table.rows.length, 10)
      return one
    })
    const finished = Effect.fnUntraced(function* (one: ReturnType<typeof world>) {
      const { exit } = yield* one.run(ListServer.make(rows), source, range, stretches)
      if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
      assert.notInclude(one.saved(), '"evidence"')
      assert.sameMembers(
        one.table.rows,
        rows.map(({ id }) => id)
      )
      return exit.value.coverage
    })

    it.effect(`says so where the state has no evidence, in ${stretches} stretches`, () =>
      Effect.gen(function* () {
        const one = yield* killed()
        assert.strictEqual(verdictOf(yield* finished(one)), "proven")
        const other = yield* killed()
        other.lose("evidence")
        const { entries } = yield* finished(other)
        assert.strictEqual(entries[0]?.reason?._tag, "Resumed")
        assert.strictEqual(entries.at(-1)?.verdict, "proven")
      })
    )

    it.effect(`brings all again to a table that was emptied, in ${stretches} stretches`, () =>
      Effect.gen(function* () {
        const one = yield* killed()
        one.table.cursors.clear()
        one.table.rows.length = 0
        assert.strictEqual(verdictOf(yield* finished(one)) === "unprovable", false)
      })
    )
  }
})
