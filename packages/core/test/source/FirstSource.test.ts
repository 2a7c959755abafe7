import { AgniClient } from "@callstream/core/client/AgniClient"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Rows from "@callstream/core/model/Rows"
import * as ExtremesSource from "@callstream/core/source/ExtremesSource"
import * as FirstSource from "@callstream/core/source/FirstSource"
import type { Source, Unit } from "@callstream/core/source/Source"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Units from "../../src/source/internal/Units.ts"

const passes = ({ status }: CallSession): boolean => status === "completed"

const world = Effect.gen(function* () {
  const simulator = yield* AgniSimulator.make({ sessions: 300, content: "minimal", undated: 0, seed: 5 })
  const client = yield* AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }).pipe(
    Effect.provideService(HttpClient.HttpClient, simulator.httpClient)
  )
  const read = <S>(source: Source<S, unknown, AgniClient>) =>
    Effect.flatMap(source.begin, (state) => Stream.runCollect(source.units(state, { from: undefined, cuts: [] }))).pipe(
      Effect.provideService(AgniClient, client)
    )
  const all = (yield* read(FirstSource.make({ limit: 1000 }))).flatMap(({ rows }) => Rows.items(rows))
  return { read, sessions: all.map(({ row }) => row) }
})

const sessionsOf = (units: ReadonlyArray<Unit>) => units.flatMap(({ rows }) => Rows.items(rows).map(({ row }) => row))
const idsOf = (sessions: ReadonlyArray<CallSession>) => sessions.map(({ id }) => id)

describe("FirstSource", () => {
  it.effect("reads until enough calls counted, and says that there may be more", () =>
    Effect.gen(function* () {
      const { read, sessions } = yield* world
      assert.lengthOf(sessions, 300)
      const passing = sessions.filter(passes)
      for (const limit of [1, 7, 40]) {
        const plain = yield* read(FirstSource.make({ limit }))
        assert.deepStrictEqual(idsOf(sessionsOf(plain)), idsOf(sessions.slice(0, limit)))
        const units = yield* read(FirstSource.make({ limit, counts: passes }))
        const came = sessionsOf(units)
        assert.deepStrictEqual(idsOf(came.filter(passes)), idsOf(passing.slice(0, limit)))
        assert.strictEqual(came.at(-1)?.id, passing[limit - 1]?.id, "nothing comes behind the last that counted")
        const { entries } = units.reduce(Units.cover, CoverageSet.empty)
        assert.deepInclude(entries.at(-1), { verdict: "provisional", reason: { _tag: "StoppedAtLimit", limit } })
      }
      assert.strictEqual(FirstSource.make({ limit: 7, counts: passes }).fingerprint["limit"], "7")
    })
  )

  it.effect("stops a walk over pages too, of which nothing is known", () =>
    Effect.gen(function* () {
      const { read } = yield* world
      const units = yield* read(FirstSource.ofPages({ limit: 30, counts: passes }, {}, { pageSize: 20 }))
      const came = sessionsOf(units)
      assert.lengthOf(came.filter(passes), 30)
      assert.isTrue(came.at(-1) !== undefined && came.slice(-1).every(passes))
      assert.deepStrictEqual(units.reduce(Units.cover, CoverageSet.empty), CoverageSet.empty)
    })
  )
})

describe("ExtremesSource", () => {
  it.effect("chooses from the calls that pass, and reports the others", () =>
    Effect.gen(function* () {
      const { read, sessions } = yield* world
      const newest = idsOf(sessions.filter(passes)).slice(-9).toReversed()
      for (const make of [ExtremesSource.make, ExtremesSource.ofPages]) {
        let leftOut = 0
        const onLeftOut = (some: ReadonlyArray<CallSession>) =>
          Effect.sync(() => {
            assert.isFalse(some.some(passes))
            leftOut += some.length
          })
        const units = yield* read(make({ side: "newest", limit: 9, passes, onLeftOut }))
        assert.deepStrictEqual(idsOf(sessionsOf(units)), newest)
        assert.isAbove(leftOut, 0)
      }
    })
  )
})
