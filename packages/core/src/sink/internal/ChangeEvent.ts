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
  `[${quoted(organization)},${quoted(id)},${sequence}]`

const plain = /^[\w.:-]*$/

/** Text as JSON: ids have nothing that must be escaped. */
const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))

export const fields = ({ facets, kind, milestones, previous }: Change): Fields => ({
  type: `call_session.${kind}`,
  previousSequence: previous,
  changed: facets,
  milestones
})

const idOf = (organization: string, change: Change): string =>
  `evt_${ShortSha256.hex(identity(organization, change), 32)}`

/** The event but for its data, in the order of its members. */
const headOf = (organization: string, change: Change) => {
  const { changed, milestones, previousSequence, type } = fields(change)
  return {
    id: idOf(organization, change),
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

const lists = new WeakMap<ReadonlyArray<string>, string>()

/** Most changes have one of the same few lists. */
const listOf = (words: ReadonlyArray<string>): string => {
  const known = lists.get(words)
  if (known !== undefined) return known
  const text = JSON.stringify(words)
  lists.set(words, text)
  return text
}

/** The same as JSON, up to its data: of each call of a first pass, so no object is made for it. */
const textOf = (organization: string, change: Change): string => {
  const { facets, id, kind, milestones, previous, sequence } = change
  return (
    `{"id":"${idOf(organization, change)}","type":"call_session.${kind}","timestamp":"${Instant.format(Instant.of(sequence))}","sequence":${sequence},` +
    `"previousSequence":${previous},"organization":${quoted(organization)},"sessionId":${quoted(id)},` +
    `"changed":${listOf(facets)},"milestones":${listOf(milestones)},"data":`
  )
}

/** The event as JSON, around the row's bytes; nothing where it is not fit for a file. */
const jsonOf = (text: string, row: JsonBytes): JsonBytes | undefined => {
  const [before, after] = row.within ?? ["", ""]
  return Json.fit(text) === text
    ? { ...row, within: [before === "" ? text : `${text}${before}`, `${after}}`] }
    : undefined
}

class EventItem implements Item<object> {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly created: Instant.Instant | undefined
  readonly version: Version | undefined
  readonly change: Change
  private readonly organization: string
  private readonly item: Item<unknown>

  constructor(organization: string, item: Item<unknown>, change: Change) {
    this.id = item.id
    this.start = item.start
    this.created = item.created
    this.version = item.version
    this.change = change
    this.organization = organization
    this.item = item
  }

  /** Made when it is written: texts of a whole window would outlive their use. */
  get json(): JsonBytes | undefined {
    const { change, organization } = this
    const { json } = this.item
    return json === undefined ? undefined : jsonOf(textOf(organization, change), json)
  }
  get row(): object {
    return { ...headOf(this.organization, this.change), data: this.item.row }
  }
}

/** The event of an item that is a change: its `data` is the row, which is read only where no bytes of it are held. */
export const ofItem = (organization: string, item: Item<unknown>, change: Change): Item<object> =>
  new EventItem(organization, item, change)
