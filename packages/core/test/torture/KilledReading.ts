/** Reads the range of a case by processes of which each but the last is killed: the next one has what that one committed. */
import * as History from "@callstream/core/history/History"
import type { Window } from "@callstream/core/history/Coverage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as Instant from "../../src/model/Instant.ts"
import * as EvidenceJson from "../../src/history/internal/EvidenceJson.ts"
import * as OnePiece from "../../src/history/internal/OnePiece.ts"
import type * as PartEvidence from "../../src/history/internal/PartEvidence.ts"
import * as ReadBefore from "../../src/history/internal/ReadBefore.ts"
import * as Stretches from "../../src/history/internal/Stretches.ts"
import { type Case, type random, rangeOf, type Read, startAt } from "./HistoryCase.ts"

/** Called at each kill, with what the process left. */
export const Killed = Context.Reference<(left: PartEvidence.Evidence | undefined) => void>("torture/Killed", {
  defaultValue: () => () => {}
})

type Chance = ReturnType<typeof random>

/** A process that is killed so often is left alone. */
const mostWindows = 20

/** How many windows a process commits before it is killed, and whether that comes at all. */
const fateOf = ({ chance, next }: Chance, before: number) =>
  before < mostWindows && chance(0.7) ? 1 + Math.floor(next() * (chance(0.5) ? 3 : 40)) : Infinity

const encoded = (evidence: PartEvidence.Evidence | undefined): Schema.Json | undefined =>
  evidence === undefined ? undefined : JSON.parse(JSON.stringify(EvidenceJson.encode(evidence)))

const unknown = Effect.die("nothing is known of what was committed")

const settingsOf = (range: Case["range"], read: Read) => {
  const rest = Struct.omit(read, ["apart", "cuts", "end", "killed", "resume", "sideBySide"])
  // A range without an end has the same in each process.
  const end = range.to === undefined ? History.openEnd(Instant.of(startAt), Instant.of(startAt)) : undefined
  return { ...rest, cuts: read.cuts?.map((cut) => Instant.of(cut)) ?? [], end, order: "oldest" } as const
}

/** At a commit a process has the evidence up to the window that was delivered last. */
const inOnePiece = Effect.fnUntraced(function* (range: Case["range"], read: Read, chance: Chance) {
  const settings = settingsOf(range, read)
  const killed = yield* Killed
  const all: Array<Window> = []
  let at: Instant.Instant | undefined
  let saved: Schema.Json | undefined
  let mayBeKilled = true
  for (;;) {
    const known = at === undefined ? undefined : ReadBefore.committedTo(at, EvidenceJson.decode(saved))
    if (at !== undefined && known === undefined) return yield* unknown
    const most = mayBeKilled ? fateOf(chance, all.length) : Infinity
    const isKilled = most < Infinity
    const windows = yield* Stream.runCollect(
      OnePiece.windows(rangeOf(range), { ...settings, resume: at }, known).pipe(
        Stream.takeWhile(({ window: { from, to } }) => !isKilled || from < to),
        Stream.take(most),
        Stream.map(({ progress, window }) => {
          const parts = [{ from: -Infinity, to: window.to }]
          return { window, seen: isKilled ? encoded(progress.evidence({ parts, listed: "probes" })) : undefined }
        })
      )
    )
    const last = windows.at(-1)
    // Where bounds or filters do not work, no answer is evidence, and nothing is proven.
    if (isKilled && last !== undefined && last.seen === undefined) {
      mayBeKilled = false
      continue
    }
    all.push(...windows.map(({ window }) => window))
    if (!isKilled) return all
    at = last?.window.to ?? at
    saved = last?.seen ?? saved
    killed(EvidenceJson.decode(saved))
  }
})

/** The same of each stretch. */
const inStretches = Effect.fnUntraced(function* (
  range: Case["range"],
  read: Read,
  { readers, size }: NonNullable<Read["sideBySide"]>,
  chance: Chance
) {
  const { cuts, ...all } = settingsOf(range, read)
  const settings = Struct.omit(all, ["order"])
  const killed = yield* Killed
  let before: ReadonlyArray<ReadonlyArray<Window>> = []
  let begun: ReadonlyArray<ReadBefore.Begun & History.Begun> | undefined
  let saved: Schema.Json | undefined
  let mayBeKilled = true
  for (;;) {
    const parts = begun?.flatMap(({ at, from }) => (at === undefined || at <= from ? [] : [{ from, to: at }])) ?? []
    const known = ReadBefore.committed(parts, EvidenceJson.decode(saved))
    if (parts.length > 0 && known === undefined) return yield* unknown
    const options = { ...settings, sideBySide: readers, stretchSize: size, stretches: begun }
    const reading = yield* Stretches.open(rangeOf(range), options, known)
    const isKilled = mayBeKilled && fateOf(chance, before.flat().length) < Infinity
    const all = reading.stretches.map((_, nth) => before[nth] ?? [])
    const at = reading.stretches.map(({ from }, nth) => begun?.[nth]?.at ?? Instant.of(from))
    yield* Effect.forEach(
      reading.stretches,
      Effect.fnUntraced(function* ({ to }, nth) {
        const from = at[nth]
        if (from === undefined || from >= to) return
        // What nothing is committed of is another reading, with other clocks.
        const most = !isKilled || chance.chance(0.2) ? Infinity : fateOf(chance, 0) - (nth === 0 ? 0 : 1)
        const read = reading.windows(nth, { from: begun === undefined ? undefined : from, cuts })
        const windows = yield* Stream.runCollect(Stream.take(read, most))
        // Pages that come in no order are committed with the whole stretch.
        if (most < Infinity && windows.some(({ from, to }) => from >= to)) return
        all[nth] = [...(all[nth] ?? []), ...windows]
        at[nth] = most < Infinity ? (windows.at(-1)?.to ?? from) : Instant.of(to)
      }),
      { concurrency: readers }
    )
    if (!isKilled) return [...all.flat(), ...(yield* Stream.runCollect(reading.closing))]
    const left = reading.stretches.map(({ from, to }, nth) => ({
      from: Instant.of(from),
      to: Instant.of(to),
      at: at[nth]
    }))
    const committed = left.flatMap(({ at, from }) => (at === undefined || at <= from ? [] : [{ from, to: at }]))
    const evidence = encoded(reading.evidence({ parts: committed, listed: "probes" }))
    if (committed.length > 0 && evidence === undefined) {
      mayBeKilled = false
      continue
    }
    begun = left
    before = all
    saved = evidence
    killed(EvidenceJson.decode(saved))
  }
})

export const windows = (range: Case["range"], read: Read, chance: Chance) =>
  Stream.fromIterableEffect(
    read.sideBySide === undefined ? inOnePiece(range, read, chance) : inStretches(range, read, read.sideBySide, chance)
  )
