/** Sinks as they are in the world: what was flushed stays, what was written after it may stay or not. */
import type { Cursor } from "@callstream/core/model/Position"
import type { Committed } from "@callstream/core/model/Committed"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Outside, Step } from "./Outside.ts"

export interface Held<A> {
  readonly id: string
  readonly row: A
  readonly observedAt: number
}

/** What a process has to reckon with: whether this call fails, in passing or for good. */
export type Trouble = (sink: string, step: Step) => "passing" | "lasting" | undefined

export interface Store<A> {
  readonly name: string
  readonly delivery: SessionSink.Delivery
  readonly sink: (outside: Outside, trouble: Trouble, chance: () => number) => SessionSink.SessionSink<A>
  /** What survives whatever happens; of a resumable one, up to a position. */
  readonly durable: (committed?: Committed) => ReadonlyArray<Held<A>>
  /** Its own account. */
  readonly account: () => Committed | undefined
  readonly finished: () => boolean
  /** The process that wrote to it is no more. */
  readonly abandon: (chance: () => number) => void
  /** What a sink may rely on and did not get. */
  readonly wrong: Array<string>
}

const lengthIn = (committed: Committed): number => {
  const { note } = committed
  return typeof note === "number" ? note : 0
}

export const make = <A>(options: {
  readonly name: string
  readonly delivery: SessionSink.Delivery
  readonly refuses: (id: string) => boolean
  /** Tells whether it may be committed as it is. */
  readonly onFlush?: (committed: Committed) => void
}): Store<A> => {
  const { delivery, name, refuses } = options
  let durable: Array<Held<A>> = []
  let pending: Array<Held<A>> = []
  let account: Committed | undefined
  let finished = false
  const wrong: Array<string> = []
  /** A table has one row for a key, the one that was observed last. */
  const put = (one: Held<A>) => {
    const at = delivery === "transactional" ? durable.findIndex(({ id }) => id === one.id) : -1
    const before = durable[at]
    if (before === undefined) durable.push(one)
    else if (before.observedAt <= one.observedAt) durable[at] = one
  }
  const failure = (operation: "open" | "write" | "flush" | "finish", retryable: boolean, description = "trouble") =>
    new SinkError({ sink: name, operation, retryable, reason: { _tag: "Other", description } })

  return {
    name,
    delivery,
    wrong,
    account: () => account,
    finished: () => finished,
    durable: (committed) =>
      delivery === "resumable" && committed !== undefined ? durable.slice(0, lengthIn(committed)) : durable,
    abandon: (chance) => {
      if (delivery !== "transactional") durable.push(...pending.slice(0, Math.floor(chance() * (pending.length + 1))))
      pending = []
    },
    sink: (outside, trouble, chance) => {
      let busy = false
      const call = <B>(operation: "open" | "write" | "flush" | "finish", act: () => B | SinkError, half?: () => void) =>
        Effect.suspend(() => {
          if (busy) wrong.push(`${operation} while another call was under way`)
          busy = true
          const met = trouble(name, operation)
          if (met === undefined) return outside.step(operation, act)
          return outside.step(operation, () => {
            half?.()
            return failure(operation, met === "passing")
          })
        }).pipe(
          Effect.flatMap((result) => (result instanceof SinkError ? Effect.fail(result) : Effect.succeed(result))),
          Effect.ensuring(
            Effect.sync(() => {
              busy = false
            })
          )
        )
      const rows = ({ items, observedAt }: SessionSink.Batch<A>): ReadonlyArray<Held<A>> =>
        items.filter(({ id }) => !refuses(id)).map(({ id, row }) => ({ id, row, observedAt }))
      let closed = false
      const flush = (cursor: Cursor) => {
        for (const one of pending) put(one)
        pending = []
        const committed = { at: cursor, note: durable.length }
        if (delivery === "transactional") account = committed
        options.onFlush?.(committed)
        return committed
      }
      return SessionSink.make({
        name,
        delivery,
        open: ({ from }) =>
          call("open", () => {
            if (finished && delivery === "resumable") {
              const same = Option.isSome(from) && lengthIn(from.value) === durable.length
              if (!same) return failure("open", false, "another file has the name")
              closed = true
            } else if (delivery === "resumable") {
              const length = Option.isSome(from) ? lengthIn(from.value) : 0
              if (length > durable.length) return failure("open", false, "the file is shorter")
              durable = durable.slice(0, length)
            }
            return {
              committed: delivery === "transactional" ? Option.fromUndefinedOr(account) : from,
              write: (batch: SessionSink.Batch<A>) =>
                call(
                  "write",
                  () => {
                    const taken = rows(batch)
                    if (closed && taken.length > 0) return failure("write", false, "the file is finished")
                    pending.push(...taken)
                    return batch.items.filter(({ id }) => refuses(id)).map(({ id }) => ({ id, reason: "not wanted" }))
                  },
                  () => {
                    // Where rows cannot be taken back, those before the failure are there.
                    if (delivery !== "append" && delivery !== "idempotent") return
                    const taken = rows(batch)
                    pending.push(...taken.slice(0, Math.floor(chance() * taken.length)))
                  }
                ),
              flush: (cursor: Cursor) =>
                call(
                  "flush",
                  () => flush(cursor),
                  // An answer that got lost on its way back.
                  () => void (delivery !== "resumable" && chance() < 0.5 && flush(cursor))
                ),
              finish: call("finish", () => {
                if (pending.length > 0) wrong.push("finished with rows that were not flushed")
                finished = true
              })
            }
          })
      })
    }
  }
}
