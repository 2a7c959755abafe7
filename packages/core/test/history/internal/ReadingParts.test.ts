/** A range in stretches that are read each by a process of its own. */
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { StretchProof } from "@callstream/core/coverage/StretchProof"
import * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import * as HistorySource from "@callstream/core/source/HistorySource"
import type * as Source from "@callstream/core/source/Source"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Units from "../../../src/source/internal/Units.ts"
import * as ListServer from "../ListServer.ts"

const passed = <A>(value: A): A => JSON.parse(JSON.stringify(value))

const bench = Effect.fnUntraced(function* (
  rows: ReadonlyArray<ListServer.Row>,
  options: HistorySource.Options,
  range: History.OpenRange = {}
) {
  const one = yield* ListServer.run(ListServer.make(rows), History.windows(range, options))
  const server = ListServer.make(rows)
  const log: Array<number> = []
  const spent = () => {
    const before = log.reduce((a, b) => a + b, 0)
    log.push(server.requests() - before)
  }
  const done = yield* ListServer.run(
    server,
    Stream.fromEffect(
      Effect.gen(function* () {
        const { begin, parts } = HistorySource.make(range, options)
        if (parts === undefined) throw new Error("no parts")
        const state = yield* begin
        spent()
        const cut = passed(yield* parts.cut(state, 2))
        spent()
        const proofs: Array<StretchProof> = []
        for (const [nth, range] of cut.stretches.entries()) {
          const units = yield* Stream.runCollect(
            parts.stretch(state, cut, nth, { from: undefined, cuts: [] }, undefined)
          )
          proofs.push(
            passed({ range, coverage: units.reduce(Units.cover, CoverageSet.empty), evidence: units.at(-1)?.evidence })
          )
          spent()
        }
        const last: ReadonlyArray<Source.Unit> = yield* Stream.runCollect(parts.ending(state, cut, proofs))
        spent()
        const coverage = last.reduce(
          Units.cover,
          proofs.reduce((set, { coverage }) => coverage.entries.reduce(CoverageSet.replace, set), CoverageSet.empty)
        )
        console.log(
          one.requests,
          server.requests(),
          log.join(" "),
          JSON.stringify(cut).length,
          proofs.map((p) => JSON.stringify(p.evidence).length),
          one.set,
          coverage.entries.map((e) => [e.verdict, e.count]),
          coverage.withoutStart?.verdict
        )
      })
    ) as never
  )
  void Instant
  if (done.error !== undefined) console.log(done.error)
  assert.isUndefined(done.error)
})

describe("x", () => {
  for (const shape of ["same", "queued"] as const) {
    it.effect("small " + shape, () =>
      bench(ListServer.rowsOf(6000, shape), { pageSize: 10, stretchSize: 2000, concurrency: 4 })
    )
    it.effect("mid " + shape, () => bench(ListServer.rowsOf(60_000, shape), { concurrency: 4 }))
    it.effect("range " + shape, () =>
      bench(
        ListServer.rowsOf(60_000, shape),
        { concurrency: 4 },
        { from: new Date(ListServer.now - 100 * 3600_000), to: new Date(ListServer.now - 10 * 3600_000) }
      )
    )
  }
})
