/** A range for which nothing came. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Blocks from "../../endpoint/internal/Blocks.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Gone from "./Gone.ts"
import type { Known } from "./Known.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { believedWidth, nothingKnown, type Settings } from "./Settings.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import * as Task from "./Task.ts"

/** Rows came from within the range, though none came for the whole of it. */
export const came: Coverage = { _tag: "Provisional", reason: { _tag: "CallsMoved" } }

/** The rows beside the range come back, and did not come for bounds that hold them and the range: a limit on results answers so. */
export const hidden: Coverage = { ...came }

export const tooWide: Coverage = {
  _tag: "Provisional",
  reason: { _tag: "WiderThanSeen" }
}

/**
 * One answer that brings the nearest control rows on both sides, and none between, shows that nothing is there: an outage, or a
 * limit on the width of a range, would hide those too. Beyond the ends of the list without bounds one side is enough. Where
 * they do not come in one answer, a control row must come back, and then nothing once more; nothing is said of a range that is too
 * wide for that.
 */
export const confirm = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  ask: Ask.Ask,
  range: Range,
  bounds: Ask.Between,
  /** Whether a limit on results may answer with nothing, and whether the range is cut again then. */
  hides: "again" | "no more" | undefined,
  /** Rows beside it that were shown meanwhile. */
  shown?: Task.Beside,
  /** Whether the range is not cut again. */
  isLast = false
): Effect.fn.Return<Coverage | undefined, AgniError> {
  const { size } = settings
  if (settings.controls.length === 0) return nothingKnown
  const isWithin = (start: Micros | undefined) => start !== undefined && start >= range.from && start < range.to
  const isIn = ({ start }: Rows.Row) => isWithin(start)
  const isShown = () => [...ask.log.shown.values()].some(isWithin)
  // A count may have listed what no page brought.
  if (isShown()) return came
  const isTrusted = range.to - range.from <= believedWidth(known.width)
  let back: ReadonlySet<string> = new Set()
  let beside = besideOf(settings, ask, range, bounds, shown)
  for (let left = mostGone; ; left--) {
    const width = beside.bounds.before - beside.bounds.after
    // The same rows lie beside each empty part of a long range: bounds that were refused once are not asked for again.
    const isRefused = width >= Math.min(known.refused, ask.log.refused) && isTrusted
    // What it is a part of brought nothing, though a row of it is known: one side shows whether this answer is such a one.
    if (isRefused || !(beside.isProof || hides !== undefined)) break
    const { ended, rows } = yield* bracket(settings, ask, range, beside.bounds)
    if (rows.some(isIn)) return came
    const lacks = lackedBy(rows, beside.rows)
    if (beside.isProof && ended && lacks.length === 0 && (yield* isEnd(ask, size, beside))) return { _tag: "Proven" }
    if (!ended || lacks.length === 0) break
    const found = yield* Gone.look(ask, lacks, size)
    if (found.problem !== undefined) return { _tag: "Unprovable", reason: found.problem }
    back = found.there
    const next = besideOf(settings, ask, range, bounds, shown)
    // Where nothing else is known on that side, the row itself is all that can be tried.
    if (found.left && next.isProof && left > 0) {
      beside = next
      continue
    }
    if (back.size === 0 || width > believedWidth(known.width) || rows.length >= size) break
    return beside.isProof && isLast ? yield* confirmAgain(settings, ask, range, bounds, beside) : hidden
  }
  // Not even the end of the list without bounds shows what lies beyond it: a limit may hide it here, and have cut that list.
  if (!isTrusted) return undefined
  if (hides === "again") return came
  const middle = (range.from + range.to) / 2
  const { controls } = settings
  const isBelow = ({ start }: Rows.Dated) => start < middle
  const answered: Array<boolean> = []
  // On both sides: where bounds are applied after paging, only calls near the front of the list come back.
  for (const side of [controls.filter(isBelow), controls.filter((row) => !isBelow(row))]) {
    if (side.length === 0) continue
    const found =
      side.some(({ key }) => back.has(key)) ||
      (yield* comesBack(ask, nearest(Gone.without(side, known.gone), middle), size))
    if (typeof found !== "boolean") return { _tag: "Unprovable", reason: found }
    answered.push(found)
  }
  if (!answered.every(Boolean)) return { _tag: "Unprovable", reason: Ask.notBack }
  // A limit on results may answer with nothing where there are many.
  const cut = Ask.floorSecond(middle)
  const halves = yield* Effect.all(
    [
      ask(1, { after: bounds.after, before: cut + 2 * Ask.second }),
      ask(1, { after: cut - 2 * Ask.second, before: bounds.before })
    ],
    { concurrency: 2 }
  )
  // Bounds reach a little further than the range: a row beside it may come.
  const isNothing = halves.every(({ rows }) => rows.length < size && !rows.some(isIn))
  return isNothing && !isShown() && !Gone.without(controls, ask.log.gone).some(isIn) ? { _tag: "Proven" } : came
})

/** A range that lies beside more rows that left is cut. */
const mostGone = 4

/** The nearest rows beside a range that may come back, and what they prove. */
interface Neighbours extends Task.Beside {
  readonly rows: ReadonlyArray<Rows.Dated>
  readonly bounds: Ask.Between
  /** Whether an answer with them, and nothing between, shows that nothing is there. */
  readonly isProof: boolean
  /** The row at the end of the list without bounds is gone: it has to end with this one, on that side. */
  readonly end: readonly ["newest" | "oldest", Rows.Dated] | undefined
}

const besideOf = (
  { controls, ends }: Settings,
  { log }: Ask.Ask,
  range: Range,
  bounds: Ask.Between,
  shown: Task.Beside | undefined
): Neighbours => {
  const known = new Map(Gone.without(controls, log.gone).map(({ key, start }) => [key, start]))
  const { above, below } = Task.besides(range, known, Gone.besidesWithout(shown, log))
  const [oldest] = controls
  const newest = controls.at(-1)
  const isGone = (row: Rows.Dated | undefined) => row !== undefined && log.gone.has(row.key)
  return {
    above,
    below,
    rows: [below, above].flatMap((row) => row ?? []),
    bounds: {
      after: below === undefined ? bounds.after : Ask.around(below).after,
      before: above === undefined ? bounds.before : Ask.around(above).before
    },
    isProof: below === undefined ? above !== undefined && ends.oldest : above !== undefined || ends.newest,
    // What lies beyond that row was not listed while it was there.
    end:
      below === undefined
        ? above !== undefined && isGone(oldest) && (oldest?.start ?? 0) < range.from
          ? ["oldest", above]
          : undefined
        : above === undefined && isGone(newest) && (newest?.start ?? 0) >= range.to
          ? ["newest", below]
          : undefined
  }
}

const isEnd = (ask: Ask.Ask, size: number, { end }: Neighbours): Effect.Effect<boolean, AgniError> =>
  end === undefined ? Effect.succeed(true) : Gone.endsBeside(ask, size, ...end)

/** Of what lies between the range and the nearest rows beside it, so much is asked for, so many times. */
const shares = [1, 1, 1 / 4, 1 / 16]
const mostTimes = 3

/**
 * The rows beside the range did not come with it: that answer may have lacked them by chance, or all over one connection do. Or a limit on
 * results answers with nothing, because many lie between: then there are nearer ones on both sides.
 */
const confirmAgain = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Range,
  bounds: Ask.Between,
  beside: Task.Beside
): Effect.fn.Return<Coverage, AgniError> {
  const { from, to } = range
  const isIn = ({ start }: Rows.Row) => start !== undefined && start >= from && start < to
  for (let times = 0; times < mostTimes; times++) {
    const { above, below } = Task.besides(range, ask.log.shown, beside)
    const answers = yield* Effect.forEach(
      shares,
      (share) => {
        const least = from - share * (from - (below?.start ?? from))
        const most = to + share * ((above?.start ?? to) - to)
        const about = {
          after: Math.min(Ask.floorSecond(least) - Ask.second, bounds.after),
          before: Math.max(Ask.floorSecond(most) + 2 * Ask.second, bounds.before)
        }
        return Effect.map(bracket(settings, ask, range, about), (answer) => ({ ...answer, about }))
      },
      { concurrency: "unbounded" }
    )
    if (answers.some(({ rows }) => rows.some(isIn))) return came
    const isProof = answers.some(
      ({ about, ended, rows }) =>
        ended &&
        rows.length < settings.size &&
        (below === undefined || rows.some(({ start }) => start !== undefined && start < from)) &&
        (above === undefined || rows.some(({ start }) => start !== undefined && start >= to)) &&
        lackedBy(rows, shownWithin(ask.log, about)).length === 0
    )
    if (isProof) return { _tag: "Proven" }
  }
  return hidden
})

/** Rows that were shown, and lie within bounds however those are understood. */
const shownWithin = ({ shown }: Ask.Log, { after, before }: Ask.Between): ReadonlyArray<{ readonly key: string }> =>
  [...shown].flatMap(([key, start = -Infinity]) =>
    start > after + Ask.second && start < before - Ask.second ? [{ key }] : []
  )

const lackedBy = <Row extends { readonly key: string }>(
  rows: ReadonlyArray<Rows.Row>,
  beside: ReadonlyArray<Row>
): ReadonlyArray<Row> => {
  const keys = new Set(rows.map(({ key }) => key))
  return beside.filter(({ key }) => !keys.has(key))
}

/** Rows about a range for which nothing came, and whether those are all. */
interface Bracket {
  readonly rows: ReadonlyArray<Rows.Row>
  readonly ended: boolean
}

const bracket = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Range,
  bounds: Ask.Between
): Effect.fn.Return<Bracket, AgniError> {
  const { size } = settings
  const answer = yield* Ask.catchPoison(
    Effect.catchIf(ask(1, bounds), Ask.isRefusal, () => Effect.undefined),
    () => Effect.succeed("fails" as const)
  )
  if (answer === "fails" && !(yield* Ask.failsAsWhole(ask, bounds))) return yield* inParts(settings, ask, range, bounds)
  const first = answer === "fails" || answer === undefined ? [] : answer.rows
  // Other rows may have the start of a known one.
  const second = first.length < size ? [] : yield* next(settings, ask, bounds, first)
  const isAnswer = answer !== undefined && answer !== "fails"
  // Behind a second page that cannot be had there may be more.
  return { rows: [...first, ...(second ?? [])], ended: isAnswer && second !== undefined && second.length < size }
})

/** The same row by row, where some cannot be had. Those must start beside the range: there as many are asked for. */
const inParts = Effect.fnUntraced(function* (
  { size, sort }: Settings,
  ask: Ask.Ask,
  { from, to }: Range,
  { after, before }: Ask.Between
): Effect.fn.Return<Bracket, AgniError> {
  const read = (bounds: Ask.Between) =>
    bounds.before - bounds.after > Ask.second
      ? Blocks.all(Blocks.make(ask, bounds, sort), { most: 2 * size, size: Blocks.largest(size) })
      : Effect.undefined
  const whole = yield* read({ after, before })
  if (whole === undefined) return { rows: [], ended: false }
  const older = yield* read({ after, before: Ask.floorSecond(from) - Ask.second })
  const lost = whole.lost.length
  const below = older?.lost.length ?? 0
  const newer = below < lost ? yield* read({ after: Ask.ceilSecond(to) + Ask.second, before }) : undefined
  const beside = below + (newer?.lost.length ?? 0)
  return { rows: [...whole.held.rows.values()], ended: whole.ended && beside >= lost }
})

/** Whether one of the rows comes back, the nearest first; or why bounds are not understood. */
const comesBack = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  byDistance: ReadonlyArray<Rows.Dated>,
  size: number
): Effect.fn.Return<boolean | CoverageReason, AgniError> {
  const look = (row: Rows.Dated, by = ask) =>
    Ask.catchPoison(Ask.control(by, row, size), () => Effect.succeed("fails" as const))
  const [first, ...others] = [0, 1, 2, 8, 32, 64].flatMap((at) => byDistance[at] ?? [])
  if (first === undefined) return false
  const found = yield* look(first)
  if (found === undefined) return true
  if (Gone.isProblem(found)) return found
  // It may have left, or have a neighbour that cannot be rendered: others will do, further away in the latter case. That answer
  // may have lacked it: at the same time others come over other connections.
  const again = others.length > 2 ? others : [...others, first, ...others, first, first, first].slice(0, 4)
  const answers = yield* Effect.forEach(again, (row) => look(row), { concurrency: "unbounded" })
  const problem = answers.find(Gone.isProblem)
  if (problem !== undefined || answers.includes(undefined)) return problem ?? true
  // Requests fail by chance, too: one that did is tried with all patience.
  const failing = [first, ...again].find((_, i) => [found, ...answers][i] === "fails")
  return failing !== undefined && (yield* look(failing, patiently(ask))) === undefined
})

const patiently = (ask: Ask.Ask): Ask.Ask =>
  Object.assign(
    (...[page, bounds, options]: Parameters<Ask.Ask>) => ask(page, bounds, { ...options, how: Patience.last }),
    { log: ask.log }
  )

/** Rows by their distance, each of another second: of many that start together one may be hard to find. */
const nearest = (controls: ReadonlyArray<Rows.Dated>, at: Micros): ReadonlyArray<Rows.Dated> => {
  const distance = ({ start }: Rows.Dated) => Math.abs(start - at)
  const bySecond = new Map(controls.map((row) => [Ask.floorSecond(row.start), row]))
  return [...bySecond.values()].sort((left, right) => distance(left) - distance(right))
}

/** The second page, where it brings something else than the first; `undefined` if it cannot be had. */
const next = Effect.fnUntraced(function* (
  { repeats }: Settings,
  ask: Ask.Ask,
  bounds: Ask.Between,
  first: ReadonlyArray<Rows.Row>
): Effect.fn.Return<ReadonlyArray<Rows.Row> | undefined, AgniError> {
  const answer = yield* Ask.orNothing(ask(2, bounds))
  if (answer === undefined) return undefined
  return Rows.sameRows(first, answer.rows) && (yield* repeats) ? [] : answer.rows
})
