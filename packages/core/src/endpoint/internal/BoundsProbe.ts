/** Whether time bounds do what they should, tried on rows that are known. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Ask from "./Ask.ts"
import * as Misplaced from "./Misplaced.ts"
import * as Rows from "./ListedRows.ts"

interface Sample {
  readonly row: Rows.Dated
  /** The page without bounds on which it was seen. */
  readonly page: number
}

/**
 * Whether control rows come back for their own starts, and whether bounds are applied before pages are taken. The
 * latter shows in a row that is not first without bounds: if it does not come alone on a page of one row, bounds are applied
 * after paging. With a single row in all, no test is needed.
 */
export const bounds = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  unsorted: Ask.Ask,
  samples: ReadonlyArray<Sample>,
  first: Rows.Row | undefined,
  size: number
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  if (samples.length === 0) return undefined
  const comes = (sample: Sample) => comesBack(ask, unsorted, sample, size)
  const answers = yield* Effect.forEach(
    samples,
    (sample, i) =>
      i !== 1 || first === undefined || sample.page < deepPage
        ? Effect.map(comes(sample), (trial) => ({ trial, told: false }))
        : Effect.flatMap(deep(ask, sample.row, first), ({ back, told }) =>
            Effect.map(back ? Effect.succeed(sample.row) : comes(sample), (trial) => ({ trial, told }))
          ),
    { concurrency: "unbounded" }
  )
  const trials = answers.map(({ trial }) => trial)
  const failed = trials.findIndex((trial) => trial !== undefined && "_tag" in trial)
  const problem = trials[failed]
  const lost = samples[failed]?.row
  if (problem !== undefined && "_tag" in problem)
    return lost === undefined || problem === refused ? problem : ((yield* coarseness(ask, lost, size)) ?? problem)
  if (answers.some(({ told }) => told)) return undefined
  if (yield* comeAlone(ask, trials)) return undefined
  // The first row without bounds must be first before and after.
  const top = yield* topOf(ask)
  const [oldest, middle, newest] = trials.map((trial) => (trial === undefined || "_tag" in trial ? [] : [trial]))
  const known = [...(middle ?? []), ...(oldest ?? []), ...(newest ?? [])]
  const absent: Array<Rows.Dated> = []
  for (const row of known) {
    const told = yield* isFirst(ask, row, top, size)
    if (told === true) return undefined
    if (told === false) absent.push(row)
  }
  // That answer may have lacked the row: it is asked for once more.
  for (const row of absent) if ((yield* isFirst(ask, row, top, size)) === true) return undefined
  if (absent.length > 0) return { _tag: "BoundsAfterPaging" }
  const keys = new Set(samples.map(({ row }) => row.key))
  const isAlone = yield* areFew(ask, keys).pipe(Effect.catchIf(Ask.isPoison, () => Effect.succeed(false)))
  return isAlone ? undefined : { _tag: "BoundsUnclear" }
})

/** Whether there is no other row: three places are read, because a row may be listed twice. */
const areFew = Effect.fnUntraced(function* (ask: Ask.Ask, keys: Set<string>): Effect.fn.Return<boolean, AgniError> {
  for (const page of [1, 2, 3]) {
    const { rows } = yield* ask(page, {}, { size: 1 })
    if (rows.length === 0) break
    for (const { key } of rows) keys.add(key)
  }
  return keys.size < 2
})

/** What bounds may be cut to, in seconds. */
const units = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400]
] as const

/**
 * Whether a row that is not found for its own second is found for its own minute, hour or day, and nothing from elsewhere with
 * it: then bounds are read so coarsely. A server that is in disorder may have lacked the row before, and not now.
 */
const coarseness = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  row: Rows.Dated,
  size: number
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  for (const [unit, seconds] of units) {
    const width = seconds * Ask.second
    const after = Math.floor(row.start / width) * width
    const { rows } = (yield* Ask.orNothing(ask(1, { after, before: after + width }))) ?? { rows: [] }
    const isBack = rows.some(({ key }) => key === row.key)
    if (!isBack || Misplaced.problemIn(rows, after - Ask.second, after + 2 * width + Ask.second) !== undefined) continue
    const isLost = yield* Ask.control(ask, row, size).pipe(
      Effect.map((problem) => problem !== undefined),
      Effect.catchIf(Ask.isPoison, () => Effect.succeed(false))
    )
    return isLost ? { _tag: "BoundsCoarse", unit } : undefined
  }
  return undefined
})

/**
 * Whether three rows, far apart, each come alone on a page of one row: were bounds applied after paging, each would have to be
 * the first of all.
 */
const comeAlone = (ask: Ask.Ask, trials: ReadonlyArray<Rows.Dated | CoverageReason | undefined>) => {
  const rows = trials.flatMap((trial) => (trial === undefined || "_tag" in trial ? [] : [trial]))
  const isApart = rows.every((row, i) => rows.slice(i + 1).every((other) => isElsewhere(other, row)))
  return rows.length < 3 || !isApart
    ? Effect.succeed(false)
    : Effect.map(
        Effect.forEach(rows, (row) => Ask.orNothing(ask(1, Ask.around(row), { size: 1 })), {
          concurrency: "unbounded"
        }),
        (answers) => answers.every((answer) => answer !== undefined && answer.rows.length > 0)
      )
}

/**
 * Whether a row from deep within comes back for its own instant, and nothing from elsewhere: then both bounds are understood,
 * and are applied before pages are taken, because the first page without bounds is another one.
 */
export const quick = (ask: Ask.Ask, row: Rows.Dated | undefined): Effect.Effect<boolean, AgniError> => {
  if (row === undefined) return Effect.succeed(false)
  const bounds = Ask.around(row)
  return Effect.map(ask(1, bounds), ({ rows }) => {
    const problem = Misplaced.problemIn(rows, bounds.after - Ask.second, bounds.before + Ask.second)
    return problem === undefined && rows.some(({ key }) => key === row.key)
  }).pipe(Effect.catchIf(saysNothing, () => Effect.succeed(false)))
}

/** The page on which a row is deep within: a replica that lags, or a departure, may put one of the first page in the first place. */
const deepPage = 4

/**
 * A row from deep within, asked for alone, and the first page once more at the same time. Whether it came back; and whether
 * bounds are applied before pages are taken: they are if anything came although another row, which is still there, comes
 * first.
 */
const deep = (ask: Ask.Ask, row: Rows.Dated, top: Rows.Row) =>
  Effect.map(
    Effect.all([ask(1, Ask.around(row), { size: 1 }), ask(1, {})], { concurrency: 2 }),
    ([{ rows }, first]) => ({
      back: rows[0]?.key === row.key,
      told: rows.length > 0 && isElsewhere(top, row) && first.rows.some(({ key }) => key === top.key)
    })
  ).pipe(Effect.catchIf(Ask.isPoison, () => Effect.succeed({ back: false, told: false })))

const isElsewhere = (first: Rows.Row, row: Rows.Dated): boolean =>
  first.start === undefined || Math.abs(first.start - row.start) > 3 * Ask.second

const isFirst = (ask: Ask.Ask, row: Rows.Dated, top: Rows.Row | undefined, size: number) =>
  Effect.catchIf(comesFirst(ask, row, top, size), Ask.isPoison, () => Effect.undefined)

/** The first row without bounds; nothing if it cannot be rendered. */
const topOf = (ask: Ask.Ask): Effect.Effect<Rows.Row | undefined, AgniError> =>
  Ask.catchPoison(
    Effect.map(ask(1, {}, { size: 1 }), ({ rows }) => rows[0]),
    () => Effect.undefined
  )

/** Whether a row comes first within its own bounds; known only if a row outside them comes first without bounds. */
const comesFirst = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  row: Rows.Dated,
  first: Rows.Row | undefined,
  size: number
): Effect.fn.Return<boolean | undefined, AgniError> {
  const { rows } = yield* ask(1, Ask.around(row), { size: 1 })
  if (rows.length === 0) return (yield* Ask.control(ask, row, size)) === undefined ? false : undefined
  if (first === undefined || !isElsewhere(first, row)) return
  // It must have been there throughout, since rows leave. Rows without a start time are together, in any order.
  const after = yield* Effect.catchIf(ask(1, {}), Ask.isPoison, () => ask(1, {}, { size: 1 }))
  return after.rows.some(({ key, start }) => key === first.key || (start ?? first.start) === undefined)
    ? true
    : undefined
})

const refused: CoverageReason = { _tag: "BoundsRefused" }

/**
 * Whether the server refuses bounds of a second as it does those of a day before there were calls: a limit on results refuses only the
 * first ones, where many calls start together.
 */
const refusesAll = (ask: Ask.Ask, row: Rows.Dated): Effect.Effect<boolean, AgniError> => {
  const nowhere = { after: earliestStart - 86_400 * Ask.second, before: earliestStart }
  const questions = [Ask.around(row), nowhere].map((bounds) => Effect.as(ask(1, bounds), false))
  const answers = questions.map((question) => Effect.catchIf(question, Ask.isRefusal, () => Effect.succeed(true)))
  return Effect.map(Effect.all(answers), (answers) => answers.every(Boolean))
}

/** A record that fails, or a question beyond what the server answers. */
export const saysNothing = (error: AgniError): boolean => Ask.isPoison(error) || Ask.isRefusal(error)

/** Some answers may lack a row that others list: it is asked for so often. */
const mostAbsent = 3

/**
 * The row that came back for its own start, or why none did; nothing when that could not be seen.
 *
 * A row that does not come back may have left. When it is not where it was seen, another one from there is tried.
 */
const comesBack = Effect.fnUntraced(
  function* (
    ask: Ask.Ask,
    unsorted: Ask.Ask,
    sample: Sample,
    size: number
  ): Effect.fn.Return<Rows.Dated | CoverageReason | undefined, AgniError> {
    let { row } = sample
    let problem: CoverageReason | undefined
    let stillThere = 0
    for (let turn = 0; turn < 5; turn++) {
      problem = yield* Ask.control(ask, row, size)
      if (problem === undefined) return row
      if (problem !== Ask.notBack && problem !== Ask.hidden) return problem
      if (problem === Ask.hidden && turn === 0 && (yield* refusesAll(ask, row))) return refused
      const { rows } = yield* unsorted(sample.page, {})
      const isThere = rows.some(({ key, start }) => key === row.key && start === row.start)
      if (problem === Ask.notBack && isThere && ++stillThere === mostAbsent) return problem
      if (problem === Ask.hidden || !isThere) {
        const others = rows.filter(Rows.isDated)
        row = others[Math.floor(((turn + 3) % 6) * (others.length / 6))] ?? row
      }
    }
    return problem === Ask.hidden ? undefined : problem
  },
  // A row that the server cannot render proves nothing; the windows find it.
  (effect) => Effect.catchIf(effect, Ask.isPoison, () => Effect.undefined)
)
