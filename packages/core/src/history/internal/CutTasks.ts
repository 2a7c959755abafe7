/** Tasks that are cut into windows before their first page, where pages have shown how many rows they have. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Partitioner from "./Partitioner.ts"
import type { Known } from "./Known.ts"
import * as ReadPages from "./ReadPages.ts"
import { ask as askOf, type Settings } from "./Settings.ts"
import * as Task from "./Task.ts"

/** The tasks of a stretch with so many rows, of which those with the calls are cut. */
const ofStretch = Effect.fnUntraced(function* (settings: Settings, tasks: ReadonlyArray<Task.Task>, rows: number) {
  const all = tasks.reduce((sum, { expected }) => sum + expected, 0)
  const ask = askOf(settings)
  const parts = yield* Effect.forEach(tasks, (task) => {
    const share = (rows * task.expected) / Math.max(1, all)
    const few = Math.min(1.5 * settings.perWindow, settings.concurrency * Partitioner.least * settings.size)
    return share < few ? Effect.succeed([task]) : Task.byCount(settings, ask, task, share, settings.perWindow)
  })
  return parts.flat()
})

/**
 * The tasks of a whole range, of which a large one is cut. Nobody waits for its count, because the number that is expected is off by
 * little. Where pages show that it has less than half of that, its reader counts it.
 */
export const measured = Effect.fnUntraced(function* (settings: Settings, tasks: ReadonlyArray<Task.Task>) {
  const seen = { order: ReadPages.unknownOrder() }
  const plain = askOf(settings)
  const ask = Object.assign(
    (...asked: Parameters<Ask.Ask>) =>
      Effect.tap(plain(...asked), ({ rows }) =>
        Effect.sync(() => {
          seen.order = ReadPages.orderIn(seen.order, rows)
        })
      ),
    { log: plain.log }
  )
  const repeats = yield* settings.repeats
  const all = yield* Effect.forEach(
    tasks,
    Effect.fnUntraced(function* (task) {
      if (repeats || task.expected < 1.5 * settings.perWindow) return [task]
      const parts = yield* Task.byCount(settings, ask, task, task.expected, settings.perWindow)
      const isCut =
        2 * parts.length * settings.perWindow > task.expected && parts.slice(1).every(({ counted }) => counted)
      // The oldest one has what the number is off by.
      return isCut ? parts.map((part, i) => (i === 0 ? { ...part, counted: false } : part)) : [task]
    })
  )
  return { tasks: all.flat(), log: ask.log, order: seen.order }
})

interface Shown {
  /** Of a stretch, where pages showed them. */
  readonly rows: number | undefined
  /** Whether those of the whole range were measured. */
  readonly measured: boolean
  /** Notes the answers by which a whole range is cut. */
  readonly note: (log: Ask.Log, order: Known["order"]) => void
}

/** The tasks, of which some are cut where their number is known. */
export const cut = (
  settings: Settings,
  tasks: ReadonlyArray<Task.Task>,
  { measured: isMeasured, note, rows }: Shown
): Effect.Effect<ReadonlyArray<Task.Task>, AgniError> =>
  isMeasured
    ? Effect.map(measured(settings, tasks), ({ log, order, tasks }) => {
        note(log, order)
        return tasks
      })
    : rows === undefined
      ? Effect.succeed(tasks)
      : ofStretch(settings, tasks, rows)
