/**
 * Notices when all rows of a reading came, and only counts of them are outstanding: what has to be asked after all rows can be asked
 * beside those counts.
 */
import * as Effect from "effect/Effect"

/** The reader of a task says so: that many rows came, and nothing more is read. Nothing, where it reads on after all. */
export type Came = (rows: number | undefined) => Effect.Effect<void>

/** What a task came to. */
interface Ended {
  readonly rows: number
  /** Tasks that replace it. */
  readonly parts: number
}

interface State {
  /** Tasks that are not done. */
  left: number
  /** Rows of those that are. */
  done: number
  /** Rows of the tasks of which only counts are outstanding. */
  readonly counting: Map<object, number>
  stage: "reading" | "came" | "moved"
}

export interface AllCame {
  /** More tasks will be read. */
  readonly expect: (tasks: number) => void
  /** The reading of one of them. */
  readonly reading: <A, E, R>(
    read: (came: Came) => Effect.Effect<A, E, R>,
    ended: (result: A) => Ended
  ) => Effect.Effect<A, E, R>
  /** Whether no row came since. */
  readonly isStill: () => boolean
}

/** @param then is run once, when all rows came, with how many they are. */
export const make = (then: (rows: number) => Effect.Effect<void>): AllCame => {
  const state: State = { left: 0, done: 0, counting: new Map(), stage: "reading" }
  const { counting } = state
  const look = Effect.suspend(() => {
    const { done, left, stage } = state
    if (stage !== "reading" || left === 0 || counting.size < left) return Effect.void
    state.stage = "came"
    return then([...counting.values()].reduce((sum, rows) => sum + rows, done))
  })
  const readOn = () => {
    if (state.stage === "came") state.stage = "moved"
  }
  return {
    expect: (tasks) => {
      state.left += tasks
      if (tasks > 0) readOn()
    },
    reading: (read, ended) =>
      Effect.suspend(() => {
        const task = {}
        const came: Came = (rows) =>
          Effect.suspend(() => {
            if (rows === undefined) {
              counting.delete(task)
              readOn()
              return Effect.void
            }
            counting.set(task, rows)
            return look
          })
        return Effect.tap(read(came), (result) => {
          const { parts, rows } = ended(result)
          counting.delete(task)
          state.left += parts - 1
          state.done += rows
          if (parts > 0) readOn()
          return look
        })
      }),
    isStill: () => state.stage === "came"
  }
}
