/** Sinks of a sync as they are in the world: what each keeps of its changes when a run is killed, and what must hold of them. */
import type { Change } from "@callstream/core/model/Change"
import * as Position from "@callstream/core/model/Position"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** A change as a sink got it. */
export interface Event {
  readonly id: string
  readonly change: Change
  /** `null` of a call that is gone. */
  readonly row: object | null
}

export interface Held {
  readonly sequence: number
  readonly row: object | null
}

/** What happens at a step of a sink, besides what it does: a kill, or a failure. */
export type At = (sink: string, step: "open" | "write" | "half" | "flush" | "flushed") => Effect.Effect<void, SinkError>

export interface Receiver {
  readonly name: string
  readonly sink: SessionSink.SessionSink<object>
  /** What it shows now, by call. */
  readonly shown: () => ReadonlyMap<string, Held>
  /** The process that wrote to it is no more; `loses`: what it kept in its last transaction as well. */
  readonly crash: (loses: boolean) => void
}

/** Links are signed anew in each answer. */
export const plain = (row: object | null): string =>
  JSON.stringify(row, (key, value: unknown) =>
    key === "recordingUrl" && typeof value === "string" ? value.replace(/\?.*/, "") : value
  )

/** What is wrong, and each content that a version was seen with. */
export interface Judge {
  readonly wrong: Set<string>
  readonly contents: Map<string, string>
}

/** What must hold of each change that a sink gets, by what it held before. */
export const check = (name: string, before: Held | undefined, { change, id, row }: Event, judge: Judge): void => {
  const { contents, wrong } = judge
  const version = `${id} ${change.sequence}`
  const content = contents.get(version) ?? plain(row)
  if (content !== plain(row)) wrong.add(`${version} has two contents`)
  contents.set(version, content)
  const isGone = change.kind === "left" || change.kind === "removed"
  if (isGone !== (row === null)) wrong.add(`${name}: ${id} is ${change.kind} ${isGone ? "with" : "without"} a row`)
  if (before === undefined || change.sequence === before.sequence) return
  if (change.sequence < before.sequence) wrong.add(`${name}: the sequence of ${id} falls`)
  if (change.previous === null || before.row === null || row === null) return
  const isNews = name !== "table" && change.milestones.length > 0
  if (plain(before.row) === plain(row) && !isNews) wrong.add(`${name}: ${id} ${change.sequence} changes nothing`)
}

export const itemsOf = (batch: SessionSink.Batch<object | null>): ReadonlyArray<Event> =>
  batch.items.flatMap(({ change, id, row }) => (change === undefined ? [] : [{ id, change, row }]))

interface Table {
  readonly rows: ReadonlyMap<string, Held>
  /** By ledger. */
  readonly at: ReadonlyMap<string, number>
}

/** Rows and their position, in one transaction. */
export const table = (at: At, judge: Judge): Receiver => {
  const name = "table"
  let kept: Table = { rows: new Map(), at: new Map() }
  let before = kept
  let rows = new Map<string, Held>()
  const take = (batch: SessionSink.Batch<object | null>) =>
    Effect.andThen(
      at(name, "write"),
      Effect.sync(() => {
        for (const event of itemsOf(batch)) {
          check(name, rows.get(event.id), event, judge)
          rows.set(event.id, { sequence: event.change.sequence, row: event.row })
        }
      })
    )
  return {
    name,
    shown: () => kept.rows,
    crash: (loses) => void (kept = loses ? before : kept),
    sink: SessionSink.make<object>({
      name,
      delivery: "transactional",
      keeps: "latest",
      open: ({ fingerprint: { ledger = "" } }) =>
        Effect.map(at(name, "open"), () => {
          rows = new Map(kept.rows)
          const own = kept.at.get(ledger)
          return {
            committed: own === undefined ? Option.none() : Option.some({ at: Position.of(own), note: null }),
            write: take,
            remove: take,
            flush: (cursor: Position.Cursor) =>
              at(name, "flush").pipe(
                Effect.andThen(
                  Effect.sync(() => {
                    before = kept
                    const own = cursor === "end" ? 0 : cursor
                    kept = { rows: new Map(rows), at: new Map(kept.at).set(ledger, own) }
                  })
                ),
                Effect.andThen(at(name, "flushed"))
              )
          }
        })
    })
  }
}

/** A file that is cut back to its note when it is opened. Each version is in it once. */
export const log = (at: At, judge: Judge): Receiver => {
  const name = "log"
  let events: ReadonlyArray<Event> = []
  const held = new Map<string, Held>()
  const cutTo = (length: number) => {
    if (length > events.length) judge.wrong.add("log: it is shorter than its note")
    events = events.slice(0, length)
    held.clear()
    for (const { change, id, row } of events) held.set(id, { sequence: change.sequence, row })
  }
  const take = (batch: SessionSink.Batch<object | null>) =>
    Effect.andThen(
      at(name, "write"),
      Effect.sync(() => {
        for (const event of itemsOf(batch)) {
          const { change, id, row } = event
          const before = held.get(id)
          check(name, before, event, judge)
          if (before !== undefined && before.sequence >= change.sequence) judge.wrong.add(`log: ${id} comes twice`)
          if (change.previous !== null && change.previous !== before?.sequence) {
            judge.wrong.add(`log: the version before ${id} ${change.sequence} is missing`)
          }
          events = [...events, event]
          held.set(id, { sequence: change.sequence, row })
        }
      })
    )
  return {
    name,
    shown: () => held,
    crash: () => {},
    sink: SessionSink.make<object>({
      name,
      delivery: "resumable",
      keeps: "changes",
      open: ({ from }) =>
        Effect.andThen(
          at(name, "open"),
          Effect.sync(() => {
            const { note } = Option.getOrElse(from, () => ({ note: 0 }))
            cutTo(typeof note === "number" ? note : 0)
            return {
              write: take,
              remove: take,
              flush: (cursor: Position.Cursor) =>
                at(name, "flush").pipe(
                  Effect.andThen(Effect.sync(() => ({ at: cursor, note: events.length }))),
                  Effect.tap(() => at(name, "flushed"))
                )
            }
          })
        )
    })
  }
}

/** One that has what it was sent, though the sender may not hear of it, and knows a repeat by its id. */
export const receiver = (at: At, judge: Judge): Receiver => {
  const name = "receiver"
  const ids = new Set<string>()
  const held = new Map<string, Held>()
  const receive = (event: Event) => {
    const { change, id, row } = event
    const before = held.get(id)
    check(name, before, event, judge)
    if (change.previous !== null && !ids.has(`${id} ${change.previous}`)) {
      judge.wrong.add(`receiver: the version before ${id} ${change.sequence} is missing`)
    }
    ids.add(`${id} ${change.sequence}`)
    held.set(id, { sequence: change.sequence, row })
  }
  const take = (batch: SessionSink.Batch<object | null>) => {
    const events = itemsOf(batch)
    const middle = events.length >> 1
    return at(name, "write").pipe(
      Effect.andThen(Effect.sync(() => events.slice(0, middle).forEach(receive))),
      Effect.andThen(at(name, "half")),
      Effect.andThen(Effect.sync(() => events.slice(middle).forEach(receive)))
    )
  }
  return {
    name,
    shown: () => held,
    crash: () => {},
    sink: SessionSink.make<object>({
      name,
      delivery: "idempotent",
      keeps: "changes",
      open: () => Effect.as(at(name, "open"), { write: take, remove: take, flush: () => at(name, "flush") })
    })
  }
}
