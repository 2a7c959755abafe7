/**
 * A log of the changes of a sync, written as rows of another sink: one event a change.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Milestone } from "../model/Change.ts"
import type { Item } from "../model/Item.ts"
import * as ChangeEvent from "./internal/ChangeEvent.ts"
import type { Batch, Refused, SessionSink } from "./SinkContract.ts"

/**
 * Whose calls they are.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The organization of the calls: a part of each event, and of its id. @default as the API shows it */
  readonly organization?: string | undefined
}

/**
 * The sink as a log of changes, for a sync: each row is an event such as
 * `{ id, type, timestamp, sequence, previousSequence, organization, sessionId, changed, milestones, data }`. `data` is the row
 * as the transforms made it, `null` of a call that is gone. The `id` is a hash of organization, call and sequence, so a
 * repeat has the same one. A row that is no change is refused.
 *
 * @since 0.1.0
 * @category combinators
 */
export const make = <R>(self: SessionSink<unknown, R>, { organization }: Options = {}): SessionSink<unknown, R> => {
  const split = ({ items, ...batch }: Batch<unknown>) => {
    const event = ChangeEvent.events(organization ?? batch.organization ?? "")
    const events: Array<Item<object>> = []
    const refused: Array<Refused> = []
    for (const item of items) {
      if (item.change === undefined) refused.push({ id: item.id, reason: "it is no change of a sync" })
      else events.push(event(item, item.change))
    }
    return { events, refused }
  }
  return {
    ...self,
    keeps: "changes",
    open: (opening) =>
      Effect.map(self.open(opening), (writer) => {
        const write = (batch: Batch<unknown>) =>
          Effect.suspend(() => {
            const { events, refused } = split(batch)
            return Effect.map(writer.write({ ...batch, items: events }), (more) => [...refused, ...more])
          })
        return { ...writer, write, remove: write }
      })
  }
}

/**
 * The sink, which gets only versions that reach one of these milestones, and the calls that are gone. A version that is left
 * out counts as delivered.
 *
 * @since 0.1.0
 * @category combinators
 */
export const reaching = <A, R>(self: SessionSink<A, R>, milestones: ReadonlyArray<Milestone>): SessionSink<A, R> => ({
  ...self,
  open: (opening) =>
    Effect.map(self.open(opening), (writer) => ({
      ...writer,
      write: (batch) =>
        writer.write({
          ...batch,
          items: batch.items.filter(
            ({ change }) => change === undefined || change.milestones.some((one) => milestones.includes(one))
          )
        })
    }))
})
