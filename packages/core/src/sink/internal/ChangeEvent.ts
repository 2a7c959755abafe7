/** A change of a call as an event: the same for a log, stdout and a webhook. */
import type { Change, Facet, Milestone } from "../../model/Change.ts"
import * as Instant from "../../model/Instant.ts"
import type { Item, JsonBytes } from "../../model/Item.ts"
import type { Version } from "../../model/Version.ts"
import * as Json from "../../model/internal/Json.ts"
import * as ShortSha256 from "./ShortSha256.ts"

export interface Fields {
  readonly type: `call_session.${Change["kind"]}`
  readonly previousSequence: Version | null
  readonly changed: ReadonlyArray<Facet>
  readonly milestones: ReadonlyArray<Milestone>
}

/** The id of an event is a digest of this: a repeat has the same one, a call that changes back has another. */
export const identity = (organization: string, { id, sequence }: Change): string =>
  JSON.stringify([organization, id, sequence])

export const fields = ({ facets, kind, milestones, previous }: Change): Fields => ({
  type: `call_session.${kind}`,
  previousSequence: previous,
  changed: facets,
  milestones
})

/** The event but for its data, in the order of its members. */
const headOf = (organization: string, change: Change) => {
  const { changed, milestones, previousSequence, type } = fields(change)
  return {
    id: `evt_${ShortSha256.hex(identity(organization, change), 32)}`,
    type,
    timestamp: Instant.format(Instant.of(change.sequence)),
    sequence: change.sequence,
    previousSequence,
    organization,
    sessionId: change.id,
    changed,
    milestones
  }
}

/** The event as JSON, around the row's bytes; nothing where they are not held. */
const jsonOf = (head: object, row: JsonBytes | undefined): JsonBytes | undefined => {
  if (row === undefined) return undefined
  const text = JSON.stringify(head)
  const [before, after] = row.within ?? ["", ""]
  // Without the brace that closes it.
  return Json.fit(text) === text
    ? { ...row, within: [`${text.slice(0, -1)},"data":${before}`, `${after}}`] }
    : undefined
}

class EventItem implements Item<object> {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly created: Instant.Instant | undefined
  readonly version: Version | undefined
  readonly change: Change
  readonly json: JsonBytes | undefined
  private readonly head: object
  private readonly item: Item<unknown>

  constructor(head: object, item: Item<unknown>, change: Change) {
    this.id = item.id
    this.start = item.start
    this.created = item.created
    this.version = item.version
    this.change = change
    this.json = jsonOf(head, item.json)
    this.head = head
    this.item = item
  }

  get row(): object {
    return { ...this.head, data: this.item.row }
  }
}

/** The event of an item that is a change: its `data` is the row, which is read only where no bytes of it are held. */
export const ofItem = (organization: string, item: Item<unknown>, change: Change): Item<object> =>
  new EventItem(headOf(organization, change), item, change)
