/** How wide a range may be: bounds are trusted as far as answers were seen to reach. */
import * as Effect from "effect/Effect"
import * as Ask from "../../endpoint/internal/Ask.ts"
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
  const isEmpty = before === 0 && controlIn(settings, task) === undefined
  // Cut by count, each part is narrower than what was seen.
  const isLarge = before !== undefined && before > limit && ask.log.width > 0.6 * width
  const isFurther = width > believed && !isEmpty && !isLarge
  const isAll = first !== undefined && before !== undefined && before > 0 && before <= first.rows.length
  const isLong = width > Task.mostEmpty * believed
  const starts = isAll ? first.rows.flatMap(({ start }) => start ?? []) : startsOf(ask.log)
  const atGaps = isAll || isLong ? Task.atGaps(task, starts, believed) : undefined
  // A row beside it came: years that hold nothing are not cut into days.
  const isNothing = isAll && isLong && starts.every((start) => start < task.from || start >= task.to)
  const parts = isFurther
    ? (atGaps ??
      Task.byWidth(
        { ...task, expected: before ?? task.expected },
        ask.log.width === 0 ? Math.max(believed, width / 1.9) : believed
      ))
    : undefined
  return { parts, before, first, isNothing }
})
