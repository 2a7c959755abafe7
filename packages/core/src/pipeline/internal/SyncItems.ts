/** Calls of a sync before the transform, behind it, and as sinks get them. Each is decoded when it is read. */
import { type CallSession, createdInstant, startInstant } from "../../model/CallSession.ts"
import type * as Change from "../../model/Change.ts"
import type * as Instant from "../../model/Instant.ts"
import * as Around from "../../model/internal/AroundItem.ts"
import type { Item } from "../../model/Item.ts"
import type * as Version from "../../model/Version.ts"
import { itemOf } from "../../sync/internal/Noted.ts"
import type { Change as SyncChange } from "../../sync/Sync.ts"

export const isGone = ({ kind }: Change.Change): boolean => kind === "left" || kind === "removed"

/** A call before the transform. It is small, because those of a whole window wait for their delivery. */
export class Given extends Around.AroundItem<CallSession> implements Item<CallSession> {
  readonly of: SyncChange

  constructor(of: SyncChange, item: Item<CallSession>) {
    super(item)
    this.of = of
  }

  override get version(): Version.Version {
    return this.of.sequence
  }
  get row(): CallSession {
    return this.item.row
  }
}

/** Nothing of a call that is gone. */
export const givenOf = (change: SyncChange): Given | undefined => {
  if (isGone(change)) return undefined
  const item = itemOf(change)
  if (item !== undefined) return new Given(change, item)
  const { session } = change
  if (session === undefined) return undefined
  const { id } = session
  const [start, created] = [startInstant(session), createdInstant(session)]
  return new Given(change, { id, start, created, row: session })
}

/** A change as sinks get it, without a row of a call that is gone. `born`: the commit in which it was noted first. */
export interface Delivered<out A> {
  readonly item: Item<A> | undefined
  readonly start: Instant.Instant | undefined
  readonly change: Change.Change
  readonly commit: number
  readonly born: number
  /** No consumer has a version of the call. */
  readonly isFirst: boolean
  readonly isRepeated: boolean
  /** Consumers have the same row: only its milestones are new, for those that keep changes. */
  readonly isSame: boolean
}

/** A call that is new to all consumers. */
export class Fresh<A> implements Delivered<A> {
  readonly item: Item<A>
  readonly change: SyncChange
  private readonly given: Given

  constructor(item: Item<A>, given: Given) {
    this.item = item
    this.change = given.of
    this.given = given
  }

  get start(): Instant.Instant | undefined {
    return this.given.start
  }
  get commit(): number {
    return this.change.commit.commit
  }
  get born(): number {
    return this.commit
  }
  get isFirst(): boolean {
    return true
  }
  get isRepeated(): boolean {
    return false
  }
  get isSame(): boolean {
    return false
  }
}

/** A row with its change, which is read only if the sink needs it as an object. */
export class ChangedRow<A> extends Around.AroundItem<A> implements Item<A> {
  readonly change: Change.Change

  constructor(item: Item<A>, change: Change.Change) {
    super(item)
    this.change = change
  }

  override get version(): Version.Version {
    return this.change.sequence
  }
  get row(): A {
    return this.item.row
  }
}

/** What one consumer gets of a change: of one that it may have missed it cannot say which version it had. */
export const forConsumer = <A>(delivered: Delivered<A>, given: number): ChangedRow<A> | Item<null> => {
  const { born, change, isFirst, isRepeated, item, start } = delivered
  const kind: Change.Kind = isFirst || born > given ? "created" : "updated"
  const own = !isRepeated || isGone(change) ? change : { ...change, kind }
  return item === undefined
    ? { id: change.id, start, version: change.sequence, change: own, row: null }
    : new ChangedRow(item, own)
}

type Segment<A> =
  | { readonly _tag: "Rows"; readonly items: Array<Item<A>>; readonly ids: Set<string> }
  | { readonly _tag: "Gone"; readonly items: Array<Item<null>>; readonly ids: Set<string> }

/** Changes in a row that are alike, rows or calls that are gone, in the order of their commits. */
export const segments = <A>(items: ReadonlyArray<ChangedRow<A> | Item<null>>): ReadonlyArray<Segment<A>> => {
  const all: Array<Segment<A>> = []
  for (const item of items) {
    const last = all.at(-1)
    // A call is once in a batch: of two versions a table would keep one only.
    const fits = last !== undefined && !last.ids.has(item.id) ? last : undefined
    fits?.ids.add(item.id)
    if (item instanceof ChangedRow) {
      if (fits?._tag === "Rows") fits.items.push(item)
      else all.push({ _tag: "Rows", items: [item], ids: new Set([item.id]) })
    } else if (fits?._tag === "Gone") fits.items.push(item)
    else all.push({ _tag: "Gone", items: [item], ids: new Set([item.id]) })
  }
  return all
}
