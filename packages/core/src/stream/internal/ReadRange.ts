/** One range to its verdict. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import { type Coverage, type Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as Count from "./Count.ts"
import * as Empty from "./Empty.ts"
import { type Evidence, type Known, leastWidth } from "./Known.ts"
import * as Leaf from "./Leaf.ts"
import * as Micros from "./Micros.ts"
import * as Rows from "./Rows.ts"
import { believedWidth, horizonOf, type Settings, temper } from "./Settings.ts"
import * as Step from "./Step.ts"

/** A range, and how many rows it is expected to hold. */
export interface Task extends Micros.Range {
  readonly expected: number
  /** Whether that was counted. */
  readonly counted?: boolean | undefined
  /** Key of the row at which it was cut from what lies above: it must come, so nothing was cut off there by the server. */
  readonly top?: string | undefined
}

/** What a range came to, or the parts that it has to be read in. */
export type Outcome =
  | { readonly _tag: "Read"; readonly windows: ReadonlyArray<Window>; readonly evidence: Evidence }
  | { readonly _tag: "Split"; readonly parts: ReadonlyArray<Task>; readonly evidence: Evidence }

/** Hands over what lies below the middle, if somebody is free: then that is where the rest begins. */
export type Share = (from: Micros.Micros, to: Micros.Micros, rows: number) => Effect.Effect<Micros.Micros | undefined>

/** So many pages overlap for less than two counts and the seams of a walk cost. */
const mostOverlapping = 12

/** Pages for which it is worth that another one reads half of them: each half is counted on its own. */
const worthSharing = 16

/**
 * A second for bounds that are cut to seconds and not included, and one because a clock that is a second off finds control rows
 * all the same.
 */
const boundsOf = ({ from, to }: Micros.Range): Ask.Between => ({
  after: Ask.floorSecond(from) - 2 * Ask.second,
  before: Ask.ceilSecond(to) + 2 * Ask.second
})

/** What was read of fixed bounds, and how far it is complete. */
interface Read {
  readonly range: Micros.Range
  readonly bounds: Ask.Between
  readonly held: Rows.Held
  readonly problem: CoverageReason | undefined
  /** A seam was lost, or stood elsewhere than it should. */
  readonly moved: boolean
  /** `pages` overlapped each other up to the end, which counts them. */
  readonly way: "pages" | "walk"
  /** Rows of the bounds, where that was seen. */
  readonly count: number | undefined
  /** Too many rows for a window. */
  readonly dense: boolean
  readonly order: Known["order"]
  readonly deepest: number
}

const unknownOrder: () => Known["order"] = () => "unknown"

const orderIn = (order: Known["order"], rows: ReadonlyArray<Rows.Row>): Known["order"] =>
  !Rows.isNewestFirst(rows) ? "other" : order === "unknown" && Rows.showsOrderByStart(rows) ? "start" : order

/** Page after page of fixed bounds, each of which holds the last row of the one before it, in the place where it must be. */
const readPages = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  most: number
): Effect.fn.Return<Read, AgniError> {
  const { hold, size } = settings
  const bounds = boundsOf(range)
  const held = Rows.makeHeld()
  let order = unknownOrder()
  let characters = 0
  let moved = false
  let seam: string | undefined
  let read = 0
  let step: Step.Step | undefined = { page: 1, size, skip: 0 }
  const done = (rest: Partial<Read>): Read => ({
    range,
    bounds,
    held,
    problem: undefined,
    moved,
    way: "pages",
    count: undefined,
    dense: false,
    order,
    deepest: Infinity,
    ...rest
  })
  while (step !== undefined) {
    const { page, size: asked, skip }: Step.Step = step
    const answer: Ask.Answer | undefined = yield* Effect.catchIf(
      ask(page, bounds, { size: asked }),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    const rows: ReadonlyArray<Rows.Row> = answer?.rows ?? []
    // Where a row must be again nothing comes: so deep the server does not go.
    if (page > 1 && rows.length === 0) return done({ deepest: skip, dense: true })
    characters += answer?.characters ?? 0
    order = orderIn(order, rows)
    const problem = Ask.misplaced(rows, bounds.after - Ask.second, bounds.before + Ask.second)
    if (problem !== undefined) return done({ problem })
    if (seam !== undefined && rows[read - skip - 1]?.key !== seam) moved = true
    held.add(hold(rows))
    read = skip + rows.length
    if (rows.length < asked) return done({ count: read })
    seam = rows.at(-1)?.key
    if (held.size() > most || characters > settings.maxCharacters) return done({ dense: true })
    step = Step.overlapping(read, size)
  }
  return done({ dense: true })
})

/** Steps down from the newest row by start: the oldest row of an answer is the next answer's upper bound. */
const walk = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  whole: Micros.Range,
  most: number,
  share: Share | undefined
): Effect.fn.Return<Read, AgniError> {
  const { second } = Ask
  const { hold, size } = settings
  let range = whole
  let bounds = boundsOf(range)
  const { before: b } = bounds
  const held = Rows.makeHeld()
  let seam: string | undefined
  let cur = b
  let moved = false
  let characters = 0
  let order = unknownOrder()
  const done = (rest: Partial<Read> = {}): Read => ({
    range,
    bounds,
    held,
    problem: undefined,
    moved,
    way: "walk",
    count: undefined,
    dense: false,
    order,
    deepest: Infinity,
    ...rest
  })
  // Here, so that nothing of the answer stays alive while the next one is waited for.
  const look = ({ characters, rows }: Ask.Answer) => {
    order = orderIn(order, rows)
    return { characters, rows: hold(rows) }
  }
  for (;;) {
    const { characters: more, rows } = yield* Effect.map(ask(1, { after: bounds.after, before: cur }), look)
    characters += more
    const problem = Ask.misplaced(rows, bounds.after - second, cur + second)
    if (problem !== undefined) return done({ problem })
    if (seam !== undefined && !rows.some(({ key }) => key === seam)) moved = true
    held.add(rows)
    if (rows.length < size || order === "other") return done()
    const divisible = Ask.ceilSecond(cur) > bounds.after + 2 * second && Ask.ceilSecond(cur) < b - 2 * second
    if ((held.size() > most || characters > settings.maxCharacters) && divisible) return done({ dense: true })
    const oldest = rows.findLast(Rows.isDated)
    // Rows that cannot be placed lead nowhere: the count decides.
    if (oldest === undefined) return done()
    const { start } = oldest
    if (Ask.ceilSecond(start) + second < cur) {
      cur = Ask.ceilSecond(start) + second
      seam = oldest.key
      const left = ((cur - range.from) / (b - cur)) * held.size()
      const from =
        share !== undefined && order === "start" && left >= worthSharing * size
          ? yield* share(range.from, cur, left)
          : undefined
      if (from !== undefined) {
        range = { from, to: range.to }
        bounds = boundsOf(range)
      }
      continue
    }
    // More rows in a second or two than a page holds: they are read by pages, and the walk goes on below them.
    const floor = Ask.floorSecond(start)
    const wall = Rows.makeHeld()
    const leaf = yield* Leaf.read(ask, { after: Math.max(bounds.after, floor - 2 * second), before: cur }, wall, {
      ...settings,
      repeats: yield* settings.repeats
    })
    if (leaf._tag !== "Complete") moved = true
    held.merge(wall)
    // A row may start at the bound itself: down by a second at least.
    cur = Math.min(floor, cur - second)
    if (cur <= bounds.after) return done()
    seam = undefined
  }
})

/** Rows that were shown within the bounds, for sure, and are not held. */
const missingFrom = (
  shown: ReadonlyMap<string, Micros.Micros | undefined>,
  held: Rows.Held,
  { after, before }: Ask.Between
): ReadonlyArray<string> => {
  const missing: Array<string> = []
  for (const [key, start] of shown) {
    if (start === undefined || start <= after + Ask.second || start >= before - Ask.second) continue
    if (!held.rows.has(key)) missing.push(key)
  }
  return missing
}

/**
 * Reads a range to its verdict, or finds how it must be cut. What it knows when it begins is given, and what it saw is in the
 * outcome: nothing is shared.
 */
export const readRange = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  task: Task,
  share?: Share,
  log?: Ask.Log
): Effect.fn.Return<Outcome, AgniError> {
  const { second } = Ask
  const { list, filters, perWindow, size } = settings
  const ask = Ask.make(list, filters, settings, log)
  const young = task.to > horizonOf(settings, known)
  let order = unknownOrder()
  let deepest = Infinity
  let cut = false
  let differs = false
  let repeats = false
  let once: Micros.Range | undefined
  const countRows = Effect.fnUntraced(function* (bounds: Ask.Bounds, expected: number) {
    repeats = yield* settings.repeats
    return yield* Count.rows(ask, bounds, { expected, size, repeats, even: true })
  })
  let most = 0
  const evidence = (): Evidence => ({ order, differs, deepest, cut, repeats, once, log: ask.log })
  const split = (parts: ReadonlyArray<Task>): Outcome => ({ _tag: "Split", parts, evidence: evidence() })

  const width = task.to - task.from
  const { span = Infinity } = known
  if (width > span && !isEnd(settings, task)) return split(byWidth(task, span))
  const limit = Math.min(1.5 * perWindow, 0.8 * known.deepest)
  let before: number | undefined
  if (width > believedWidth(known.width) && !young && isProvable(settings) && !isEnd(settings, task)) {
    // The first page and the last one: as far as those are apart, the range is not cut.
    before = yield* countRows(boundsOf(task), task.expected)
    const { rows } = yield* orNothing(ask(1, boundsOf(task)))
    cut = lacksControl(settings, boundsOf(task), ask.log)
    const believed = believedWidth(Math.max(known.width, ask.log.width))
    const isEmpty = before === 0 && rows.length === 0 && !holdsControl(settings, task)
    // Cut by count, each part is narrower than what was seen.
    const isLarge = before !== undefined && before > limit && ask.log.width > 0.6 * width
    if (width > believed && !isEmpty && !isLarge)
      return split(byWidth(task, ask.log.width === 0 ? Math.max(believed, width / 1.9) : believed))
  }
  const large = task.expected > mostOverlapping * size && known.order !== "other"
  // Where the order is by start, nothing hangs on what there was before.
  const isKnown = known.order === "start" && task.counted === true
  if (before === undefined && (task.expected > limit || (large && !isKnown)))
    before = yield* countRows(boundsOf(task), task.expected)
  if (before !== undefined) {
    most = before
    if (before > limit && width > 4 * second) {
      return split(yield* byCount(settings, ask, task, before, Math.min(perWindow, 0.6 * known.deepest)))
    }
  }
  const rowsAtMost = Math.max(limit, 4 * size)
  const isWalk = known.order !== "other" && (before ?? task.expected) > mostOverlapping * size
  const readWith = (walks: boolean) =>
    walks ? walk(settings, ask, task, rowsAtMost, share) : readPages(settings, ask, task, rowsAtMost)
  const done = yield* Effect.catchIf(
    readWith(isWalk),
    (error) => Ask.isRefusal(error) && width > leastWidth,
    () => Effect.undefined
  )
  // The range is too wide for this server.
  cut ||= done === undefined
  if (done === undefined) return split(byWidth(task, width / 1.9))
  order = done.order
  deepest = done.deepest
  const { bounds, held, range } = done
  // Others read a part of what was counted.
  if (range.from !== task.from) {
    before = undefined
    most = 0
  }
  const deliver = (coverage: Coverage): Outcome => ({
    _tag: "Read",
    windows: [windowOf(settings, known, ask, range, held, coverage)],
    evidence: evidence()
  })
  if (done.problem !== undefined) return deliver({ _tag: "Unprovable", reason: done.problem })
  if (held.size() === 0) {
    // Behind the newest call, where calls may still come, nothing can be proven.
    if (young && isEnd(settings, task)) return deliver({ _tag: "Proven" })
    const coverage = yield* Empty.confirm(settings, known, ask, range, bounds)
    const parts = width / believedWidth(known.width)
    if (coverage === undefined && parts <= mostEmptyParts) return split(byWidth(task, believedWidth(known.width)))
    return deliver(coverage ?? Empty.tooWide)
  }
  // Calls go on coming into it: whoever tries to have all of them is never done.
  if (range.from >= settings.latest) return deliver({ _tag: "Proven" })
  const rows = within(held, range)
  const canHalve = range.to - range.from > 4 * second
  if (done.dense && canHalve) {
    // How many there are is not known: it is counted, and cut where the rows are.
    const total = yield* countRows(bounds, 2 * held.size())
    const least = Math.min(perWindow, 0.6 * Math.min(known.deepest, deepest))
    return split(
      total !== undefined && total > limit
        ? yield* byCount(settings, ask, range, total, least)
        : halve(range, held, Math.max(total ?? 0, held.size()))
    )
  }

  const count = done.count ?? (yield* countRows(bounds, held.size()))
  most = Math.max(most, count ?? 0, Ask.countOf(ask.log, bounds, repeats))
  const isCut = task.top !== undefined && held.rows.has(task.top)
  const control = isCut ? undefined : yield* topControl(settings, ask, bounds, held)
  const lost = missingFrom(ask.log.shown, held, bounds)
  const agrees =
    count === held.size() &&
    most <= held.size() &&
    !done.moved &&
    !done.dense &&
    control === undefined &&
    lost.length === 0
  if (agrees) {
    const enough = done.way === "pages" || order === "start" || known.order === "start" || before === count
    if (young || (enough && !known.differs)) {
      once = range
      return deliver({ _tag: "Proven" })
    }
    if (yield* Leaf.isStillThere(ask, bounds, held, { size, repeats: yield* settings.repeats }))
      return deliver({ _tag: "Proven" })
  }
  // So deep the server does not go, and nothing moved.
  const limited =
    done.deepest < Infinity ||
    (count !== undefined && count > size && count < held.size() && count % size === 0 && !done.moved)
  if (limited && canHalve) {
    deepest = Math.min(deepest, count ?? Infinity)
    return split(halve(range, held, held.size()))
  }
  differs = !young

  // Something was missed, came or went. Smaller windows pass more quickly; the smallest are read by pages.
  const small = held.size() <= 20 * size
  if (canHalve && !(small && known.order !== "start" && order !== "start")) {
    return split(halve(range, held, held.size()))
  }
  const leaf = yield* Leaf.read(ask, bounds, held, { ...settings, repeats: yield* settings.repeats })
  const wrong = Ask.misplaced([...held.rows.values()], bounds.after - second, bounds.before + second)
  if (wrong !== undefined) return deliver({ _tag: "Unprovable", reason: wrong })
  switch (leaf._tag) {
    case "Moved":
      return deliver({ _tag: "Provisional", reason: { _tag: "CallsMoved" } })
    case "Incomplete":
      return deliver({ _tag: "Unprovable", reason: { _tag: "Incomplete", read: leaf.held, counted: leaf.of } })
    case "Complete": {
      const again = middleOf(within(held, range)) ?? rows[0]
      const failed = again === undefined ? undefined : yield* Ask.control(ask, again, size)
      if (failed !== undefined) return deliver({ _tag: "Unprovable", reason: failed })
      const left = missingFrom(ask.log.shown, held, bounds).length
      const total = Math.max(most, held.size() + left)
      return deliver(
        total > held.size()
          ? { _tag: "Provisional", reason: { _tag: "Incomplete", read: held.size(), counted: total } }
          : { _tag: "Proven" }
      )
    }
  }
})

const isProvable = ({ controls, doubt }: Settings): boolean => controls.length > 0 && doubt === undefined

const holdsControl = ({ controls }: Settings, { from, to }: Micros.Range): boolean =>
  controls.some(({ start }) => start >= from && start < to)

/** Whether the first and the last answer for bounds lack a known row at either end of them. */
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
const isEnd = ({ controls, ends }: Settings, { from, to }: Micros.Range): boolean => {
  const [oldest] = controls
  const newest = controls.at(-1)
  return (
    (ends.newest && newest !== undefined && newest.start < from) ||
    (ends.oldest && oldest !== undefined && oldest.start >= to)
  )
}

/** Parts none of which is wider than is believed. */
const byWidth = ({ expected, from, to }: Task, width: number): ReadonlyArray<Task> => {
  const parts = Math.ceil((to - from) / (0.9 * width))
  const each = (to - from) / parts
  const edges = Array.from({ length: parts - 1 }, (_, i) => Ask.floorSecond(from + (i + 1) * each))
  const ends = [...new Set(edges)].filter((edge) => edge > from && edge < to)
  return [...ends, to].map((end, i) => ({
    from: i === 0 ? from : (ends[i - 1] ?? from),
    to: end,
    expected: expected / parts
  }))
}

/** Each costs a request before anything is read: what is longer still is cut again. */
const mostParts = 32

/** Of a range in which nothing came more are tried: a server that answers only narrow ranges hides what is there. */
const mostEmptyParts = 100

/** Parts of a range whose rows were counted, cut at the rows in the middle of pages: so that the last page of each is half full. */
const byCount = Effect.fnUntraced(function* (
  { size, sort }: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  rows: number,
  perWindow: number
): Effect.fn.Return<ReadonlyArray<Task>, AgniError> {
  const parts = Math.min(mostParts, Math.max(2, Math.ceil(rows / Math.max(size, perWindow))))
  const pages = Math.max(0, Math.ceil(rows / parts / size - 0.5))
  const each = pages === 0 ? Math.ceil(rows / parts) : pages * size + Math.floor(size / 2)
  const ranks = Array.from({ length: parts - 1 }, (_, i) => (i + 1) * each).filter((rank) => rank < rows)
  const bounds = boundsOf(range)
  const cuts = yield* Effect.forEach(
    ranks,
    (rank) =>
      Effect.map(
        orNothing(ask(Math.floor(rank / size) + 1, bounds, { sort })),
        ({ rows }) => rows[Math.min(rank % size, rows.length - 1)]
      ),
    { concurrency: "unbounded" }
  )
  const keys = new Map<Micros.Micros, string>()
  for (const cut of cuts) {
    if (cut?.start === undefined) continue
    const edge = Ask.floorSecond(cut.start)
    if (edge > range.from && edge < range.to) keys.set(edge, cut.key)
  }
  const middle = Ask.floorSecond((range.from + range.to) / 2)
  const edges = keys.size > 0 ? [...keys.keys()].toSorted((a, b) => a - b) : [middle]
  const isCut = keys.size === ranks.length
  return tasksOf(range, edges, rows).map((task, i): Task => ({
    ...task,
    expected: !isCut ? task.expected : i === 0 ? Math.max(1, rows - each * ranks.length) : each,
    counted: isCut,
    top: keys.get(task.to)
  }))
})

/** No answer where a row cannot be rendered, or the server refuses the question. */
const orNothing = (answer: Effect.Effect<Ask.Answer, AgniError>) =>
  Effect.catchIf(
    answer,
    (error) => Ask.isPoison(error) || Ask.isRefusal(error),
    () => Effect.succeed({ rows: [] })
  )

const tasksOf = ({ from, to }: Micros.Range, edges: ReadonlyArray<Micros.Micros>, rows: number): ReadonlyArray<Task> =>
  [...edges, to].map((end, i) => ({
    from: i === 0 ? from : (edges[i - 1] ?? from),
    to: end,
    expected: rows / (edges.length + 1)
  }))

/** Two halves, cut at the middle of what is held. */
const halve = (range: Micros.Range, held: Rows.Held, rows: number): ReadonlyArray<Task> => {
  const at = Ask.floorSecond(middleOf(within(held, range))?.start ?? 0)
  const middle = at > range.from && at < range.to ? at : Ask.floorSecond((range.from + range.to) / 2)
  return tasksOf(range, middle > range.from && middle < range.to ? [middle] : [], rows)
}

/**
 * Whether the newest row comes back, first of all, for bounds that begin just below it: then they are understood, and nothing
 * lies above it that a limit on results cut away. What else comes is in the log, and must be held.
 */
const topControl = Effect.fnUntraced(function* (
  { controls, size }: Settings,
  ask: Ask.Ask,
  { before }: Ask.Between,
  held: Rows.Held
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  let newest: Rows.Dated | undefined
  for (const row of held.rows.values()) if (Rows.isDated(row) && row.start > (newest?.start ?? -Infinity)) newest = row
  if (newest === undefined) return undefined
  const { key, start } = newest
  // Another answer showed it, to another question.
  if (controls.some((row) => row.key === key)) return undefined
  const after = Ask.floorSecond(start) - Ask.second
  const { rows } = yield* ask(1, { after, before })
  const problem = Ask.misplaced(rows, after - Ask.second, before + Ask.second)
  if (problem !== undefined || rows.some((row) => row.key === key)) return problem
  return rows.length >= size ? yield* Ask.control(ask, newest, size) : Ask.notBack
})

/** What is held of the range, by start. Rows come from the newest to the oldest, so most of it is turned round already. */
export const within = (held: Rows.Held, { from, to }: Micros.Range): ReadonlyArray<Rows.Dated> => {
  const rows: Array<Rows.Dated> = []
  for (const row of held.rows.values()) if (Rows.isDated(row) && row.start >= from && row.start < to) rows.push(row)
  return rows.reverse().sort(byStart)
}

const byStart = (left: Rows.Dated, right: Rows.Dated): number =>
  left.start - right.start || (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)

const middleOf = (rows: ReadonlyArray<Rows.Dated>): Rows.Dated | undefined => rows[Math.floor(rows.length / 2)]

const windowOf = (
  settings: Settings,
  known: Known,
  ask: Ask.Ask,
  range: Micros.Range,
  held: Rows.Held,
  coverage: Coverage
): Window => {
  const items: Array<Item<CallSession>> = []
  const rejected: Array<Rejected> = []
  const rows = within(held, range)
  for (const row of rows) {
    if (row.item !== undefined) items.push(row.item)
    if (row.rejected !== undefined) rejected.push(row.rejected)
  }
  for (const row of held.rows.values()) {
    if (row.rejected !== undefined && Rows.isUnplaced(row)) rejected.push(row.rejected)
  }
  let extra = 0
  if (held.repeats.size > 0) for (const { key } of rows) extra += held.repeats.get(key) ?? 0
  return Micros.window(items, {
    ...range,
    rejected,
    coverage: temper(settings, known, ask.log, range, coverage),
    requests: ask.log.requests,
    observedAt: ask.log.observedAt ?? 0,
    ...(extra === 0 ? {} : { extra })
  })
}
