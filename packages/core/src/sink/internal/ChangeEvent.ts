/** A change of a call as an event: the same for a log, stdout and a webhook. */
import type { Change, Facet, Milestone } from "../../model/Change.ts"
import * as Instant from "../../model/Instant.ts"
import { AroundItem } from "../../model/internal/AroundItem.ts"
import type { Item, JsonBytes, Within } from "../../model/Item.ts"
import type { Version } from "../../model/Version.ts"
import * as Json from "../../model/internal/Json.ts"
import * as Murmur128 from "./Murmur128.ts"

export interface Fields {
  readonly type: `call_session.${Change["kind"]}`
  readonly previousSequence: Version | null
  readonly changed: ReadonlyArray<Facet>
  readonly milestones: ReadonlyArray<Milestone>
}

export const fields = ({ facets, kind, milestones, previous }: Change): Fields => ({
  type: `call_session.${kind}`,
  previousSequence: previous,
  changed: facets,
  milestones
})

const seedOf = (organization: string): Murmur128.Words => Murmur128.hash(organization, Murmur128.nothing)

/** Ids of events of an organization. A repeat has the same one, a call that changes back has another. */
export const ids = (organization: string): ((change: Change) => string) => {
  const seed = seedOf(organization)
  return ({ id, sequence }) => `evt_${Murmur128.hex(id, sequence, seed)}`
}

const plain = /^[\w.:-]*$/

const encoder = new TextEncoder()
const begins = encoder.encode('{"id":"evt_')
const ends = encoder.encode("}")

/** Between the id of the event and that of the call. */
interface Middle {
  readonly kind: Change["kind"]
  readonly sequence: Version
  readonly previous: Version | null
  readonly bytes: Uint8Array
}

/** Behind the id of the call, up to the data. */
interface Last {
  readonly facets: ReadonlyArray<Facet>
  readonly milestones: ReadonlyArray<Milestone>
  readonly bytes: Uint8Array
}

/** An event around the bytes of its row, of a call whose id has nothing that must be escaped. */
class EventJson implements JsonBytes, Within {
  readonly bytes: Uint8Array
  readonly begin: number
  readonly end: number
  readonly length: number
  private readonly change: Change
  private readonly seed: Murmur128.Words
  private readonly middle: Uint8Array
  private readonly last: Uint8Array

  constructor(row: JsonBytes, change: Change, seed: Murmur128.Words, middle: Uint8Array, last: Uint8Array) {
    this.bytes = row.bytes
    this.begin = row.begin
    this.end = row.end
    this.length = begins.length + Murmur128.digits + middle.length + change.id.length + last.length
    this.change = change
    this.seed = seed
    this.middle = middle
    this.last = last
  }

  get within(): Within {
    return this
  }
  get after(): Uint8Array {
    return ends
  }

  write(into: Uint8Array, at: number): void {
    const { change, last, middle } = this
    const { id } = change
    into.set(begins, at)
    let next = at + begins.length
    Murmur128.write(id, change.sequence, this.seed, into, next)
    next += Murmur128.digits
    into.set(middle, next)
    next += middle.length
    for (let i = 0; i < id.length; i++) into[next + i] = id.charCodeAt(i)
    into.set(last, next + id.length)
  }
}

/** What all events of an organization have in common. */
class Events {
  private readonly organization: string
  private readonly quoted: string
  private readonly isFit: boolean
  private readonly seed: Murmur128.Words
  private readonly idOf: (change: Change) => string
  /** Neighbours mostly share both. */
  private middle: Middle | undefined
  private last: Last | undefined

  constructor(organization: string) {
    this.organization = organization
    this.quoted = JSON.stringify(organization)
    this.isFit = Json.fit(this.quoted) === this.quoted
    this.seed = seedOf(organization)
    this.idOf = ids(organization)
  }

  /** The event but for its data, in the order of its members. */
  head(change: Change) {
    const { changed, milestones, previousSequence, type } = fields(change)
    return {
      id: this.idOf(change),
      type,
      timestamp: Instant.format(Instant.of(change.sequence)),
      sequence: change.sequence,
      previousSequence,
      organization: this.organization,
      sessionId: change.id,
      changed,
      milestones
    }
  }

  private middleOf({ kind, previous, sequence }: Change): Uint8Array {
    const { middle } = this
    if (middle?.sequence === sequence && middle.kind === kind && middle.previous === previous) return middle.bytes
    const timestamp = Instant.format(Instant.of(sequence))
    const text =
      `","type":"call_session.${kind}","timestamp":"${timestamp}","sequence":${sequence},` +
      `"previousSequence":${previous},"organization":${this.quoted},"sessionId":"`
    const bytes = encoder.encode(text)
    this.middle = { kind, sequence, previous, bytes }
    return bytes
  }

  private lastOf({ facets, milestones }: Change): Uint8Array {
    const { last } = this
    if (last?.facets === facets && last.milestones === milestones) return last.bytes
    const text = `","changed":${JSON.stringify(facets)},"milestones":${JSON.stringify(milestones)},"data":`
    const bytes = encoder.encode(text)
    this.last = { facets, milestones, bytes }
    return bytes
  }

  /** The event as JSON, around the row's bytes; nothing where it is not to be written as it is. */
  json(change: Change, row: JsonBytes): JsonBytes | undefined {
    if (row.within !== undefined || !this.isFit || !plain.test(change.id)) return undefined
    return new EventJson(row, change, this.seed, this.middleOf(change), this.lastOf(change))
  }
}

class EventItem extends AroundItem<unknown> implements Item<object> {
  readonly change: Change
  private readonly events: Events

  constructor(events: Events, item: Item<unknown>, change: Change) {
    super(item)
    this.change = change
    this.events = events
  }

  override get json(): JsonBytes | undefined {
    const { json } = this.item
    return json === undefined ? undefined : this.events.json(this.change, json)
  }
  get row(): object {
    return { ...this.events.head(this.change), data: this.item.row }
  }
}

/** The event of an item that is a change: its `data` is the row, which is read only where no bytes of it are held. */
export const events = (organization: string): ((item: Item<unknown>, change: Change) => Item<object>) => {
  const all = new Events(organization)
  return (item, change) => new EventItem(all, item, change)
}
