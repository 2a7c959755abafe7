/** How wide a range may be: bounds are trusted as far as answers were seen to reach. */
import * as Effect from "effect/Effect"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Gone from "./Gone.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import type { Range } from "../../endpoint/internal/Micros.ts"
import { controlIn, countRows, type Work } from "./RangeWork.ts"
import { believedWidth, type Settings } from "./Settings.ts"
import * as Task from "./Task.ts"

const isProvable = ({ controls, doubt }: Settings): boolean => controls.length > 0 && doubt === undefined

const startsOf = ({ shown }: Ask.Log) => [...shown.values()].flatMap((start) => start ?? [])

/** Whether the first and the last answer for bounds lack a control row at either end. */
const lacksControl = ({ controls }: Settings, { after, before }: Ask.Between, { shown }: Ask.Log): boolean => {
  const isIn = (start: number) => start > after + 4 * Ask.second && start < before - 4 * Ask.second
  const known = controls.flatMap(({ start }) => (isIn(start) ? [start] : []))
  const starts = [...shown.values()].flatMap((start) => (start !== undefined && isIn(start) ? [start] : []))
  const [oldest] = known
  const newest = known.at(-1)
  return (
    oldest !== undefined &&
    newest !== undefined &&
    (Math.min(...starts) > oldest + 2 * Ask.second || Math.max(...starts) < newest - 2 * Ask.second)
  )
}

/** Whether a range lies beyond what the list without bounds shows: no row in it can be known. */
export const isEnd = ({ controls, ends }: Settings, { from, to }: Range): boolean => {
  const [oldest] = controls
  const newest = controls.at(-1)
  return (
    (ends.newest && newest !== undefined && newest.start < from) ||
    (ends.oldest && oldest !== undefined && oldest.start >= to)
  )
}

/** Whether a range is wider than the server was seen to answer in full. */
export const isTooWide = ({ known, settings, young }: Work, { from, to }: Range): boolean =>
  to - from > believedWidth(known.width) && !young && isProvable(settings)

/** A range of so many trusted widths is worth the few requests that show whether more can be trusted. */
const worthTrying = 3

/** Of a range in which more left it is not tried whether it is empty. */
const mostGone = 4

/** The width is known well enough if the greatest that is answered in full is not greater than this. */
const precision = 1.5

/**
 * How wide bounds are answered in full, where no answer brought rows from far apart: a limit cuts one end of what is asked for, or all of
 * it. So the oldest control row comes at the older end of such bounds, and the newest one at the newer end of others.
 */
export const widen = Effect.fnUntraced(function* ({ ask, known, settings, task, young }: Work) {
  const controls = Gone.without(settings.controls, ask.log.gone)
  const [oldest] = controls
  const newest = controls.at(-1)
  const width = () => believedWidth(Math.max(known.width, ask.log.width))
  let most = Math.min(task.to - task.from, known.refused, ask.log.refused)
  if (young || oldest === undefined || newest === undefined || most <= worthTrying * width()) return width()
  const { after } = Ask.around(oldest)
  const { before } = Ask.around(newest)
  const isAnswered = (bounds: Ask.Between, key: string) =>
    Effect.map(
      Ask.orNothing(ask(1, bounds, { how: Patience.soon })),
      (answer) =>
        answer?.rows.some((row) => row.key === key) === true &&
        Misplaced.problemIn(answer.rows, bounds.after - Ask.second, bounds.before + Ask.second) === undefined
    )
  while (most > precision * width()) {
    const tried = Ask.floorSecond(Math.sqrt(most * width()))
    const ends = yield* Effect.all(
      [
        isAnswered({ after, before: after + tried }, oldest.key),
        isAnswered({ after: before - tried, before }, newest.key)
      ],
      { concurrency: 2 }
    )
    if (!ends.includes(false)) ask.log.width = Math.max(ask.log.width, tried)
    else {
      most = tried
      // Each part of the range would find the same.
      ask.log.refused = Math.min(ask.log.refused, tried)
    }
  }
  return width()
})

/** Whether no row is known to lie in the range, but for some that left. */
const holdsNone = Effect.fnUntraced(function* ({ ask, settings, task }: Work) {
  for (let left = mostGone; left > 0; left--) {
    const control = controlIn({ ...settings, controls: Gone.without(settings.controls, ask.log.gone) }, task)
    if (control === undefined) return true
    if (!(yield* Gone.look(ask, [control], settings.size)).left) return false
  }
  return false
})

/** Bounds are trusted as far as the first page and the last one are apart; a wider range is cut. */
export const believe = Effect.fnUntraced(function* (work: Work) {
  const { ask, known, limit, settings, task } = work
  const bounds = Ask.boundsOf(task)
  const width = task.to - task.from
  const firstPage = Ask.orNothing(ask(1, bounds))
  // Where many are expected, the first page says nothing of where the last one is.
  const isMany = task.expected > limit && !(yield* settings.repeats)
  const [first, counted] = yield* Effect.all(
    [firstPage, isMany ? countRows(work, bounds, task.expected) : Effect.undefined],
    { concurrency: 2 }
  )
  const before = isMany ? counted : yield* countRows(work, bounds, task.expected, first?.rows)
  work.seen.cut = lacksControl(settings, bounds, ask.log)
  const believed = believedWidth(Math.max(known.width, ask.log.width))
  const isAll = first !== undefined && before !== undefined && before > 0 && before <= first.rows.length
  const isOutside = (start: number) => start < task.from || start >= task.to
  const isNoneIn = isAll && first.rows.every(({ start }) => start !== undefined && isOutside(start))
  // Where one neighbour came and the other one left, the next one beyond it proves that nothing is there.
  const isEmpty = (before === 0 || isNoneIn) && (yield* holdsNone(work))
  // Cut by count, each part is narrower than what was seen.
  const isLarge = before !== undefined && before > limit && ask.log.width > 0.6 * width
  const isFurther = width > believed && !isEmpty && !isLarge
  const isLong = width > Task.mostEmpty * believed
  const starts = isAll ? first.rows.flatMap(({ start }) => start ?? []) : startsOf(ask.log)
  const atGaps = isAll || isLong ? Task.atGaps(task, starts, believed) : undefined
  // A row beside it came: years that hold nothing are not cut into days.
  const isNothing = isAll && isLong && starts.every(isOutside)
  const isBySize = isFurther && atGaps === undefined && ask.log.width > 0
  const parts = isFurther
    ? (atGaps ??
      Task.byWidth(
        { ...task, expected: before ?? task.expected },
        isBySize ? yield* widen(work) : Math.max(believed, width / 1.9)
      ))
    : undefined
  return { parts, before, first, isNothing, isEmpty }
})
