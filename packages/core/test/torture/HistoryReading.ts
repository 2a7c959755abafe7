/** Reads the range of a case: in one piece, in stretches side by side, or each stretch in a process of its own. */
import { type Case, random, rangeOf, type Read, startAt } from "./HistoryCase.ts"
import * as Instant from "../../src/model/Instant.ts"
import { make as makeWindow, verdict, type Window } from "@callstream/core/history/Coverage"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { StretchProof } from "@callstream/core/coverage/StretchProof"
import * as Rows from "@callstream/core/model/Rows"
import * as History from "@callstream/core/history/History"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as KilledReading from "./KilledReading.ts"
import * as ReadingParts from "../../src/history/internal/ReadingParts.ts"

export const windows = ({ range, read }: Pick<Case, "range" | "read">) => {
  const cuts = read.cuts?.map((cut) => Instant.of(cut))
  return read.killed !== undefined
    ? KilledReading.windows(range, read, random(read.killed))
    : read.sideBySide === undefined
      ? History.windows(rangeOf(range), {
          ...read,
          cuts,
          resume: read.resume === undefined ? undefined : Instant.of(read.resume)
        })
      : read.apart === undefined
        ? inStretches(range, read, read.sideBySide)
        : inParts(range, read, read.sideBySide, random(read.apart))
}

/** All windows of all stretches, in the order of their starts, and then those of the ending. */
const inStretches = (
  range: Case["range"],
  { cuts = [], sideBySide: _, ...options }: Read,
  { readers, size }: NonNullable<Read["sideBySide"]>
) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const beside = yield* History.sideBySide(rangeOf(range), { ...options, sideBySide: readers, stretchSize: size })
      const all = yield* Effect.forEach(
        beside.stretches,
        (_, nth) => Stream.runCollect(beside.windows(nth, { cuts: cuts.map((cut) => Instant.of(cut)) })),
        { concurrency: readers }
      )
      return Stream.concat(Stream.fromIterable(all.flat()), beside.closing)
    })
  )

/** As another process has it: nothing, where answers are no evidence. */
const passed = <A>(value: A): A => (value === undefined ? value : JSON.parse(JSON.stringify(value)))

const entryOf = ({ coverage, from, observedAt, requests, rows, settled, to }: Window): CoverageSet.Entry => ({
  range: { from, to },
  verdict: verdict(coverage),
  ...(coverage._tag === "Proven" ? {} : { reason: coverage.reason }),
  count: rows.length,
  final: settled,
  requests,
  asOf: observedAt
})

const withEvidence = <A, E, R, B, E2>(windows: Stream.Stream<A, E, R>, evidence: Effect.Effect<B, E2>) =>
  Stream.mapEffect(windows, (window) => Effect.map(evidence, (evidence) => [window, evidence] as const))

/** The same, each stretch by a reading of its own, which knows of the others what the cut and the proofs say. */
const inParts = (
  range: Case["range"],
  { apart: _a, cuts = [], end: _e, resume: _r, sideBySide: _, ...options }: Read,
  { readers, size }: NonNullable<Read["sideBySide"]>,
  { chance, next }: ReturnType<typeof random>
) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const asked = rangeOf(range)
      // A range without an end has the same in each process.
      const end = asked.to === undefined ? History.openEnd(Instant.of(startAt), Instant.of(startAt)) : undefined
      const settings = { ...options, end, stretchSize: size }
      const cut = passed(yield* ReadingParts.cut(asked, settings, readers))
      const all = new Map<number, ReadonlyArray<Window>>()
      const proofs: Array<StretchProof> = []
      const order = cut.stretches.map((_, nth) => nth).sort(() => next() - 0.5)
      for (const nth of order) {
        const one = cut.stretches[nth]
        if (one === undefined) continue
        const read = (from: Instant.Instant | undefined, evidence: Schema.Json | undefined) =>
          ReadingParts.stretch(asked, settings, cut, nth, { from, evidence, cuts: cuts.map((cut) => Instant.of(cut)) })
        // One of two processes is killed after its first window.
        const before = chance(0.2)
          ? yield* Effect.flatMap(read(undefined, undefined), ({ evidence, windows }) =>
              Stream.runCollect(Stream.take(withEvidence(windows, evidence), 1))
            )
          : []
        const [at, known] = before[0] === undefined ? [undefined, undefined] : [before[0][0].to, passed(before[0][1])]
        const rest = yield* read(at, known)
        const windows = [...before.map(([window]) => window), ...(yield* Stream.runCollect(rest.windows))]
        all.set(nth, windows)
        const entries = windows.map(entryOf).filter(({ range: { from, to } }) => from < to)
        const coverage = entries.reduce(CoverageSet.replace, CoverageSet.empty)
        proofs.push(passed({ range: one, coverage, evidence: yield* rest.evidence }))
      }
      // What comes twice is the same row of a table.
      const ids = new Set<string>()
      const once = (window: Window) =>
        makeWindow(
          Rows.items(window.rows).filter(({ id }) => !ids.has(id) && ids.add(id)),
          window
        )
      return Stream.map(
        Stream.concat(
          Stream.fromIterable(cut.stretches.flatMap((_, nth) => all.get(nth) ?? [])),
          ReadingParts.ending(asked, settings, cut, proofs)
        ),
        once
      )
    })
  )
