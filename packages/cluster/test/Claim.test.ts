/** A stretch and those who take it: in each order of steps, the last one to take it is the only one that commits. */
import type { State } from "@callstream/core/checkpoint/Checkpoint"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as Claim from "../src/internal/Claim.ts"
import * as RunRows from "../src/internal/RunRows.ts"
import * as StretchRows from "../src/internal/StretchRows.ts"
import * as TestFleet from "./TestFleet.ts"
import * as TestJobs from "./TestJobs.ts"

const steps = ["take", "commit", "commit", "commit", "finish", "fail", "release", "cancel", "retry"] as const

/** A generator of numbers below a bound, the same for each seed. */
const random = (seed: number) => {
  const state = { at: seed }
  return (below: number) => {
    state.at = (Math.imul(state.at, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state.at / 2 ** 32) * below)
  }
}

const stateOf = (done: number): State => ({ version: 2, fingerprint: {}, sinks: {}, finished: false, source: done })

/** What the table must say, by the rules alone. */
interface Model {
  /** Who may write. */
  holder: number | undefined
  state: number | undefined
  status: "open" | "finished" | "failed"
  isRunning: boolean
  attempt: number
  claims: number
}

const cut = { id: "cut", fingerprint: {}, source: null, stretches: [TestJobs.rangeOf(0)], note: null }

const play = Effect.fnUntraced(function* (sql: SqlClient, service: TestFleet.Service, seed: number) {
  const next = random(seed)
  const name = `run ${seed}`
  const run = yield* service.submit(name, {})
  yield* RunRows.plan(sql, { run, attempt: 1 }, cut, 0)
  // As after a clock that was set back: the next epoch is higher nevertheless.
  const hour = "1000 * extract(epoch FROM now() + interval '1 hour')"
  if (next(2) === 0) yield* sql.unsafe(`UPDATE callstream_stretches SET epoch = ${hour} WHERE run = '${run}'`)
  const model: Model = { holder: undefined, state: undefined, status: "open", isRunning: true, attempt: 1, claims: 0 }
  const claims: Array<Claim.Claim> = []
  const log: Array<string> = []
  const said = (what: string) => `seed ${seed}: ${[...log, what].join(", ")}`
  for (let step = 0; step < 14; step++) {
    const kind = steps[next(steps.length)] ?? "take"
    const who = next(Math.max(1, claims.length))
    const claim = claims[who]
    log.push(`${kind} ${who}`)
    if (kind === "take") {
      const attempt = 1 + next(model.attempt)
      const taken = yield* StretchRows.claim(sql, `worker ${claims.length}`, { run, attempt, nth: 0 })
      const isOpen = model.isRunning && model.status === "open" && attempt === model.attempt
      assert.strictEqual(taken !== undefined, isOpen, said("may it be taken"))
      if (taken === undefined) continue
      const one = yield* Claim.make(sql, taken)
      assert.isAbove(taken.epoch, Math.max(0, ...claims.map(({ lease }) => lease.epoch)), said("the epoch rises"))
      assert.deepStrictEqual(
        one.lease.state,
        Option.map(Option.fromUndefinedOr(model.state), stateOf),
        said("the state")
      )
      model.holder = claims.push(one) - 1
      assert.strictEqual(taken.claims, ++model.claims, said("claims without a commit"))
    } else if (kind === "cancel" || kind === "retry") {
      const done = yield* Effect.exit(kind === "cancel" ? service.cancel(name) : service.retry(name))
      assert.strictEqual(done._tag === "Success", (kind === "cancel") === model.isRunning, said("its state"))
      if (done._tag === "Failure") continue
      if (kind === "cancel") Object.assign(model, { isRunning: false, holder: undefined })
      else {
        Object.assign(model, { isRunning: true, attempt: model.attempt + 1 })
        if (model.status !== "finished") Object.assign(model, { status: "open", claims: 0 })
        yield* RunRows.plan(sql, { run, attempt: model.attempt }, cut, 0)
      }
    } else if (claim !== undefined) {
      const mayWrite = who === model.holder
      if (kind === "release") {
        yield* claim.release
        if (mayWrite) model.claims = Math.max(0, model.claims - 1)
        continue
      }
      if (kind !== "commit" && mayWrite && model.status !== "open") continue
      const write = {
        commit: claim.lease.commit(stateOf(step)),
        finish: claim.finish({ coverage: { entries: [], seams: [] }, totals: TestJobs.totalsOf(0) }),
        fail: claim.fail({ _tag: "Crashed", attempts: 1 })
      }
      const done = yield* Effect.exit(write[kind])
      assert.strictEqual(done._tag === "Success", mayWrite, said("may it write"))
      assert.strictEqual(yield* claim.isFenced, !mayWrite, said("does it know"))
      if (!mayWrite) continue
      if (kind === "commit") Object.assign(model, { state: step, claims: 0 })
      else model.status = kind === "finish" ? "finished" : "failed"
    }
  }
})

describe.skipIf(Postgres.missing)(`a claim${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("of the latest worker is the only one that writes, in each order of steps", () =>
      Effect.gen(function* () {
        const { fleet, sql } = yield* TestFleet.database
        const service = yield* fleet()
        for (let seed = 1; seed <= 25; seed++) yield* play(sql, service, seed)
      })
    )
  })
})
